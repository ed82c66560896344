//! A: all claims that are no times.

mod parties;

use super::case::{ACCEPT, Case, NOW};
use super::mint::Members;

/// Every case of the family.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = parties::cases();
    for (id, name) in [
        ("A05", "sub"),
        ("A06", "jti"),
        ("A06", "sid"),
        ("A06", "client_id"),
    ] {
        cases.extend(identifiers(id, name));
    }
    cases.extend(names("A07", "roles"));
    cases.extend(names("A09", "permissions"));
    cases.extend(versions());
    cases.extend(authentication_times());
    cases.extend(order());
    cases
}

fn of(id: &str, note: &str, claims: &Members, code: &str) -> Case {
    Case::new(id, note, claims.as_claims(), code)
}

/// The claim with each of the values, named by its text.
fn each(id: &str, name: &str, values: &[&str], code: &str) -> Vec<Case> {
    values
        .iter()
        .map(|value| {
            of(
                id,
                &format!("{name} {value}"),
                &Members::claims().with(name, value),
                code,
            )
        })
        .collect()
}

/// A05 and A06: 1 to 255 bytes of visible ASCII.
fn identifiers(id: &str, name: &str) -> Vec<Case> {
    let text = |length: usize| format!("\"{}\"", "x".repeat(length));
    let claims = |value: &str| Members::claims().with(name, value);
    let mut cases = vec![
        of(
            id,
            &format!("no {name}"),
            &Members::claims().without(name),
            "claim_missing",
        ),
        of(
            id,
            &format!("{name} of 255 bytes"),
            &claims(&text(255)),
            ACCEPT,
        ),
        of(
            id,
            &format!("{name} of 256 bytes"),
            &claims(&text(256)),
            "bad_claims",
        ),
        of(id, &format!("{name} of one byte"), &claims("\"!\""), ACCEPT),
        of(
            id,
            &format!("{name} of the last visible character"),
            &claims("\"~\""),
            ACCEPT,
        ),
        of(
            id,
            &format!("{name} of 128 letters of two bytes"),
            &claims(&format!("\"{}\"", "\u{e9}".repeat(128))),
            "bad_claims",
        ),
    ];
    cases.extend(each(
        id,
        name,
        &[
            "\"\"",
            "5",
            "null",
            "true",
            "[\"x\"]",
            "{}",
            "\"a b\"",
            "\" a\"",
            "\"a\\n\"",
            "\"a\\u0000\"",
            "\"a\\u007f\"",
            "\"\u{e9}\"",
            "\"\u{430}dmin\"",
        ],
        "bad_claims",
    ));
    cases
}

/// A07 and A09: `[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}`, each once, up to 256 of them.
fn names(id: &str, claim: &str) -> Vec<Case> {
    let list = |count: usize| {
        let all: Vec<String> = (0..count).map(|n| format!("\"n{n}\"")).collect();
        format!("[{}]", all.join(","))
    };
    let claims = |value: &str| Members::claims().with(claim, value);
    let of_length = |length: usize| format!("[\"{}\"]", "x".repeat(length));
    let mut cases = vec![
        of(id, &format!("no {claim}"), &Members::claims(), ACCEPT),
        of(id, &format!("256 {claim}"), &claims(&list(256)), ACCEPT),
        of(
            id,
            &format!("257 {claim}"),
            &claims(&list(257)),
            "bad_claims",
        ),
        of(
            id,
            &format!("{claim} with a name of 64 bytes"),
            &claims(&of_length(64)),
            ACCEPT,
        ),
        of(
            id,
            &format!("{claim} with a name of 65 bytes"),
            &claims(&of_length(65)),
            "bad_claims",
        ),
    ];
    cases.extend(each(
        id,
        claim,
        &[
            "[]",
            "[\"admin\"]",
            "[\"agents:read\",\"a.b_c/d-e\",\"0\"]",
            "[\"Admin\",\"admin\"]",
            "[\"\\u0061dmin\"]",
        ],
        ACCEPT,
    ));
    cases.extend(each(
        id,
        claim,
        &[
            "\"admin\"",
            "{\"admin\":true}",
            "null",
            "5",
            "true",
            "[5]",
            "[null]",
            "[\"admin\",5]",
            "[[\"admin\"]]",
            "[{}]",
            "[\"admin\",\"admin\"]",
            "[\"admin\",\"x\",\"\\u0061dmin\"]",
            "[\"admin\\u0000\"]",
            "[\"\u{430}dmin\"]",
            "[\"admin\u{200b}\"]",
            "[\"ad min\"]",
            "[\" admin\"]",
            "[\"admin \"]",
            "[\"admin\\n\"]",
            "[\"\"]",
            "[\":admin\"]",
            "[\"-admin\"]",
            "[\"_admin\"]",
            "[\"ad,min\"]",
            "[\"*\"]",
        ],
        "bad_claims",
    ));
    cases
}

