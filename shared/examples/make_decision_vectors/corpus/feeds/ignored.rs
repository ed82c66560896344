//! Bad feeds, which leave the good one standing.

use serde_json::{Value, json};

use super::Probe::{Good, Unknown};
use super::{LEEWAY, NOW, base, next};
use crate::corpus::case::Case;
use crate::corpus::feed::{Feed, prefix};
use crate::corpus::jws::base64url;
use crate::corpus::token::Token;

/// The cases.
pub(crate) fn cases() -> Vec<Case> {
    [envelopes(), claims(), payloads(), deltas()].concat()
}

/// A good feed, then a bad one that would say something else, then one probe.
fn ignored(note: &str, bad: &str) -> Case {
    let feeds = [base().text(), bad.into()];
    Good("b").case("a bad feed is ignored and the old one kept", note, &feeds)
}

/// Feeds whose signature isn't good, or isn't one of a feed.
fn envelopes() -> Vec<Case> {
    let as_feed = Token::new().text();
    let bad = |note: &str, feed: Feed| ignored(note, &feed.text());
    let mut cases = vec![
        ignored("no base64url that is a header", "AAAA.AAAA.AAAA"),
        ignored("a signature too short", "e30.e30.AAAA"),
        ignored("a token", &as_feed),
        ignored("another payload under the same signature", &swapped()),
        bad("another key signed", next().forged()),
        bad(
            "another key of the set signed",
            next().signed_by("second").header("kid", "main"),
        ),
        bad("an unknown kid", next().header("kid", "third")),
        bad("no kid", next().without_header("kid")),
        bad("a kid that is a number", next().header("kid", 5)),
        bad("no typ", next().without_header("typ")),
        bad("the typ of a token", next().header("typ", "at+jwt")),
        bad("typ JWT", next().header("typ", "JWT")),
        bad("no alg", next().without_header("alg")),
        bad("alg none", next().header("alg", "none")),
        bad("alg HS256", next().header("alg", "HS256")),
        bad("crit", next().header("crit", json!(["exp"]))),
        bad(
            "an unknown member of the header",
            next().header("jku", "https://a.example"),
        ),
    ];
    let proves = "a bad feed is ignored, and then there is none";
    let alone = |note: &str, feed: &str| Unknown("a").case(proves, note, &[feed.into()]);
    cases.extend([
        alone("another key signed", &base().forged().text()),
        alone("the typ of a token", &base().header("typ", "at+jwt").text()),
        alone("a token", &as_feed),
    ]);
    cases
}

/// The signature of one feed under another.
fn swapped() -> String {
    let [signed, shown] = [base(), next()].map(|feed| feed.text());
    let (_, signature) = signed.rsplit_once('.').expect("a feed has segments");
    let (input, _) = shown.rsplit_once('.').expect("a feed has segments");
    format!("{input}.{signature}")
}

/// Feeds that are signed well and say what no feed says.
fn claims() -> Vec<Case> {
    let mut cases: Vec<Case> = ["iss", "iat", "exp", "epoch", "seq", "e", "u", "k"]
        .map(|name| ignored(&format!("no {name}"), &next().without(name).text()))
        .into();
    let [a, b] = sorted(prefix("a"), prefix("b"));
    let joined = |prefixes: &[[u8; 8]]| base64url(prefixes.concat());
    let [first, second] = [a, b].map(base64url);
    let values: Vec<(&str, Value)> = vec![
        ("iss", json!("https://auth.example.org")),
        ("iss", json!("https://auth.example.com/")),
        ("iss", json!(["https://auth.example.com"])),
        ("iat", json!((NOW - 5).to_string())),
        ("iat", Value::Null),
        ("exp", json!((NOW + 25).to_string())),
        ("exp", json!(NOW + 26)),
        ("exp", json!(NOW + 86_400)),
        ("epoch", json!("2")),
        ("epoch", json!(-2)),
        ("epoch", json!(2.5)),
        ("epoch", Value::Null),
        ("seq", json!("11")),
        ("seq", json!(-11)),
        ("seq", json!(11.5)),
        ("seq", json!([11])),
        ("e", Value::Null),
        ("e", json!([])),
        ("e", json!(0)),
        ("e", json!("ab!")),
        ("e", json!(format!("{first}="))),
        ("e", json!(base64url(&a[..7]))),
        ("e", json!(base64url([&a[..], &b[..1]].concat()))),
        ("e", json!(joined(&[b, a]))),
        ("e", json!(joined(&[a, a]))),
        ("e", json!(joined(&[a, b, a]))),
        ("u", Value::Null),
        ("u", json!({})),
        ("u", json!("")),
        ("u", json!([first])),
        ("u", json!([[]])),
        ("u", json!([[first]])),
        ("u", json!([[first, 1, 1]])),
        ("u", json!([[1, first]])),
        ("u", json!([[first, "1"]])),
        ("u", json!([[first, -1]])),
        ("u", json!([[first, 1.5]])),
        ("u", json!([[first, Value::Null]])),
        ("u", json!([[base64url(&a[..7]), 1]])),
        ("u", json!([[format!("{first}="), 1]])),
        ("u", json!([[second, 1], [first, 1]])),
        ("k", Value::Null),
        ("k", json!("third")),
        ("k", json!({ "third": true })),
        ("k", json!([5])),
        ("k", json!(["third", Value::Null])),
    ];
    cases.extend(values.into_iter().map(|(name, value)| {
        let note = format!("{name} is {value}");
        ignored(&note, &next().with(name, value).text())
    }));
    cases.push(ignored(
        "iat more than leeway ahead",
        &next().signed_at(NOW + LEEWAY + 1).text(),
    ));
    cases.push(
        ignored(
            "iat a second ahead, no leeway",
            &next().signed_at(NOW + 1).text(),
        )
        .leeway(0),
    );
    cases
}

fn sorted(one: [u8; 8], other: [u8; 8]) -> [[u8; 8]; 2] {
    if one < other {
        [one, other]
    } else {
        [other, one]
    }
}

fn payloads() -> Vec<Case> {
    let good = next().payload();
    let twice = good.replacen("\"seq\":11", "\"seq\":11,\"seq\":11", 1);
    let open = good.trim_end_matches('}').to_owned();
    [
        ("a payload in an array", format!("[{good}]")),
        ("a payload that ends too early", open),
        ("a payload and something behind", format!("{good}{{}}")),
        ("a payload that is a string", json!(good).to_string()),
        ("a member twice", twice),
    ]
    .map(|(note, payload)| ignored(note, &next().text_of(&payload)))
    .into()
}

fn deltas() -> Vec<Case> {
    let delta = || Feed::delta(2, 10, 11).ends(&["b"]);
    let [a, c] = sorted(prefix("a"), prefix("c"));
    [
        ("a delta without d", delta().without("d")),
        ("d is null", delta().with("d", Value::Null)),
        ("d is a list", delta().with("d", json!([]))),
        ("d is half a prefix", delta().with("d", base64url(&a[..4]))),
        (
            "d is not sorted",
            delta().with("d", base64url([c, a].concat())),
        ),
        ("since is text", delta().with("since", "10")),
        ("since is negative", delta().with("since", json!(-10))),
        ("since is null", delta().with("since", Value::Null)),
        ("a forged delta", delta().forged()),
        (
            "a delta of another issuer",
            delta().with("iss", "https://auth.example.org"),
        ),
        (
            "a delta that is good for 31 seconds",
            delta().with("exp", NOW + 26),
        ),
    ]
    .map(|(note, feed)| ignored(note, &feed.text()))
    .into()
}
