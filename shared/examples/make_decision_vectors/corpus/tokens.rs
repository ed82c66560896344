//! Tokens: every reason for which one is refused, told in `reason` and nowhere else. What makes a
//! token bad is the business of `vectors/tokens`.

use serde_json::{Value, json};

use super::case::Case;
use super::expected::{Expected, Refusal};
use super::file::DecisionFile;
use super::jws::base64url;
use super::policies;
use super::request::Request;
use super::token::Token;
use super::{LEEWAY, NOW};

/// The family.
pub(crate) fn file() -> DecisionFile {
    DecisionFile {
        name: "tokens",
        about: "Tokens: what the gate makes of every reason for which one is refused.",
        policies: vec![policies::usual()],
        cases: [refused(), times(), good()].concat(),
    }
}

/// What is found before the key is looked up, so that no keys are needed for it.
pub(crate) fn refused_before_the_key() -> Vec<(&'static str, String)> {
    let token = Token::new();
    let text = token.text();
    let [header, payload, signature] = split(&text);
    let long_header = base64url("x".repeat(385));
    vec![
        ("too_large", "a".repeat(8_193)),
        ("too_large", format!("{long_header}.{payload}.{signature}")),
        ("malformed", "abc".into()),
        ("malformed", format!("{header}.{payload}")),
        ("malformed", format!("{header}.{payload}.")),
        ("malformed", format!("{text}.{signature}")),
        ("bad_signature_len", format!("{header}.{payload}.AAAA")),
        ("bad_base64", format!("{header}+.{payload}.{signature}")),
        ("bad_base64", format!("{header}.{payload}/.{signature}")),
        (
            "bad_header",
            format!("{}.{payload}.{signature}", base64url("[]")),
        ),
        (
            "dup_member",
            format!(
                "{}.{payload}.{signature}",
                base64url(r#"{"alg":"EdDSA","alg":"EdDSA","kid":"main","typ":"at+jwt"}"#)
            ),
        ),
        (
            "crit_unsupported",
            token.clone().header("crit", json!(["exp"])).text(),
        ),
        (
            "unknown_header",
            token.clone().header("jku", "https://a.example").text(),
        ),
        ("bad_alg", token.clone().header("alg", "none").text()),
        ("bad_alg", token.clone().header("alg", "HS256").text()),
        ("bad_typ", token.clone().header("typ", "JWT").text()),
        ("bad_typ", token.clone().without_header("typ").text()),
        ("no_kid", token.clone().without_header("kid").text()),
        ("bad_kid", token.clone().header("kid", "../main").text()),
        ("bad_kid", token.header("kid", Value::Null).text()),
    ]
}

/// What is found when there are keys.
pub(crate) fn refused_with_the_key() -> Vec<(&'static str, String)> {
    let token = Token::new();
    let of = |reason, token: Token| (reason, token.text());
    vec![
        of("unknown_kid", token.clone().header("kid", "third")),
        of("bad_signature", token.clone().forged()),
        of(
            "bad_signature",
            token.clone().signed_by("second").header("kid", "main"),
        ),
        of("bad_claims", token.clone().with("exp", "never")),
        of(
            "bad_claims",
            token.clone().with("roles", json!(["admin", "admin"])),
        ),
        of("claim_missing", token.clone().without("sid")),
        of(
            "bad_issuer",
            token.clone().with("iss", "https://auth.example.org"),
        ),
        of(
            "bad_audience",
            token.clone().with("aud", json!(["other-api"])),
        ),
        of(
            "expired",
            token.clone().with("iat", NOW - 600).with("exp", NOW - 30),
        ),
        of("not_yet_valid", token.clone().with("nbf", NOW + 31)),
        of("issued_in_future", token.clone().with("iat", NOW + 31)),
        of("lifetime", token.with("exp", NOW - 60 + 3_601)),
    ]
}

fn split(token: &str) -> [&str; 3] {
    let segments: Vec<&str> = token.split('.').collect();
    segments.try_into().expect("a token has three segments")
}

fn bearing(path: &str, token: &str) -> Request {
    Request::get(path).header("Authorization", format!("Bearer {token}"))
}

fn refused() -> Vec<Case> {
    let all = [refused_before_the_key(), refused_with_the_key()].concat();
    let rules = [
        ("/profile", Some("profile")),
        ("/greeting", Some("greeting")),
        ("/nowhere", None),
    ];
    all.iter()
        .zip(rules.iter().cycle())
        .flat_map(|((reason, token), (path, rule))| {
            let refusal = Refusal::InvalidToken(reason);
            let expected = match rule {
                Some(rule) => Expected::deny(rule, refusal),
                None => Expected::deny_without_rule(refusal),
            };
            let proves = "every bad token has one code, and its reason is for logs";
            let case = |path: &str, expected| {
                let note = format!("{reason}, to {path}");
                Case::new(proves, note, bearing(path, token), expected)
            };
            [
                case(path, expected),
                case("/healthz", Expected::allow("health")),
            ]
        })
        .collect()
}

/// The clock and its leeway.
fn times() -> Vec<Case> {
    let token = Token::new();
    let expiring = |exp: u64| token.clone().with("iat", exp - 600).with("exp", exp);
    let bad = |reason| Expected::deny("profile", Refusal::InvalidToken(reason));
    let case = |proves, note: &str, token: &Token, expected| {
        Case::new(
            proves,
            note,
            Request::get("/profile").bearer(token),
            expected,
        )
    };
    let fine = |token: &Token| Expected::allow_as("profile", token);
    let [now, behind, over] = [NOW, NOW - LEEWAY + 1, NOW - LEEWAY].map(expiring);
    let last = expiring(NOW + 1);
    vec![
        case(
            "T03",
            "exp 29 seconds ago, leeway 30",
            &behind,
            fine(&behind),
        ),
        case(
            "T03",
            "exp 30 seconds ago, leeway 30",
            &over,
            bad("expired"),
        ),
        case("T02", "exp now, leeway 0", &now, bad("expired")).leeway(0),
        case("T02", "exp in a second, leeway 0", &last, fine(&last)).leeway(0),
        case("T03", "exp now, leeway 1", &now, fine(&now)).leeway(1),
        case("T03", "exp 30 seconds ago, leeway 31", &over, fine(&over)).leeway(31),
        case("T11", "now is 0", &token, bad("issued_in_future")).now(0),
        case("T11", "now is the end of time", &token, bad("expired")).now(u64::MAX.to_string()),
        case("T11", "90 seconds back", &token, fine(&token)).now(NOW - 90),
        case("T11", "91 seconds back", &token, bad("issued_in_future")).now(NOW - 91),
        case("T11", "569 seconds forth", &token, fine(&token)).now(NOW + 569),
        case("T11", "570 seconds forth", &token, bad("expired")).now(NOW + 570),
    ]
}

fn good() -> Vec<Case> {
    let token = Token::new();
    let case = |proves, note: &str, token: Token| {
        let expected = Expected::allow_as("profile", &token);
        Case::new(
            proves,
            note,
            Request::get("/profile").bearer(&token),
            expected,
        )
    };
    vec![
        case("S01", "a good token", token.clone()),
        case("H09", "alg Ed25519", token.clone().header("alg", "Ed25519")),
        case(
            "H23",
            "a longer typ",
            token.clone().header("typ", "application/AT+JWT"),
        ),
        case("K06", "the second key", token.clone().signed_by("second")),
        case(
            "A03",
            "two audiences",
            token.clone().with("aud", json!(["x", "agents-api"])),
        ),
        case(
            "P04",
            "unknown claims",
            token.clone().with("__proto__", json!({ "sub": "usr_2" })),
        ),
        case(
            "T08",
            "the longest life",
            token.with("iat", NOW).with("exp", NOW + 3_600),
        ),
    ]
}
