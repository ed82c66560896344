//! Feeds as the issuer signs them, and in every other way.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use signet_verifier::revocation::{Applied, FeedFault, Prefix};
use signet_verifier::time::UnixTime;
use signet_verifier::{KeyId, KeySet, Revocations};

pub(crate) const ISSUER: &str = "https://auth.example.com";
pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const LEEWAY: u64 = 20;

/// The keys of the set.
pub(crate) const KIDS: [&str; 2] = ["main", "second"];

/// A feed before it is signed.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    signer: &'static str,
}

impl Feed {
    /// A snapshot without entries, signed now.
    pub(crate) fn snapshot(epoch: u64, seq: u64) -> Self {
        let header = json!({ "alg": "EdDSA", "typ": "signet-rev+jwt" });
        let claims =
            json!({ "iss": ISSUER, "epoch": epoch, "seq": seq, "e": "", "u": [], "k": [] });
        let [Value::Object(header), Value::Object(claims)] = [header, claims] else {
            unreachable!("both are written as objects");
        };
        let feed = Self {
            header,
            claims,
            signer: "main",
        };
        feed.signed_by("main").signed_at(NOW)
    }

    /// A delta without entries, signed now.
    pub(crate) fn delta(epoch: u64, since: u64, seq: u64) -> Self {
        let snapshot = Self::snapshot(epoch, seq);
        snapshot.with("since", since).with("d", "")
    }

    /// Signed at that time, and good for 30 seconds.
    pub(crate) fn signed_at(self, iat: u64) -> Self {
        self.with("iat", iat).with("exp", iat + 30)
    }

    /// Signed by that key.
    pub(crate) fn signed_by(mut self, kid: &'static str) -> Self {
        self.signer = kid;
        self.header("kid", kid)
    }

    /// With these sessions ended.
    pub(crate) fn ends<S: AsRef<str>>(self, sessions: &[S]) -> Self {
        self.with("e", prefixes(sessions))
    }

    /// With these sessions' entries gone.
    pub(crate) fn drops<S: AsRef<str>>(self, sessions: &[S]) -> Self {
        self.with("d", prefixes(sessions))
    }

    /// With the least version of each of these subjects' tokens.
    pub(crate) fn least_versions<S: AsRef<str>>(self, subjects: &[(S, u64)]) -> Self {
        let mut subjects: Vec<([u8; 8], u64)> = subjects
            .iter()
            .map(|(subject, version)| (prefix(subject.as_ref()), *version))
            .collect();
        subjects.sort_unstable();
        let pair = |(subject, version): ([u8; 8], u64)| json!([base64url(&subject), version]);
        self.with("u", subjects.into_iter().map(pair).collect::<Vec<_>>())
    }

    /// With these keys refused.
    pub(crate) fn refuses<S: AsRef<str>>(self, kids: &[S]) -> Self {
        let kids: Vec<&str> = kids.iter().map(AsRef::as_ref).collect();
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

    pub(crate) fn payload(&self) -> String {
        json!(self.claims).to_string()
    }

    pub(crate) fn text(&self) -> Vec<u8> {
        self.text_of(self.payload())
    }

    /// The feed with any payload under a good signature.
    pub(crate) fn text_of(&self, payload: impl AsRef<[u8]>) -> Vec<u8> {
        let header = json!(self.header).to_string();
        let signed = format!(
            "{}.{}",
            base64url(header.as_bytes()),
            base64url(payload.as_ref())
        );
        let signature = signing_key(self.signer).sign(signed.as_bytes()).to_bytes();
        format!("{signed}.{}", base64url(&signature)).into_bytes()
    }
}

fn signing_key(kid: &str) -> SigningKey {
    SigningKey::from_bytes(&Sha256::digest(kid).into())
}

pub(crate) fn key_set() -> KeySet {
    key_set_of(&KIDS)
}

pub(crate) fn key_set_of(kids: &[&str]) -> KeySet {
    let keys: Vec<Value> = kids
        .iter()
        .map(|kid| {
            let x = base64url(signing_key(kid).verifying_key().as_bytes());
            json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x })
        })
        .collect();
    let jwks = json!({ "keys": keys }).to_string();
    KeySet::from_jwks(jwks.as_bytes()).unwrap().key_set
}

/// What becomes of a feed that arrives at a time.
pub(crate) fn apply_at(
    revocations: &mut Revocations,
    feed: &[u8],
    now: u64,
) -> Result<Applied, FeedFault> {
    apply_with(revocations, &KIDS, feed, now)
}

/// What becomes of a feed where these are the keys of the set.
pub(crate) fn apply_with(
    revocations: &mut Revocations,
    kids: &[&str],
    feed: &[u8],
    now: u64,
) -> Result<Applied, FeedFault> {
    let now = UnixTime::from_secs(now);
    revocations.apply(feed, &key_set_of(kids), ISSUER, LEEWAY, now)
}

/// What becomes of a feed that arrives now.
pub(crate) fn apply(revocations: &mut Revocations, feed: &Feed) -> Result<Applied, FeedFault> {
    apply_at(revocations, &feed.text(), NOW)
}

/// What is in force after these feeds, all of which are taken.
pub(crate) fn after<'a>(feeds: impl IntoIterator<Item = &'a Feed>) -> Revocations {
    let mut revocations = Revocations::default();
    for feed in feeds {
        apply(&mut revocations, feed).expect("the feed is good");
    }
    revocations
}

/// Whether a token is revoked.
pub(crate) fn revokes(
    revocations: &Revocations,
    kid: &str,
    session: &str,
    subject: &str,
    version: u64,
) -> bool {
    let kid = KeyId::parse(kid).unwrap();
    revocations.revokes(&kid, &Prefix::of(session), &Prefix::of(subject), version)
}

/// Whether the key of what is in force isn't one of these.
pub(crate) fn is_disowned(revocations: &Revocations, kids: &[&str]) -> bool {
    revocations.is_disowned_by(&key_set_of(kids))
}

/// Whether a session is over, of a subject and a key that nobody speaks of.
pub(crate) fn is_over(revocations: &Revocations, session: &str) -> bool {
    revokes(revocations, "unspoken", session, "unspoken", 0)
}

pub(crate) fn is_fresh(revocations: &Revocations, now: u64) -> bool {
    revocations.is_fresh(UnixTime::from_secs(now))
}

pub(crate) fn prefix(identifier: &str) -> [u8; 8] {
    *Sha256::digest(identifier).first_chunk().unwrap()
}

/// The prefixes of some identifiers, sorted, one after the other.
fn prefixes<S: AsRef<str>>(identifiers: &[S]) -> String {
    let prefix = |identifier: &S| prefix(identifier.as_ref());
    let mut prefixes: Vec<[u8; 8]> = identifiers.iter().map(prefix).collect();
    prefixes.sort_unstable();
    base64url(&prefixes.concat())
}

pub(crate) fn base64url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}
