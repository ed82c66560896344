//! An issuer that signs what it is asked to, and a policy with a rule of every kind.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use signet_verifier::policy::Policy;
use signet_verifier::time::UnixTime;
use signet_verifier::{Decision, Gate, KeySet, RequestHead};

pub(crate) const ISSUER: &str = "https://auth.example.com";
pub(crate) const NOW: u64 = 1_800_000_000;

const POLICY: &str = r#"
version = 1
issuer = "https://auth.example.com"
audience = ["agents-api"]

[roles]
support = ["agents:read"]

[[rule]]
id = "open"
path = "/open"
allow = "anyone"

[[rule]]
id = "greeting"
path = "/greeting"
allow = "optional"

[[rule]]
id = "profile"
path = "/profile"
allow = "authenticated"

[[rule]]
id = "own"
path = "/users/{user}"
allow = { any = [{ subject = "{user}" }, { role = "admin" }] }

[[rule]]
id = "agents"
path = "/agents/{agent}"
allow = { permission = "agents:read" }

[[rule]]
id = "keys"
methods = ["POST"]
path = "/keys"
allow = { all = [{ role = "admin" }, { fresh_within = "5m" }] }
revocation = "required"

[[rule]]
id = "unasked"
path = "/unasked"
allow = "authenticated"
revocation = "off"
"#;

/// A key of the issuer. It protects nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Key {
    pub(crate) kid: &'static str,
    seed: u8,
}

pub(crate) const FIRST: Key = Key {
    kid: "first",
    seed: 1,
};
pub(crate) const SECOND: Key = Key {
    kid: "second",
    seed: 2,
};

impl Key {
    fn secret(self) -> SigningKey {
        SigningKey::from_bytes(&[self.seed; 32])
    }

    /// The same name for another key.
    pub(crate) fn replaced(self) -> Self {
        Self {
            seed: self.seed + 100,
            ..self
        }
    }

    fn sign(self, media_type: &str, payload: &Value) -> Vec<u8> {
        let header = json!({ "alg": "EdDSA", "kid": self.kid, "typ": media_type });
        let encode = |bytes: &[u8]| Base64UrlUnpadded::encode_string(bytes);
        let [header, payload] = [header.to_string(), payload.to_string()];
        let signed = format!(
            "{}.{}",
            encode(header.as_bytes()),
            encode(payload.as_bytes())
        );
        let signature = self.secret().sign(signed.as_bytes()).to_bytes();
        format!("{signed}.{}", encode(&signature)).into_bytes()
    }

    /// A token of somebody, issued at a time, with more claims.
    pub(crate) fn token(self, subject: &str, issued_at: u64, more: &Value) -> Vec<u8> {
        let mut claims = json!({
            "iss": ISSUER, "aud": "agents-api", "sub": subject, "sid": format!("{subject}-session"),
            "client_id": "web", "jti": "token", "iat": issued_at, "exp": issued_at + 300,
        });
        let members = more.as_object().unwrap().clone();
        claims.as_object_mut().unwrap().extend(members);
        self.sign("at+jwt", &claims)
    }

    /// A snapshot of the revocation feed.
    pub(crate) fn feed(
        self,
        seq: u64,
        signed_at: u64,
        ended: &[&str],
        least: &[(&str, u64)],
    ) -> Vec<u8> {
        let prefix = |text: &str| Sha256::digest(text)[..8].to_vec();
        let mut ended: Vec<Vec<u8>> = ended.iter().map(|sid| prefix(sid)).collect();
        ended.sort();
        ended.dedup();
        let least = least.iter();
        let mut least: Vec<(Vec<u8>, u64)> = least.map(|(sub, ver)| (prefix(sub), *ver)).collect();
        least.sort();
        let encode = |bytes: &[u8]| Base64UrlUnpadded::encode_string(bytes);
        let least = least
            .iter()
            .map(|(prefix, version)| json!([encode(prefix), version]));
        let claims = json!({
            "iss": ISSUER, "iat": signed_at, "exp": signed_at + 30, "epoch": 1, "seq": seq,
            "e": encode(&ended.concat()), "u": least.collect::<Vec<_>>(), "k": [],
        });
        self.sign("signet-rev+jwt", &claims)
    }
}

pub(crate) fn key_set(keys: &[Key]) -> KeySet {
    let keys = keys.iter().map(|key| {
        let x = Base64UrlUnpadded::encode_string(key.secret().verifying_key().as_bytes());
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": key.kid, "x": x })
    });
    let jwks = json!({ "keys": keys.collect::<Vec<_>>() });
    KeySet::from_jwks(jwks.to_string().as_bytes())
        .unwrap()
        .key_set
}

pub(crate) fn policy() -> Policy {
    Policy::from_toml(POLICY).unwrap()
}

/// A gate that has the first key.
pub(crate) fn gate() -> Gate {
    let mut gate = Gate::new(policy());
    gate.install_keys(key_set(&[FIRST]));
    gate
}

pub(crate) fn time(seconds: u64) -> UnixTime {
    UnixTime::from_secs(seconds)
}

/// What becomes of a request with that token.
pub(crate) fn ask(gate: &Gate, method: &str, target: &str, token: &[u8], now: u64) -> Decision {
    let value = [b"Bearer ", token].concat();
    let headers = [(&b"Authorization"[..], &value[..])];
    let head = RequestHead {
        method: method.as_bytes(),
        target: target.as_bytes(),
        headers: &headers,
    };
    gate.decide(&head, time(now))
}

/// Its code, and for logs why; `None` of an allow.
pub(crate) fn told(decision: &Decision) -> Option<(&'static str, Option<&'static str>)> {
    let reason = decision.reason().map(|reason| reason.code());
    decision.code().map(|code| (code.as_str(), reason))
}
