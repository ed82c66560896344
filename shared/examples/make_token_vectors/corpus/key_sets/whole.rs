//! What speaks against a set as a whole.

use serde_json::{Value, json};

use super::super::keys::changed;
use super::super::mint::{base64, base64url};
use super::{case, jwk, kept, refused};

/// H20, K04 and K05.
pub(crate) fn cases() -> Vec<Value> {
    let mut cases = doubtful();
    cases.extend(answers());
    cases
}

/// H20, K04 and K05: what makes a whole set doubtful.
fn doubtful() -> Vec<Value> {
    let set = |keys: &[Value]| json!({ "keys": keys }).to_string();
    let many = |count: u8| {
        let keys: Vec<Value> = (0..count).map(|n| jwk(&format!("k{n}"), n)).collect();
        set(&keys)
    };
    let secret = changed(jwk("b", 2), "d", base64url([2; 32]));
    let foreign = json!({ "kty": "RSA", "kid": "a", "n": "AQAB", "e": "AQAB" });
    let rsa_secret = json!({ "kty": "RSA", "kid": "b", "n": "AQAB", "e": "AQAB", "d": "AQAB" });
    let kids: Vec<String> = (0..32).map(|n| format!("k{n}")).collect();
    let kids: Vec<&str> = kids.iter().map(String::as_str).collect();
    let fitting = |length: usize| {
        let text = set(&[jwk("a", 1)]);
        let blanks = length - text.len();
        json!({ "parts": [text, { "repeat": [" ", blanks] }] })
    };
    vec![
        refused(
            "H20",
            "a kid twice",
            set(&[jwk("a", 1), jwk("a", 2)]),
            "dup_kid",
        ),
        refused(
            "H20",
            "a kid twice, the same key",
            set(&[jwk("a", 1), jwk("a", 1)]),
            "dup_kid",
        ),
        refused(
            "H20",
            "a kid twice, far apart",
            set(&[jwk("a", 1), jwk("b", 2), jwk("a", 3)]),
            "dup_kid",
        ),
        refused(
            "H20",
            "a kid twice, one of a foreign key",
            set(&[jwk("a", 1), foreign]),
            "dup_kid",
        ),
        refused(
            "H20",
            "a kid twice, once through an escape",
            set(&[jwk("a", 1), jwk("a", 2)]).replacen("\"a\"", "\"\\u0061\"", 1),
            "dup_kid",
        ),
        refused(
            "K04",
            "a private key",
            set(&[jwk("a", 1), secret.clone()]),
            "private_key",
        ),
        refused("K04", "a private key alone", set(&[secret]), "private_key"),
        refused(
            "K04",
            "d is null",
            set(&[changed(jwk("a", 1), "d", json!(null))]),
            "private_key",
        ),
        refused(
            "K04",
            "d through an escape",
            set(&[changed(jwk("a", 1), "d", "AA")]).replacen("\"d\"", "\"\\u0064\"", 1),
            "private_key",
        ),
        refused(
            "K04",
            "a private RSA key",
            set(&[jwk("a", 1), rsa_secret]),
            "private_key",
        ),
        refused("K05", "no keys", set(&[]), "empty"),
        kept(
            "K05",
            "32 keys",
            serde_json::from_str(&many(32)).expect("JSON"),
            &kids,
            &[],
        ),
        refused("K05", "33 keys", many(33), "too_many_keys"),
        refused(
            "K05",
            "10,000 keys",
            json!({ "parts": ["{\"keys\":[{}", { "repeat": [",{}", 9_999] }, "]}"] }),
            "too_many_keys",
        ),
        case(
            "K05",
            "exactly 64 KiB",
            fitting(65_536),
            json!({ "kept": ["a"], "left_out": [] }),
        ),
        refused("K05", "64 KiB and a byte", fitting(65_537), "too_large"),
        refused(
            "K05",
            "10 MB",
            json!({ "parts": [{ "repeat": ["[", 10_000_000] }] }),
            "too_large",
        ),
        refused(
            "K05",
            "as deep as 64 KiB go",
            json!({ "parts": ["{\"keys\":", { "repeat": ["[", 65_000] }] }),
            "malformed",
        ),
    ]
}

/// K05: what a server may answer in place of a key set.
fn answers() -> Vec<Value> {
    let one = jwk("a", 1);
    let good = json!({ "keys": [one] }).to_string();
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let latin: Vec<u8> = [b"{\"note\":\"", &b"\xe9"[..], b"\",", &good.as_bytes()[1..]].concat();
    let texts = [
        ("nothing, as with 204", String::new()),
        ("white space", " \n".into()),
        ("HTML", "<!doctype html><title>502</title>".into()),
        ("null", "null".into()),
        ("an array of keys", json!([one]).to_string()),
        ("a key alone", one.to_string()),
        ("no member keys", json!({ "Keys": [one] }).to_string()),
        (
            "keys is an object",
            json!({ "keys": { "a": one } }).to_string(),
        ),
        ("keys is a string", json!({ "keys": "a" }).to_string()),
        ("keys is null", json!({ "keys": null }).to_string()),
        ("keys twice", format!("{{\"keys\":[{one}],\"keys\":[]}}")),
        (
            "a member of a key twice",
            good.replacen("\"kid\"", "\"kid\":\"z\",\"kid\"", 1),
        ),
        (
            "a member of the set twice",
            good.replacen('{', "{\"v\":1,\"v\":1,", 1),
        ),
        ("cut off", good[..good.len() - 1].into()),
        ("bytes behind", format!("{good};")),
        ("a byte order mark", format!("\u{feff}{good}")),
        (
            "a line that stops scripts from reading it",
            format!(")]}}'\n{good}"),
        ),
        ("JSONP", format!("keys({good})")),
    ];
    let mut cases: Vec<Value> = texts
        .into_iter()
        .map(|(note, text)| refused("K05", note, text, "malformed"))
        .collect();
    cases.push(refused(
        "K05",
        "UTF-16",
        json!({ "base64": base64(&utf16) }),
        "malformed",
    ));
    cases.push(refused(
        "K05",
        "Latin-1",
        json!({ "base64": base64(&latin) }),
        "malformed",
    ));
    cases
}
