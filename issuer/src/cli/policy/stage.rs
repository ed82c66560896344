//! A stage to try a policy on: a key that exists only here, tokens and a revocation feed that it
//! signs. What is decided on it is decided by the very gate that hosts run.
//!
//! The key is another one each time, so that nobody outside can make a token for a stage.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use ed25519_compact::{KeyPair, Seed};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use signet_core::secret::Randomness;
use signet_verifier::policy::document::Policy;
use signet_verifier::time::UnixTime;
use signet_verifier::{Decision, Gate, KeySet, Leeway, RequestHead};

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
    /// What is granted to clocks that differ.
    pub(super) leeway: Leeway,
}

impl Scene<'_> {
    /// What a gate decides about it, with the keys and the feed that the gate has.
    pub(super) fn shown_to(&self, gate: &Gate) -> Decision {
        let bearer = self.token.map(|token| format!("Bearer {token}"));
        let bearer = bearer
            .iter()
            .map(|value| (&b"authorization"[..], value.as_bytes()));
        let headers = self.headers.iter();
        let headers: Vec<(&[u8], &[u8])> = headers
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .chain(bearer)
            .collect();
        let request = RequestHead {
            method: self.method.as_bytes(),
            target: self.target.as_bytes(),
            headers: &headers,
        };
        gate.decide(&request, self.now)
    }
}

/// Signs whatever it is asked to.
pub(super) struct Stage(KeyPair);

impl Stage {
    /// A stage with a key of its own.
    pub(super) fn new(randomness: &dyn Randomness) -> Self {
        Self(KeyPair::from_seed(Seed::new(randomness.array())))
    }

    /// What the gate of a host decides that has fetched this stage's keys.
    pub(super) fn decide(&self, policy: &Policy, scene: &Scene<'_>) -> Decision {
        let mut gate = Gate::new(policy.clone()).leeway(scene.leeway);
        gate.install_keys(self.key_set());
        if let Some(feed) = scene.feed {
            // A stale one is refused by some hosts and kept by others; neither makes it fresh.
            let _refused = gate.apply_feed(feed.as_bytes(), scene.now);
        }
        scene.shown_to(&gate)
    }

    fn key_set(&self) -> KeySet {
        let x = base64url(self.0.pk.as_slice());
        let jwks = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": KID, "x": x }] });
        let loaded = KeySet::from_jwks(jwks.to_string().as_bytes());
        loaded.map(|loaded| loaded.key_set).unwrap_or_default()
    }

    /// An access token with this payload.
    pub(super) fn token(&self, payload: &str) -> String {
        self.sign("at+jwt", &base64url(payload.as_bytes()))
    }

    /// The token with the signature of this stage and the payload as it stands, bad spellings
    /// included. `None` where there is no payload.
    pub(super) fn signed_anew(&self, token: &str) -> Option<String> {
        let payload = token.split('.').nth(1)?;
        Some(self.sign("at+jwt", payload))
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
        self.sign("signet-rev+jwt", &base64url(claims.to_string().as_bytes()))
    }

    /// Signs a payload that is base64url already.
    fn sign(&self, media_type: &str, payload: &str) -> String {
        let header = json!({ "alg": "EdDSA", "typ": media_type, "kid": KID }).to_string();
        let input = format!("{}.{payload}", base64url(header.as_bytes()));
        let signature = self.0.sk.sign(input.as_bytes(), None);
        format!("{input}.{}", base64url(signature.as_slice()))
    }
}

fn base64url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}
