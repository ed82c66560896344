//! Tokens to start from.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use ed25519_dalek::{Signer as _, SigningKey};
use signet_verifier::time::UnixTime;
use signet_verifier::{KeySet, Verifier};

pub(crate) const ISSUER: &str = "https://auth.example.com";
pub(crate) const AUDIENCE: &str = "agents-api";
pub(crate) const HEADER: &str = r#"{"alg":"EdDSA","kid":"k1","typ":"at+jwt"}"#;
pub(crate) const CLAIMS: &str = r#"{"iss":"https://auth.example.com","aud":"agents-api","exp":1800000300,"iat":1800000000,"sub":"user-1","jti":"token-1","sid":"session-1","client_id":"web","ver":3,"roles":["editor","user"],"permissions":["agents:read"]}"#;
pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

pub(crate) fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// The set that holds [`signing_key`] under the kid `k1`.
pub(crate) fn key_set() -> KeySet {
    let x = encode(signing_key().verifying_key().as_bytes());
    let jwks = format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"k1","x":"{x}"}}]}}"#);
    KeySet::from_jwks(jwks.as_bytes()).unwrap().key_set
}

pub(crate) fn verifier() -> Verifier {
    Verifier::new(ISSUER, [AUDIENCE])
}

/// A token that is good wherever its header and payload are.
pub(crate) fn token(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    let signed = format!("{}.{}", encode(header), encode(payload));
    let signature = signing_key().sign(signed.as_bytes()).to_bytes();
    format!("{signed}.{}", encode(signature))
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    Base64UrlUnpadded::encode_string(bytes.as_ref())
}
