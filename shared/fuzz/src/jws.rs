//! Signing what the fuzzer writes, with the keys that the vectors are signed with.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use ed25519_dalek::{Signer as _, SigningKey};
use signet_verifier::KeySet;

/// A key that protects nothing: its seed is this byte 32 times.
pub(crate) struct Key {
    pub(crate) kid: &'static str,
    pub(crate) seed: u8,
}

impl Key {
    /// A compact JWS, whatever header and payload say.
    pub(crate) fn sign(&self, header: &[u8], payload: &[u8]) -> Vec<u8> {
        let signed = format!("{}.{}", encode(header), encode(payload));
        let signature = self.secret().sign(signed.as_bytes()).to_bytes();
        format!("{signed}.{}", encode(&signature)).into_bytes()
    }

    /// Its public half, as key sets write it.
    pub(crate) fn x(&self) -> String {
        encode(self.secret().verifying_key().as_bytes())
    }

    fn secret(&self) -> SigningKey {
        SigningKey::from_bytes(&[self.seed; 32])
    }
}

/// The set of these keys.
pub(crate) fn key_set(keys: &[Key]) -> KeySet {
    let keys = keys.iter().map(|key| {
        let (kid, x) = (key.kid, key.x());
        format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"{kid}","x":"{x}"}}"#)
    });
    let keys: Vec<String> = keys.collect();
    let jwks = format!(r#"{{"keys":[{}]}}"#, keys.join(","));
    KeySet::from_jwks(jwks.as_bytes()).unwrap().key_set
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    Base64UrlUnpadded::decode_vec(text).ok()
}

/// Header and payload of a compact JWS, if they can be decoded.
pub(crate) fn opened(jws: &[u8]) -> Option<[Vec<u8>; 2]> {
    let mut segments = jws.split(|byte| *byte == b'.');
    Some([decode(segments.next()?)?, decode(segments.next()?)?])
}
