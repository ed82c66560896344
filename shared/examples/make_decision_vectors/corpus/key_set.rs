//! The key sets of the corpus.

use serde_json::{Value, json};

use super::jws::{base64url, key};

/// The set that is meant where no other is named: two keys, as an issuer publishes them while it
/// changes keys.
pub(crate) const MAIN: &str = "main";
/// Only the second of the two.
pub(crate) const ROTATED: &str = "rotated";
/// A set whose every key is left out, which is no keys at all.
pub(crate) const UNUSABLE: &str = "unusable";

/// The seed of the key that is called so.
pub(crate) fn seed(kid: &str) -> u8 {
    match kid {
        "second" => 102,
        _ => 101,
    }
}

/// The sets by name.
pub(crate) fn named() -> Vec<(&'static str, String)> {
    let foreign = json!({ "kty": "EC", "crv": "P-256", "kid": "main", "x": "AA", "y": "AA" });
    let for_encryption = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "second", "use": "enc" });
    vec![
        (MAIN, set(&[jwk("main"), jwk("second")])),
        (ROTATED, set(&[jwk("second")])),
        (UNUSABLE, set(&[foreign, for_encryption])),
    ]
}

fn set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

fn jwk(kid: &str) -> Value {
    let x = base64url(key(seed(kid)).verifying_key());
    json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x, "use": "sig", "alg": "EdDSA" })
}
