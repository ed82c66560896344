//! Whole key sets: which are refused and why, and which keys of the others serve.
//!
//! `expect` is `{"refused": code}`, or `{"kept": [kids], "left_out": [[position, fault], …]}`.

mod whole;

use serde_json::{Value, json};

use super::curve;
use super::keys::{changed, named_sets, point_jwk, public_jwk};
use super::mint::{base64, base64url, key};

/// Every case.
pub(crate) fn cases() -> Value {
    let mut cases = vec![
        kept(
            "K00",
            "two keys",
            json!({ "keys": [jwk("a", 1), jwk("b", 2)] }),
            &["a", "b"],
            &[],
        ),
        kept(
            "K00",
            "members that nobody knows",
            json!({ "keys": [changed(jwk("a", 1), "x5t", "q")], "next": 5 }),
            &["a"],
            &[],
        ),
        kept(
            "K00",
            "the same key under two kids",
            json!({ "keys": [jwk("a", 1), jwk("b", 1)] }),
            &["a", "b"],
            &[],
        ),
    ];
    cases.extend(spellings());
    cases.extend(points());
    cases.extend(strangers());
    cases.extend(whole::cases());
    Value::Array(cases)
}

fn jwk(kid: &str, seed: u8) -> Value {
    public_jwk(kid, &key(seed))
}

fn case(id: &str, note: &str, jwks: Value, expect: Value) -> Value {
    json!({ "id": id, "note": note, "jwks": jwks, "expect": expect })
}

fn refused(id: &str, note: &str, text: impl Into<Value>, code: &str) -> Value {
    case(id, note, text.into(), json!({ "refused": code }))
}

fn kept(id: &str, note: &str, set: Value, kids: &[&str], left_out: &[(usize, &str)]) -> Value {
    let expect = json!({ "kept": kids, "left_out": left_out });
    case(id, note, set.to_string().into(), expect)
}

/// One bad key between two good ones.
fn left_out(id: &str, note: &str, bad: Value, fault: &str) -> Value {
    let set = json!({ "keys": [jwk("a", 1), bad, jwk("c", 3)] });
    kept(id, note, set, &["a", "c"], &[(1, fault)])
}

/// K01: what isn't 32 bytes in canonical base64url.
fn spellings() -> Vec<Value> {
    let x = base64url(key(2).verifying_key().to_bytes());
    let bytes = key(2).verifying_key().to_bytes();
    let mut cases: Vec<Value> = [
        ("x is empty", json!("")),
        ("x has one byte", json!(base64url([1]))),
        ("x has 31 bytes", json!(base64url(&bytes[..31]))),
        (
            "x has 33 bytes",
            json!(base64url([&bytes[..], &[0]].concat())),
        ),
        ("x has 64 bytes", json!(base64url([bytes, bytes].concat()))),
        ("x has a mark of padding", json!(format!("{x}="))),
        ("x is in standard base64", json!(base64(&[0xFF; 32]))),
        ("x has a line feed behind", json!(format!("{x}\n"))),
        ("x has a space in front", json!(format!(" {x}"))),
        ("x has trailing bits", json!(trailing_bit(&x))),
        ("x is a number", json!(5)),
        ("x is null", json!(null)),
        ("x is an array", json!([x])),
        ("x is hexadecimal", json!("ab".repeat(32))),
    ]
    .into_iter()
    .map(|(note, value)| {
        left_out(
            "K01",
            note,
            changed(jwk("b", 2), "x", value),
            "bad_encoding",
        )
    })
    .collect();
    let mut without = jwk("b", 2);
    without.as_object_mut().expect("an object").remove("x");
    cases.push(left_out("K01", "there is no x", without, "bad_encoding"));
    cases
}

/// The text with the lowest bit of its last character set, which no byte holds.
fn trailing_bit(text: &str) -> String {
    let (start, last) = text.split_at(text.len() - 1);
    let last = last.bytes().next().expect("a character");
    format!("{start}{}", char::from(last + 1))
}

