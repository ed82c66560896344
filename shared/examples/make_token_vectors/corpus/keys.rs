//! The key sets that tokens are checked with, and the cases in which a set decides about a token.

use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};

use super::case::{ACCEPT, Case};
use super::curve;
use super::mint::{Members, base64url, good_token, key, main_key, signed_by};

/// The set that is meant where no other is named.
pub(crate) const MAIN_SET: &str = "main";

/// A public key as a JWK (RFC 8037, section 2).
pub(crate) fn public_jwk(kid: &str, key: &SigningKey) -> Value {
    point_jwk(kid, &key.verifying_key().to_bytes())
}

/// Any 32 bytes in the place of a public key.
pub(crate) fn point_jwk(kid: &str, encoded: &[u8; 32]) -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": base64url(encoded) })
}

/// A JWK with one member more, or another value of it.
pub(crate) fn changed(mut jwk: Value, name: &str, value: impl Into<Value>) -> Value {
    jwk[name] = value.into();
    jwk
}

pub(crate) fn sign(key: &SigningKey, message: &[u8]) -> [u8; 64] {
    key.sign(message).to_bytes()
}

fn set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

/// Two keys, as an issuer publishes them while it changes keys.
pub(crate) fn main_set() -> String {
    set(&[published("main", 1), published("second", 2)])
}

fn published(kid: &str, seed: u8) -> Value {
    let jwk = changed(public_jwk(kid, &key(seed)), "use", "sig");
    changed(jwk, "alg", "EdDSA")
}

/// Keys that no token is checked with, and which key signs for them.
fn strangers() -> Vec<(&'static str, &'static str, Value)> {
    let jwk = |kid| public_jwk(kid, &key(9));
    let foreign = |kid: &str, kty: &str, crv: &str, length| json!({ "kty": kty, "crv": crv, "kid": kid, "x": base64url(vec![5; length]) });
    vec![
        ("enc", "use is enc", changed(jwk("enc"), "use", "enc")),
        (
            "ops",
            "key_ops lacks verify",
            changed(jwk("ops"), "key_ops", json!(["sign"])),
        ),
        (
            "no-ops",
            "key_ops is empty",
            changed(jwk("no-ops"), "key_ops", json!([])),
        ),
        ("alg", "alg is foreign", changed(jwk("alg"), "alg", "ES256")),
        ("kty", "kty is EC", changed(jwk("kty"), "kty", "EC")),
        (
            "rsa",
            "kty is RSA",
            json!({ "kty": "RSA", "kid": "rsa", "n": "AQAB", "e": "AQAB" }),
        ),
        (
            "x25519",
            "crv is X25519",
            changed(jwk("x25519"), "crv", "X25519"),
        ),
        (
            "ed448",
            "crv is Ed448",
            foreign("ed448", "OKP", "Ed448", 57),
        ),
        (
            "oct",
            "kty is oct",
            json!({ "kty": "oct", "kid": "oct", "k": "AAAA" }),
        ),
        (
            "short",
            "x has 31 bytes",
            changed(jwk("short"), "x", base64url([5; 31])),
        ),
        (
            "long",
            "x has 33 bytes",
            changed(jwk("long"), "x", base64url([5; 33])),
        ),
        ("empty", "x is empty", changed(jwk("empty"), "x", "")),
    ]
}

fn small_orders() -> Vec<(String, [u8; 32])> {
    curve::small_order_points()
        .into_iter()
        .chain(curve::odd_small_order_points())
        .enumerate()
        .map(|(number, point)| (format!("small-{number}"), point))
        .collect()
}

/// The sets by name.
pub(crate) fn named_sets() -> Vec<(&'static str, String)> {
    let only = |name: &str, value: &str| changed(public_jwk("main", &main_key()), name, value);
    let stranger_keys: Vec<Value> = strangers().into_iter().map(|(_, _, jwk)| jwk).collect();
    let small: Vec<Value> = small_orders()
        .iter()
        .map(|(kid, point)| point_jwk(kid, point))
        .collect();
    vec![
        (MAIN_SET, main_set()),
        ("alg-eddsa", set(&[only("alg", "EdDSA")])),
        ("alg-ed25519", set(&[only("alg", "Ed25519")])),
        ("bare", set(&[public_jwk("main", &main_key())])),
        (
            "ops-verify",
            set(&[changed(
                public_jwk("main", &main_key()),
                "key_ops",
                json!(["sign", "verify"]),
            )]),
        ),
        (
            "longest-kid",
            set(&[public_jwk(&"k".repeat(64), &main_key())]),
        ),
        ("rotated", set(&[published("second", 2)])),
        (
            "renamed",
            set(&[published("main", 2), published("second", 1)]),
        ),
        ("strangers", set(&stranger_keys)),
        ("small-order", set(&small)),
        (
            "mixed-order",
            set(&[point_jwk("main", &curve::mixed_key(1))]),
        ),
    ]
}

/// Every case of the family.
pub(crate) fn cases() -> Vec<Case> {
    let good = good_token();
    let claims = Members::claims().text();
    let with_kid = |kid: &str| {
        Members::header()
            .with("kid", &json!(kid).to_string())
            .text()
    };
    let mut cases = vec![
        Case::new("K01", "a key of nothing but its members", &good, ACCEPT).with("jwks", "bare"),
        Case::new(
            "K01",
            "a key for verifying, among other operations",
            &good,
            ACCEPT,
        )
        .with("jwks", "ops-verify"),
        Case::new(
            "K01",
            "the longest kid",
            signed_by(&main_key(), with_kid(&"k".repeat(64)), &claims),
            ACCEPT,
        )
        .with("jwks", "longest-kid"),
        Case::new(
            "K06",
            "the key is no longer in the set",
            &good,
            "unknown_kid",
        )
        .with("jwks", "rotated"),
        Case::new(
            "K06",
            "the key that stayed",
            signed_by(&key(2), with_kid("second"), &claims),
            ACCEPT,
        )
        .with("jwks", "rotated"),
        Case::new(
            "K06",
            "two keys have changed their names",
            &good,
            "bad_signature",
        )
        .with("jwks", "renamed"),
    ];
    for (kid, note, _) in strangers() {
        let token = signed_by(&key(9), with_kid(kid), &claims);
        let id = if matches!(kid, "short" | "long" | "empty") {
            "K01"
        } else {
            "H19"
        };
        cases.push(Case::new(id, note, token, "unknown_kid").with("jwks", "strangers"));
    }
    for (kid, point) in small_orders() {
        // S = 0 and R = identity: whoever checks with the cofactor takes it under any such key.
        let mut identity = [0; 32];
        identity[0] = 1;
        let input = format!("{}.{}", base64url(with_kid(&kid)), base64url(&claims));
        let token = super::mint::with_signature(&input, curve::join(identity, [0; 32]));
        let note = format!("a key of small order, {}", base64url(point));
        cases.push(Case::new("C04", &note, token, "unknown_kid").with("jwks", "small-order"));
    }
    cases
}