fn versions() -> Vec<Case> {
    let mut cases = each("A08", "ver", &["0", "1", "9007199254740992"], ACCEPT);
    cases.extend(each(
        "A08",
        "ver",
        &[
            "-1",
            "-0",
            "1.5",
            "1.0",
            "1e3",
            "\"1\"",
            "null",
            "true",
            "[1]",
            "{}",
            "9007199254740993",
            "18446744073709551615",
            "18446744073709551616",
        ],
        "bad_claims",
    ));
    cases
}

fn authentication_times() -> Vec<Case> {
    let now = NOW.to_string();
    let text = format!("\"{now}\"");
    let float = format!("{now}.5");
    let mut cases = each("A09", "auth_time", &["0", &now, "253402300799"], ACCEPT);
    cases.extend(each(
        "A09",
        "auth_time",
        &[
            &text,
            &float,
            "-1",
            "1e9",
            "null",
            "true",
            "[]",
            "253402300800",
            "18446744073709551616",
        ],
        "bad_claims",
    ));
    cases
}

/// Tokens with two faults: the first in the order of the rulings is told.
fn order() -> Vec<Case> {
    let claims = Members::claims;
    let past = NOW - 9_000;
    let over = (NOW - 60).to_string();
    let ahead = (NOW + 60).to_string();
    [
        (
            "no iss, no aud",
            claims().without("iss").without("aud"),
            "claim_missing",
        ),
        (
            "iss, then aud",
            claims().with("iss", "5").without("aud"),
            "bad_issuer",
        ),
        (
            "aud, then exp",
            claims().with("aud", "5").without("exp"),
            "bad_audience",
        ),
        (
            "exp, then nbf",
            claims().with("exp", &past.to_string()).with("nbf", "null"),
            "expired",
        ),
        (
            "a bad exp, then a missing iat",
            claims().with("exp", "null").without("iat"),
            "bad_claims",
        ),
        (
            "nbf, then iat",
            claims().with("nbf", &ahead).without("iat"),
            "not_yet_valid",
        ),
        (
            "iat, then lifetime",
            claims().with("exp", "253402300799").with("iat", &ahead),
            "issued_in_future",
        ),
        (
            "lifetime, then sub",
            claims().with("exp", "253402300799").without("sub"),
            "lifetime",
        ),
        (
            "sub, then jti",
            claims().with("sub", "5").without("jti"),
            "bad_claims",
        ),
        (
            "jti, then sid",
            claims().without("jti").with("sid", "5"),
            "claim_missing",
        ),
        (
            "sid, then client_id",
            claims().with("sid", "5").without("client_id"),
            "bad_claims",
        ),
        (
            "client_id, then auth_time",
            claims().without("client_id").with("auth_time", "-1"),
            "claim_missing",
        ),
        (
            "expired, then no sub",
            claims()
                .with("exp", &over)
                .with("iat", &past.to_string())
                .without("sub"),
            "expired",
        ),
    ]
    .map(|(note, claims, code)| of("A10", note, &claims, code))
    .into()
}
