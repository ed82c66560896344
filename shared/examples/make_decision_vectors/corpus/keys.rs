//! Keys: there are none, or no longer the one.

use super::case::Case;
use super::expected::{Expected, Refusal};
use super::file::DecisionFile;
use super::key_set;
use super::policies;
use super::request::Request;
use super::token::Token;
use super::tokens::{refused_before_the_key, refused_with_the_key};

/// The family.
pub(crate) fn file() -> DecisionFile {
    DecisionFile {
        name: "keys",
        about: "Keys: there are none, or no longer the one.",
        policies: vec![policies::usual()],
        cases: [without_keys(), without_need(), changed()].concat(),
    }
}

fn bearing(path: &str, token: &str) -> Request {
    Request::get(path).header("Authorization", format!("Bearer {token}"))
}

/// The kinds of rules that check a token.
const CHECKING: [(&str, Option<&str>); 4] = [
    ("/profile", Some("profile")),
    ("/greeting", Some("greeting")),
    ("/v1/agents/7", Some("read-agent")),
    ("/nowhere", None),
];

fn deny(rule: Option<&str>, refusal: Refusal) -> Expected {
    match rule {
        Some(rule) => Expected::deny(rule, refusal),
        None => Expected::deny_without_rule(refusal),
    }
}

/// 401 for what is refused before the kid is looked up, otherwise 503.
fn without_keys() -> Vec<Case> {
    let early = refused_before_the_key();
    let early = early
        .into_iter()
        .map(|(reason, token)| (reason, token, Refusal::InvalidToken(reason)));
    let late = refused_with_the_key().into_iter().chain([
        ("good", Token::new().text()),
        ("good", Token::new().permissions(&["agents:read"]).text()),
        ("good", Token::new().signed_by("second").text()),
        ("good", Token::new().header("alg", "Ed25519").text()),
    ]);
    let late = late.map(|(note, token)| (note, token, Refusal::KeysUnavailable));
    early
        .chain(late)
        .zip(CHECKING.iter().cycle())
        .enumerate()
        .map(|(at, ((note, token, refusal), (path, rule)))| {
            let case = Case::new(
                "no keys at all: 401 for a token refused before the kid is looked up, else 503",
                format!("{note}, to {path}"),
                bearing(path, &token),
                deny(*rule, refusal),
            );
            // No set yet and a set of which nothing is left are the same.
            match at % 2 {
                0 => case.no_keys_yet(),
                _ => case.keys(key_set::UNUSABLE),
            }
        })
        .collect()
}

/// What is decided without a key.
fn without_need() -> Vec<Case> {
    let missing = "no keys at all: 401 for a missing token";
    let public = "no keys are needed for public rules";
    let token = Token::new().text();
    let mut cases: Vec<Case> = CHECKING
        .iter()
        .filter(|(path, _)| *path != "/greeting")
        .map(|(path, rule)| {
            let expected = deny(*rule, Refusal::MissingToken);
            Case::new(missing, *path, Request::get(path), expected)
        })
        .collect();
    let rotate = Request::new("POST", "/v1/keys/rotate");
    cases.extend([
        Case::new(
            missing,
            "a rule that wants a fresh feed as well",
            rotate.clone(),
            Expected::deny("rotate", Refusal::MissingToken),
        ),
        Case::new(
            "no keys are told before no feed",
            "a rule that wants a fresh feed as well",
            rotate.header("Authorization", format!("Bearer {token}")),
            Expected::deny("rotate", Refusal::KeysUnavailable),
        ),
        Case::new(
            "no token is fine on an optional path",
            "no token",
            Request::get("/greeting"),
            Expected::allow("greeting"),
        ),
        Case::new(
            public,
            "no token",
            Request::get("/healthz"),
            Expected::allow("health"),
        ),
        Case::new(
            public,
            "a token",
            bearing("/healthz", &token),
            Expected::allow("health"),
        ),
        Case::new(
            "400 comes first",
            "a head with dots in its path",
            bearing("/../profile", &token),
            Expected::invalid_request(),
        ),
    ]);
    let unusable = |case: Case| case.keys(key_set::UNUSABLE);
    cases.into_iter().map(unusable).collect()
}

/// K06: a key leaves the set.
fn changed() -> Vec<Case> {
    let first = Token::new();
    let second = Token::new().signed_by("second");
    let case = |note: &str, token: &Token, expected| {
        let request = Request::get("/profile").bearer(token);
        Case::new("K06", note, request, expected)
    };
    let gone = Refusal::InvalidToken("unknown_kid");
    vec![
        case(
            "the first key",
            &first,
            Expected::allow_as("profile", &first),
        ),
        case(
            "the second key",
            &second,
            Expected::allow_as("profile", &second),
        ),
        case("the key that left", &first, Expected::deny("profile", gone)).keys(key_set::ROTATED),
        case(
            "the key that stayed",
            &second,
            Expected::allow_as("profile", &second),
        )
        .keys(key_set::ROTATED),
    ]
}
