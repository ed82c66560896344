//! Who issued a token and whom it is for.

use serde_json::json;

use super::super::case::{ACCEPT, Case, ISSUER};
use super::super::mint::Members;
use super::{each, of};

/// A01 to A04.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = issuers();
    cases.extend(audiences());
    cases
}

fn issuers() -> Vec<Case> {
    let mut cases = vec![of(
        "A01",
        "no iss",
        &Members::claims().without("iss"),
        "claim_missing",
    )];
    cases.extend(each(
        "A01",
        "iss",
        &[
            "\"https://attacker.example\"",
            "\"https://auth.example.com/\"",
            "\"https://AUTH.example.com\"",
            "\"HTTPS://auth.example.com\"",
            "\"http://auth.example.com\"",
            "\"https://auth.example.co\"",
            "\"https://auth.example.com.attacker.example\"",
            "\"https://auth.example.com:443\"",
            "\"https://auth.example.com \"",
            "\"https://auth.example.com\\u0000\"",
            "\"https://\u{430}uth.example.com\"",
            "\"\"",
            "[\"https://auth.example.com\"]",
            "{\"iss\":\"https://auth.example.com\"}",
            "5",
            "null",
            "true",
        ],
        "bad_issuer",
    ));
    let escaped = Members::claims().with("iss", "\"https:\\/\\/auth.example.com\"");
    cases.push(of(
        "A01",
        "iss with escaped slashes is the same text",
        &escaped,
        ACCEPT,
    ));
    cases.push(
        of(
            "A01",
            "the expected issuer ends in a slash",
            &Members::claims(),
            "bad_issuer",
        )
        .with("issuer", format!("{ISSUER}/")),
    );
    cases
}

fn audiences() -> Vec<Case> {
    let many = |count: usize| {
        let mut all: Vec<String> = (1..count).map(|n| format!("\"api-{n}\"")).collect();
        all.push("\"agents-api\"".into());
        format!("[{}]", all.join(","))
    };
    let mut cases = vec![of(
        "A02",
        "no aud",
        &Members::claims().without("aud"),
        "claim_missing",
    )];
    cases.extend(each(
        "A03",
        "aud",
        &[
            "\"agents-api\"",
            "[\"agents-api\"]",
            "[\"other\",\"agents-api\"]",
            "[\"agents-api\",\"agents-api\"]",
            "\"agents\\u002dapi\"",
        ],
        ACCEPT,
    ));
    let claims = |aud: &str| Members::claims().with("aud", aud);
    cases.extend([
        of(
            "A03",
            "16 audiences, ours the last",
            &claims(&many(16)),
            ACCEPT,
        ),
        of(
            "A03",
            "we are two audiences",
            &claims("\"billing\""),
            ACCEPT,
        )
        .with("audiences", json!(["agents-api", "billing"])),
        of(
            "A04",
            "17 audiences, ours the last",
            &claims(&many(17)),
            "bad_audience",
        ),
        of(
            "A04",
            "we are no audience",
            &Members::claims(),
            "bad_audience",
        )
        .with("audiences", json!([])),
        of(
            "A04",
            "we are the empty audience, and so is the token's",
            &claims("\"\""),
            "bad_audience",
        )
        .with("audiences", json!([""])),
    ]);
    cases.extend(each(
        "A04",
        "aud",
        &[
            "[]",
            "\"\"",
            "[\"\"]",
            "[1]",
            "[null]",
            "[[\"agents-api\"]]",
            "{\"aud\":\"agents-api\"}",
            "[{\"aud\":\"agents-api\"}]",
            "[\"agents-api\",1]",
            "[\"agents-api\",null]",
            "[\"agents-api\",[\"agents-api\"]]",
            "null",
            "true",
            "5",
            "\"agents-api2\"",
            "\"agents-ap\"",
            "\"agents-api \"",
            "\"Agents-Api\"",
            "\"agents-api other\"",
            "\"agents-api,other\"",
            "[\"other\"]",
            "[\"agents-api2\",\"agents-ap\"]",
        ],
        "bad_audience",
    ));
    cases
}
