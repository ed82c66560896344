//! A stage to try a policy on: a key that exists only here, tokens and a revocation feed that it
//! signs. What is decided on it is decided by the very gate that hosts run.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use ed25519_compact::{KeyPair, Seed};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use signet_verifier::policy::document::Policy;
use signet_verifier::time::UnixTime;
use signet_verifier::{Decision, Gate, KeySet, RequestHead};

/// The name of the one key.
const KID: &str = "stage";

/// A request and what the host has when it comes.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    /// The method.
    pub(super) method: &'a str,
    /// The path with its query.
    pub(super) target: &'a str,
    /// The headers but `Authorization`.
    pub(super) headers: &'a [(String, String)],
    /// The token.
    pub(super) token: Option<&'a str>,
    /// The feed.
    pub(super) feed: Option<&'a str>,
    /// The time.
    pub(super) now: UnixTime,
    /// Seconds granted to clocks that differ.
    pub(super) leeway: u64,
}

/// Signs whatever it is asked to.
pub(super) struct Stage(KeyPair);

impl Stage {
    /// The key is the same each time and protects nothing.
    pub(super) fn new() -> Self {
        Self(KeyPair::from_seed(Seed::new([7; 32])))
    }

    /// What the gate of a host decides that has fetched this stage's keys.
    pub(super) fn decide(&self, policy: &Policy, scene: &Scene<'_>) -> Decision {
        let mut gate = Gate::new(policy.clone()).leeway(scene.leeway);
        gate.install_keys(self.key_set());
        if let Some(feed) = scene.feed {
            // A stale one is refused by some hosts and kept by others; neither makes it fresh.
            let _refused = gate.apply_feed(feed.as_bytes(), scene.now);
        }
        let bearer = scene.token.map(|token| format!("Bearer {token}"));
        let bearer = bearer
            .iter()
            .map(|value| (&b"authorization"[..], value.as_bytes()));
        let headers = scene.headers.iter();
        let headers: Vec<(&[u8], &[u8])> = headers
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .chain(bearer)
            .collect();
        let request = RequestHead {
            method: scene.method.as_bytes(),
            target: scene.target.as_bytes(),
            headers: &headers,
        };
        gate.decide(&request, scene.now)
    }

    fn key_set(&self) -> KeySet {
        let x = base64url(self.0.pk.as_slice());
        let jwks = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": KID, "x": x }] });
        let loaded = KeySet::from_jwks(jwks.to_string().as_bytes());
        loaded.map(|loaded| loaded.key_set).unwrap_or_default()
    }

    /// An access token with this payload.
    pub(super) fn token(&self, payload: &str) -> String {
        self.sign("at+jwt", payload)
    }

    /// A snapshot of the feed, signed at a time, in which these sessions have ended.
    pub(super) fn feed(&self, issuer: &str, at: UnixTime, ended: Option<&str>) -> String {
        let ended = ended.map(|session| Sha256::digest(session.as_bytes()));
        let ended = ended.as_deref().and_then(|hash| hash.get(..8));
        let claims = json!({
            "iss": issuer,
            "iat": at.as_secs(),
            "exp": at.saturating_add(30).as_secs(),
            "epoch": 1,
            "seq": 1,
            "e": base64url(ended.unwrap_or_default()),
            "u": [],
            "k": [],
        });
        self.sign("signet-rev+jwt", &claims.to_string())
    }

    fn sign(&self, media_type: &str, payload: &str) -> String {
        let header = json!({ "alg": "EdDSA", "typ": media_type, "kid": KID }).to_string();
        let input = format!(
            "{}.{}",
            base64url(header.as_bytes()),
            base64url(payload.as_bytes())
        );
        let signature = self.0.sk.sign(input.as_bytes(), None);
        format!("{input}.{}", base64url(signature.as_slice()))
    }
}

fn base64url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}
