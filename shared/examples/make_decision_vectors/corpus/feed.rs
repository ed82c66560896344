//! Revocation feeds: snapshots, and deltas to them.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::NOW;
use super::jws::{base64url, key, signed};
use super::key_set;

/// A feed before it is signed.
#[derive(Clone)]
pub(crate) struct Feed {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    seed: u8,
}

impl Feed {
    /// A snapshot without entries that was signed five seconds ago.
    pub(crate) fn snapshot(epoch: u64, seq: u64) -> Self {
        let feed = Self {
            header: Map::new(),
            claims: Map::new(),
            seed: key_set::seed("main"),
        };
        feed.header("alg", "EdDSA")
            .header("kid", "main")
            .header("typ", "signet-rev+jwt")
            .with("iss", "https://auth.example.com")
            .signed_at(NOW - 5)
            .with("epoch", epoch)
            .with("seq", seq)
            .with("e", "")
            .with("u", json!([]))
            .with("k", json!([]))
    }

    /// A delta without entries from one number to the next, signed five seconds ago.
    pub(crate) fn delta(epoch: u64, since: u64, seq: u64) -> Self {
        Self::snapshot(epoch, seq)
            .with("since", since)
            .with("d", "")
    }

    /// Signed at that time, and good for 30 seconds.
    pub(crate) fn signed_at(self, iat: u64) -> Self {
        self.with("iat", iat).with("exp", iat + 30)
    }

    /// Signed 40 seconds ago: since 10 seconds it isn't fresh.
    pub(crate) fn stale(self) -> Self {
        self.signed_at(NOW - 40)
    }

    /// With these sessions ended.
    pub(crate) fn ends(self, sessions: &[&str]) -> Self {
        self.with("e", prefixes(sessions))
    }

    /// With these sessions' entries gone.
    pub(crate) fn drops(self, sessions: &[&str]) -> Self {
        self.with("d", prefixes(sessions))
    }

    /// With the least version of each of these subjects' tokens.
    pub(crate) fn least_versions(self, subjects: &[(&str, u64)]) -> Self {
        let entry = |(subject, version): &(&str, u64)| (prefix(subject), *version);
        let mut entries: Vec<([u8; 8], u64)> = subjects.iter().map(entry).collect();
        entries.sort_unstable();
        let entry = |(prefix, version)| json!([base64url(prefix), version]);
        self.with("u", entries.into_iter().map(entry).collect::<Vec<_>>())
    }

    /// With these keys refused.
    pub(crate) fn refuses(self, kids: &[&str]) -> Self {
        self.with("k", json!(kids))
    }

    /// With another claim, or another value of one.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// Without a claim.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.claims.shift_remove(name);
        self
    }

    /// With another member of the header, or another value of one.
    pub(crate) fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.into(), value.into());
        self
    }

    /// Without a member of the header.
    pub(crate) fn without_header(mut self, name: &str) -> Self {
        self.header.shift_remove(name);
        self
    }

    /// Signed by the key of that name.
    pub(crate) fn signed_by(mut self, kid: &str) -> Self {
        self.seed = key_set::seed(kid);
        self.header("kid", kid)
    }

    /// Signed by a key that is not the one it names.
    pub(crate) fn forged(mut self) -> Self {
        self.seed = 66;
        self
    }

    /// The claims as JSON.
    pub(crate) fn payload(&self) -> String {
        json!(self.claims).to_string()
    }

    /// The feed itself.
    pub(crate) fn text(&self) -> String {
        self.text_of(&self.payload())
    }

    /// The feed with any payload.
    pub(crate) fn text_of(&self, payload: &str) -> String {
        signed(&key(self.seed), &json!(self.header).to_string(), payload)
    }
}

/// The first 8 bytes of an identifier's SHA-256.
pub(crate) fn prefix(identifier: &str) -> [u8; 8] {
    let hash = Sha256::digest(identifier);
    let mut prefix = [0; 8];
    prefix.copy_from_slice(&hash[..8]);
    prefix
}

/// The prefixes of some identifiers, sorted, one after the other.
fn prefixes(identifiers: &[&str]) -> String {
    let mut prefixes: Vec<[u8; 8]> = identifiers.iter().map(|text| prefix(text)).collect();
    prefixes.sort_unstable();
    base64url(prefixes.concat())
}
