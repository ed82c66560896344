//! Members of the header other than the three that are taken.

use super::super::case::Case;
use super::super::keys;
use super::super::mint::{Members, base64url, key, main_key, signed_by, token, with_signature};
use super::of;

/// H11 to H15, and H24.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = extensions();
    cases.extend(strangers());
    cases
}

fn extensions() -> Vec<Case> {
    let mut cases = Vec::new();
    for value in [
        "[]",
        "[\"exp\"]",
        "[\"b64\"]",
        "[\"x\"]",
        "\"x\"",
        "null",
        "[\"x\",\"x\"]",
        "[\"alg\"]",
        "{}",
        "5",
        "[1]",
        "[\"\"]",
    ] {
        let header = Members::header().and("crit", value);
        cases.push(of(
            "H11",
            &format!("crit {value}"),
            &header,
            "crit_unsupported",
        ));
    }
    let x = Members::header().and("crit", "[\"x\"]").and("x", "1");
    let escaped = Members::header().and("cr\\u0069t", "[\"x\"]");
    let b64 = Members::header().and("b64", "false");
    let raw_payload = {
        let header = base64url(b64.clone().and("crit", "[\"b64\"]").text());
        let input = format!("{header}.{}", base64url(Members::claims().text()));
        // RFC 7797: the payload is signed as it is, though it is sent encoded here.
        let signed = format!("{header}.{}", Members::claims().text());
        with_signature(&input, keys::sign(&main_key(), signed.as_bytes()))
    };
    cases.extend([
        of(
            "H11",
            "crit and the member it names",
            &x,
            "crit_unsupported",
        ),
        of(
            "H11",
            "crit through an escape",
            &escaped,
            "crit_unsupported",
        ),
        of("H12", "b64 false", &b64, "unknown_header"),
        of(
            "H12",
            "b64 true",
            &Members::header().and("b64", "true"),
            "unknown_header",
        ),
        of(
            "H12",
            "b64 false with crit",
            &b64.clone().and("crit", "[\"b64\"]"),
            "crit_unsupported",
        ),
        Case::new(
            "H12",
            "b64 false, signed over the raw payload",
            raw_payload,
            "crit_unsupported",
        ),
    ]);
    cases
}

fn strangers() -> Vec<Case> {
    let attacker = key(66);
    let jwk = keys::public_jwk("main", &attacker).to_string();
    let claims = Members::claims().text();
    let mut cases: Vec<Case> = [
        ("H13", "zip", "\"DEF\""),
        ("H13", "enc", "\"A256GCM\""),
        ("H13", "p2c", "1000000000"),
        ("H13", "p2s", "\"c2FsdA\""),
        (
            "H13",
            "epk",
            "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AA\"}",
        ),
        ("H13", "apu", "\"QQ\""),
        ("H14", "jku", "\"http://127.0.0.1:9/jwks\""),
        (
            "H14",
            "jku",
            "\"https://auth.example.com@attacker.example/jwks\"",
        ),
        ("H14", "x5u", "\"http://127.0.0.1:9/chain\""),
        ("H14", "x5t", "\"AAAA\""),
        ("H15", "x5c", "[\"MIIB\"]"),
        ("H24", "cty", "\"JWT\""),
        ("H24", "cty", "null"),
        ("H24", "iss", "\"https://auth.example.com\""),
        ("H24", "__proto__", "{\"alg\":\"EdDSA\"}"),
        ("H24", "ALG", "\"none\""),
        ("H24", "", "1"),
    ]
    .map(|(id, name, value)| {
        let header = Members::header().and(name, value);
        of(id, &format!("{name}: {value}"), &header, "unknown_header")
    })
    .into();
    let embedded = Members::header().and("jwk", &jwk);
    let signed = signed_by(&attacker, embedded.text(), &claims);
    cases.push(Case::new(
        "H15",
        "jwk, and signed by it",
        signed,
        "unknown_header",
    ));
    let alone = embedded.clone().without("kid");
    let signed = signed_by(&attacker, alone.text(), &claims);
    cases.push(Case::new(
        "H15",
        "jwk without kid, and signed by it",
        signed,
        "unknown_header",
    ));
    cases.push(of(
        "H15",
        "jwk, and signed by ours",
        &embedded,
        "unknown_header",
    ));
    let nested = token(
        Members::header().and("cty", "\"JWT\"").text(),
        Members::claims().as_claims(),
    );
    cases.push(Case::new(
        "H24",
        "a token in a token",
        nested,
        "unknown_header",
    ));
    let quiet = token(Members::header().text(), Members::claims().as_claims());
    cases.push(Case::new(
        "H24",
        "a token in a token without cty",
        quiet,
        "bad_claims",
    ));
    cases
}
