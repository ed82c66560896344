//! `kid`: a name of a key in the set and nothing that could be looked for elsewhere.

use super::super::case::{ACCEPT, Case};
use super::super::mint::{Members, split};
use super::of;

/// H16 to H18.
pub(crate) fn cases() -> Vec<Case> {
    let kid = |value: &str| Members::header().with("kid", value);
    let mut cases = vec![
        of(
            "H16",
            "no kid, one key",
            &Members::header().without("kid"),
            "no_kid",
        )
        .with("jwks", "alg-eddsa"),
        of(
            "H16",
            "no kid, many keys",
            &Members::header().without("kid"),
            "no_kid",
        ),
    ];
    let long = format!("\"{}\"", "k".repeat(65));
    for value in [
        "\"\"",
        &long,
        "\"\\u0000\"",
        "\"main\\u0000\"",
        "\"../../dev/null\"",
        "\"' OR 1=1--\"",
        "\"http://127.0.0.1:9/key\"",
        "\"m\u{e4}in\"",
        "\"\u{43c}ain\"",
        "5",
        "null",
        "true",
        "[\"main\"]",
        "{\"main\":1}",
        "\"main \"",
        "\"a b\"",
        "\"a/b\"",
        "\"a%2fb\"",
        "\"a\\\\b\"",
        "\"a\\nb\"",
        "\"a:b\"",
        "\"a+b\"",
        "\"a=\"",
        "\"*\"",
        "\"$(id)\"",
    ] {
        cases.push(of("H17", &format!("kid {value}"), &kid(value), "bad_kid"));
    }
    let huge = serde_json::json!({
        "parts": [{ "repeat": ["a", 1_048_576] }, ".", split(&kid("\"main\"").as_header())[1], ".", { "repeat": ["A", 86] }],
    });
    cases.push(Case::of("H17", "a kid of a mebibyte", huge, "too_large"));
    cases.push(of(
        "H17",
        "kid through an escape is kid",
        &kid("\"m\\u0061in\""),
        ACCEPT,
    ));
    let longest = format!("\"{}\"", "k".repeat(64));
    for value in [
        "\"other\"",
        "\"MAIN\"",
        "\"mai\"",
        "\"main2\"",
        "\"~._-\"",
        "\"__proto__\"",
        "\"constructor\"",
        &longest,
    ] {
        cases.push(of(
            "H18",
            &format!("kid {value}"),
            &kid(value),
            "unknown_kid",
        ));
    }
    cases
}
