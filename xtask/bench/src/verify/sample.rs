//! Tokens of the issuer's shape, and their keys.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde_json::{Value, json};
use signet_verifier::{KeyId, KeySet};

pub(crate) const ISSUER: &str = "https://auth.example.com";
pub(crate) const AUDIENCE: &str = "agents-api";

/// A token and its key.
pub(crate) struct Sample {
    pub(crate) token: String,
    pub(crate) key: VerifyingKey,
    pub(crate) signature: Signature,
    kid: KeyId,
}

impl Sample {
    /// A token of the time `now`, as some of the peers read the machine's clock themselves. Other
    /// seeds give other keys.
    pub(crate) fn make(seed: u8, now: u64) -> Self {
        let key = SigningKey::from_bytes(&[seed; 32]);
        let public = key.verifying_key();
        let kid = KeyId::thumbprint(public.as_bytes());
        let header = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": kid.as_str() });
        let claims = json!({
            "iat": now - 60, "exp": now + 3_000, "iss": ISSUER, "aud": AUDIENCE,
            "sub": "0b1e7a52-4f0e-4c62-9a0e-0d6a2f3c9b1d",
            "jti": "5a1c9d1e-8a7b-4c3d-9e2f-1b0a9c8d7e6f",
            "sid": "c2a9e0f4-1d3b-4a5c-8e7f-6b5a4d3c2b1a",
            "client_id": "signet", "auth_time": now - 600, "ver": 3,
            "roles": ["user", "support"], "permissions": ["agents:read", "agents:run"],
        });
        let encode = |part: &Value| Base64UrlUnpadded::encode_string(part.to_string().as_bytes());
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let signature = key.sign(signed.as_bytes());
        let encoded = Base64UrlUnpadded::encode_string(&signature.to_bytes());
        Self {
            token: format!("{signed}.{encoded}"),
            key: public,
            signature,
            kid,
        }
    }

    pub(crate) fn signed(&self) -> &[u8] {
        let end = self.token.rfind('.').unwrap();
        self.token.as_bytes().get(..end).unwrap()
    }

    fn jwk(&self) -> Value {
        let x = Base64UrlUnpadded::encode_string(self.key.as_bytes());
        json!({
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
            "kid": self.kid.as_str(), "x": x,
        })
    }
}

/// The JWKS of the keys of some tokens.
pub(crate) fn jwks<'a>(samples: impl IntoIterator<Item = &'a Sample>) -> String {
    let keys: Vec<Value> = samples.into_iter().map(Sample::jwk).collect();
    json!({ "keys": keys }).to_string()
}

/// The key set of some tokens.
pub(crate) fn key_set<'a>(samples: impl IntoIterator<Item = &'a Sample>) -> KeySet {
    let loaded = KeySet::from_jwks(jwks(samples).as_bytes());
    loaded.unwrap().key_set
}