/// K02 and K03: 32 bytes that are no key.
fn points() -> Vec<Value> {
    let bad = |id: &str, kind: &str, point: [u8; 32]| {
        let note = format!("x is {kind}: {}", base64url(point));
        left_out(id, &note, point_jwk("b", &point), "bad_point")
    };
    let mut cases = Vec::new();
    for point in curve::small_order_points() {
        cases.push(bad("K02", "of small order", point));
    }
    for point in curve::odd_small_order_points() {
        cases.push(bad("K02", "of small order and not canonical", point));
    }
    for point in curve::no_points() {
        cases.push(bad("K03", "not on the curve", point));
    }
    for point in curve::odd_points() {
        cases.push(bad("K03", "a point with y beyond the field", point));
    }
    cases.push(bad("K03", "all ones", [0xFF; 32]));
    let mixed = json!({ "keys": [point_jwk("mixed", &curve::mixed_key(1))] });
    cases.push(kept(
        "K03",
        "a point of mixed order serves",
        mixed,
        &["mixed"],
        &[],
    ));
    cases
}

/// H19: keys that are for something else.
fn strangers() -> Vec<Value> {
    let other = |name: &str, value: Value| changed(jwk("b", 2), name, value);
    let mut cases: Vec<Value> = [
        ("kty is RSA", other("kty", json!("RSA")), "other_type"),
        (
            "kty is in small letters",
            other("kty", json!("okp")),
            "other_type",
        ),
        ("kty is null", other("kty", json!(null)), "other_type"),
        ("crv is X25519", other("crv", json!("X25519")), "other_type"),
        ("crv is Ed448", other("crv", json!("Ed448")), "other_type"),
        ("crv is a number", other("crv", json!(6)), "other_type"),
        ("use is enc", other("use", json!("enc")), "other_use"),
        ("use is null", other("use", json!(null)), "other_use"),
        ("use is an array", other("use", json!(["sig"])), "other_use"),
        (
            "key_ops is sign",
            other("key_ops", json!(["sign"])),
            "other_use",
        ),
        ("key_ops is empty", other("key_ops", json!([])), "other_use"),
        (
            "key_ops is a string",
            other("key_ops", json!("verify")),
            "other_use",
        ),
        ("alg is ES256", other("alg", json!("ES256")), "other_alg"),
        ("alg is none", other("alg", json!("none")), "other_alg"),
        ("alg is eddsa", other("alg", json!("eddsa")), "other_alg"),
        ("alg is null", other("alg", json!(null)), "other_alg"),
        ("kid is empty", other("kid", json!("")), "bad_kid"),
        (
            "kid has 65 characters",
            other("kid", json!("k".repeat(65))),
            "bad_kid",
        ),
        ("kid is a path", other("kid", json!("../b")), "bad_kid"),
        ("kid is a number", other("kid", json!(5)), "bad_kid"),
        ("kid is null", other("kid", json!(null)), "bad_kid"),
        ("the entry is a string", json!("b"), "not_an_object"),
        ("the entry is null", json!(null), "not_an_object"),
        (
            "the entry is an array",
            json!([jwk("b", 2)]),
            "not_an_object",
        ),
        ("the entry is empty", json!({}), "other_type"),
    ]
    .into_iter()
    .map(|(note, bad, fault)| left_out("H19", note, bad, fault))
    .collect();
    let fine = |note: &str, jwk: Value| kept("H19", note, json!({ "keys": [jwk] }), &["b"], &[]);
    cases.extend([
        fine("use is sig", other("use", json!("sig"))),
        fine(
            "key_ops holds verify",
            other("key_ops", json!(["sign", "verify"])),
        ),
        fine("alg is EdDSA", other("alg", json!("EdDSA"))),
        fine("alg is Ed25519", other("alg", json!("Ed25519"))),
        fine(
            "deep and long members that nobody knows",
            other("x5c", json!([[[[[[[[["A".repeat(2_000)]]]]]]]]])),
        ),
        kept(
            "H19",
            "every key is left out",
            json!({ "keys": [other("use", json!("enc"))] }),
            &[],
            &[(0, "other_use")],
        ),
    ]);
    let (_, set) = named_sets()
        .into_iter()
        .find(|(name, _)| *name == "strangers")
        .expect("named");
    let faults = [
        "other_use",
        "other_use",
        "other_use",
        "other_alg",
        "other_type",
        "other_type",
        "other_type",
        "other_type",
        "other_type",
        "bad_encoding",
        "bad_encoding",
        "bad_encoding",
    ];
    let faults: Vec<(usize, &str)> = faults.into_iter().enumerate().collect();
    let expect = json!({ "kept": [], "left_out": faults });
    cases.push(case("H19", "all strangers at once", set.into(), expect));
    cases
}
