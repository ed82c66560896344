//! Bad feeds, each with its reason. What is in force stays as it is.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use signet_verifier::revocation::{FeedFault, LARGEST_FEED};
use signet_verifier::{Rejection, Revocations};

use crate::feed::{Feed, LEEWAY, NOW, after, apply_at, base64url, prefix};
use crate::inputs;

fn in_force() -> Revocations {
    let feed = Feed::snapshot(2, 10).ends(&["a"]).refuses(&["old"]);
    after([&feed.least_versions(&[("s", 3)])])
}

/// A feed that would be taken.
fn next() -> Feed {
    Feed::snapshot(2, 11).ends(&["b"])
}

/// A delta that would be taken.
fn delta() -> Feed {
    Feed::delta(2, 10, 11).ends(&["b"])
}

#[track_caller]
fn assert_ignored(text: &[u8], fault: FeedFault) {
    let mut revocations = in_force();
    assert_eq!(apply_at(&mut revocations, text, NOW), Err(fault));
    assert_eq!(revocations, in_force());
    let mut nothing = Revocations::default();
    assert!(apply_at(&mut nothing, text, NOW).is_err());
    assert_eq!(nothing, Revocations::default());
}

#[test]
fn what_is_ignored_here_would_be_taken_otherwise() {
    for feed in [next(), delta()] {
        assert!(apply_at(&mut in_force(), &feed.text(), NOW).is_ok());
    }
}

#[test]
fn a_text_that_no_key_of_the_set_signed_as_a_feed_is_ignored() {
    let good = next().text();
    let forged = next().signed_by("second").header("kid", "main").text();
    for (text, reason) in [
        (vec![], Rejection::Malformed),
        (b"a.b".to_vec(), Rejection::Malformed),
        ([&good[..], b"\n"].concat(), Rejection::Malformed),
        ([&good[..], b"="].concat(), Rejection::BadSignatureLength),
        (vec![b'A'; LARGEST_FEED + 1], Rejection::TooLarge),
        (next().header("typ", "at+jwt").text(), Rejection::BadType),
        (next().header("typ", "JWT").text(), Rejection::BadType),
        (
            next().header("alg", "HS256").text(),
            Rejection::BadAlgorithm,
        ),
        (
            next().header("crit", json!(["exp"])).text(),
            Rejection::CritUnsupported,
        ),
        (
            next().header("jku", "https://a.example").text(),
            Rejection::UnknownHeader,
        ),
        (next().header("kid", "third").text(), Rejection::UnknownKid),
        (next().header("kid", "").text(), Rejection::BadKid),
        (forged, Rejection::BadSignature),
    ] {
        assert_ignored(&text, FeedFault::Envelope(reason));
    }
}

#[test]
fn a_feed_may_be_as_large_as_it_says_and_no_larger() {
    let padding = |length: usize| next().with("padding", " ".repeat(length)).text();
    let unpadded = padding(0).len();
    let most = (LARGEST_FEED - unpadded) * 3 / 4;
    assert!(padding(most).len() > LARGEST_FEED - 4);
    assert!(apply_at(&mut in_force(), &padding(most), NOW).is_ok());
    assert_ignored(&padding(most + 4), FeedFault::Envelope(Rejection::TooLarge));
}

#[test]
fn a_payload_that_is_no_object_is_ignored() {
    let good = next().payload();
    for payload in [
        format!("[{good}]"),
        format!("{good}{{}}"),
        format!("\u{feff}{good}"),
        json!(good).to_string(),
        good.trim_end_matches('}').to_owned(),
        "null".into(),
        "{\"iss\":NaN}".into(),
    ] {
        assert_ignored(&next().text_of(payload), FeedFault::BadJson);
    }
    assert_ignored(&next().text_of(b"{\"\xff\":0}"), FeedFault::BadJson);
}

#[test]
fn a_member_that_is_named_twice_is_a_fault() {
    let good = next().payload();
    for again in [r#""seq":11,"#, r#""\u0073eq":11,"#, r#""x":0,"\u0078":0,"#] {
        let payload = good.replacen('{', &format!("{{{again}"), 1);
        assert_ignored(&next().text_of(payload), FeedFault::DuplicateMember);
    }
}

#[test]
fn every_claim_is_required() {
    for claim in ["iss", "iat", "exp", "epoch", "seq", "e", "u", "k"] {
        assert_ignored(&next().without(claim).text(), FeedFault::BadClaim(claim));
        assert_ignored(&delta().without(claim).text(), FeedFault::BadClaim(claim));
    }
    assert_ignored(&delta().without("d").text(), FeedFault::BadClaim("d"));
}

#[test]
fn a_delta_that_lost_its_since_is_no_snapshot() {
    assert_ignored(
        &delta().without("since").text(),
        FeedFault::BadClaim("since"),
    );
    assert_ignored(&next().with("d", "").text(), FeedFault::BadClaim("since"));
}

#[test]
fn a_number_is_an_integer_without_sign() {
    let values = [
        json!("11"),
        json!(-11),
        json!(11.0),
        json!(11.5),
        json!(1e300),
        json!([11]),
        json!({}),
        json!(true),
        Value::Null,
    ];
    for claim in ["iat", "exp", "epoch", "seq", "since"] {
        for value in &values {
            let text = delta().with(claim, value.clone()).text();
            assert_ignored(&text, FeedFault::BadClaim(claim));
        }
        let number = delta().with(claim, 7_654_321).payload();
        for written in ["18446744073709551616", "7e2", "-0", "1.0"] {
            let payload = number.replacen("7654321", written, 1);
            assert_ignored(&delta().text_of(payload), FeedFault::BadClaim(claim));
        }
    }
}

#[test]
fn an_issuer_is_the_same_in_every_character() {
    for issuer in ["", "https://auth.example.com/", "https://AUTH.example.com"] {
        assert_ignored(&next().with("iss", issuer).text(), FeedFault::BadIssuer);
    }
    for issuer in [json!(["https://auth.example.com"]), json!(5), Value::Null] {
        let text = next().with("iss", issuer).text();
        assert_ignored(&text, FeedFault::BadClaim("iss"));
    }
}

#[test]
fn a_feed_is_signed_no_later_than_leeway_ahead() {
    let ahead = |seconds| next().signed_at(NOW + seconds).text();
    assert!(apply_at(&mut in_force(), &ahead(LEEWAY), NOW).is_ok());
    assert_ignored(&ahead(LEEWAY + 1), FeedFault::IssuedInFuture);
    assert_ignored(&ahead(1 << 60), FeedFault::IssuedInFuture);
}

#[test]
fn a_feed_is_good_for_30_seconds_at_most() {
    for exp in [NOW - 1, 0, NOW + 31, u64::MAX] {
        assert_ignored(&next().with("exp", exp).text(), FeedFault::Lifetime);
    }
    for exp in [NOW, NOW + 1, NOW + 30] {
        let text = next().with("exp", exp).text();
        assert!(apply_at(&mut in_force(), &text, NOW).is_ok());
    }
}

#[test]
fn a_delta_does_not_go_backwards() {
    assert_ignored(&Feed::delta(2, 12, 11).text(), FeedFault::BadClaim("since"));
}

#[test]
fn prefixes_are_whole_sorted_and_distinct() {
    let mut two = [prefix("a"), prefix("b")];
    two.sort_unstable();
    let [low, high] = two;
    for value in [
        json!(base64url(&low[..7])),
        json!(base64url(&[&low[..], &high[..1]].concat())),
        json!(base64url(&[high, low].concat())),
        json!(base64url(&[low, low].concat())),
        json!(base64url(&[low, high, high].concat())),
        json!(base64url(&[low, high, low].concat())),
        json!(format!("{}=", base64url(&low))),
        json!(format!(" {}", base64url(&low))),
        json!("+/+/+/+/+/8"),
        json!("AAAAAAAAAAB"),
        json!("A"),
        json!([base64url(&low)]),
        json!([]),
        json!(0),
        Value::Null,
    ] {
        let text = next().with("e", value.clone()).text();
        assert_ignored(&text, FeedFault::BadClaim("e"));
        let text = delta().with("d", value).text();
        assert_ignored(&text, FeedFault::BadClaim("d"));
    }
}

#[test]
fn least_versions_are_pairs_sorted_and_distinct() {
    let mut two = [prefix("a"), prefix("b")];
    two.sort_unstable();
    let [low, high] = two.map(|prefix| base64url(&prefix));
    for value in [
        json!({}),
        json!(""),
        Value::Null,
        json!([low]),
        json!([[]]),
        json!([[low]]),
        json!([[low, 1, 1]]),
        json!([[low, 1, []]]),
        json!([[1, low]]),
        json!([[low, "1"]]),
        json!([[low, -1]]),
        json!([[low, 1.5]]),
        json!([[low, null]]),
        json!([{ "0": low, "1": 1 }]),
        json!([["", 1]]),
        json!([["AAAAAAAAAA", 1]]),
        json!([["AAAAAAAAAAAA", 1]]),
        json!([[format!("{low}="), 1]]),
        json!([["AAAAAAAAAAB", 1]]),
        json!([[high, 1], [low, 1]]),
        json!([[low, 1], [low, 1]]),
        json!([[low, 1], [low, 2]]),
        json!([[low, 1], []]),
        json!([[low, 1], null]),
    ] {
        let text = next().with("u", value).text();
        assert_ignored(&text, FeedFault::BadClaim("u"));
    }
}

#[test]
fn refused_keys_have_names_and_come_once() {
    for value in [
        json!("old"),
        json!({ "old": true }),
        json!([5]),
        json!([["old"]]),
        json!(["old", null]),
        json!([""]),
        json!(["../old"]),
        json!(["k".repeat(65)]),
        json!(["old", "older", "old"]),
        Value::Null,
    ] {
        let text = next().with("k", value).text();
        assert_ignored(&text, FeedFault::BadClaim("k"));
    }
}

#[test]
fn more_keys_than_are_ever_refused_are_a_fault() {
    let kids: Vec<String> = (0..1_025).map(|number| format!("k{number}")).collect();
    assert!(apply_at(&mut in_force(), &next().refuses(&kids[1..]).text(), NOW).is_ok());
    assert_ignored(&next().refuses(&kids).text(), FeedFault::TooManyEntries);
    // With the one in force, a delta of 1,024 makes one too many.
    let mut revocations = in_force();
    let applied = apply_at(&mut revocations, &delta().refuses(&kids[1..]).text(), NOW);
    assert_eq!(applied, Err(FeedFault::TooManyEntries));
    assert_eq!(revocations, in_force());
}

#[test]
fn what_is_unknown_is_passed_over() {
    let text = next().with("later", json!([{ "a": [1, "}"] }])).text();
    assert!(apply_at(&mut in_force(), &text, NOW).is_ok());
}

#[test]
fn no_two_faults_have_one_code() {
    let faults = [
        FeedFault::Envelope(Rejection::BadSignature),
        FeedFault::RefusedKey,
        FeedFault::BadJson,
        FeedFault::DuplicateMember,
        FeedFault::BadClaim("e"),
        FeedFault::BadIssuer,
        FeedFault::IssuedInFuture,
        FeedFault::Lifetime,
        FeedFault::Rollback,
        FeedFault::Gap,
        FeedFault::TooManyEntries,
    ];
    let codes: std::collections::BTreeSet<&str> = faults.iter().map(|fault| fault.code()).collect();
    assert_eq!(codes.len(), faults.len());
    assert_eq!(FeedFault::BadClaim("e").to_string(), "bad_claim: e");
    assert_eq!(FeedFault::Gap.to_string(), "gap");
}

/// Bytes to put in the place of others.
fn edits() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    let byte = prop_oneof![
        any::<u8>(),
        prop::sample::select(&b"{}[]\":,\\.u0e-_A= 9"[..])
    ];
    vec((any::<prop::sample::Index>(), byte), 1..4)
}

fn edited(mut text: Vec<u8>, edits: &[(prop::sample::Index, u8)]) -> Vec<u8> {
    for (index, byte) in edits {
        let at = index.index(text.len());
        text[at] = *byte;
    }
    text
}

fn rich() -> Feed {
    let feed = delta()
        .ends(&["b", "c"])
        .drops(&["a", "x"])
        .refuses(&["old", "k"]);
    feed.least_versions(&[("s", 9), ("t", 1)])
}

proptest! {
    #![proptest_config(inputs(2_000))]

    #[test]
    fn an_edited_feed_is_ignored(edits in edits()) {
        let good = rich().text();
        let other = edited(good.clone(), &edits);
        prop_assume!(other != good);
        let mut revocations = in_force();
        prop_assert!(apply_at(&mut revocations, &other, NOW).is_err());
        prop_assert_eq!(revocations, in_force());
    }

    #[test]
    fn a_signed_feed_of_any_claims_is_taken_or_leaves_what_is_in_force(edits in edits()) {
        let payload = edited(rich().payload().into_bytes(), &edits);
        let mut revocations = in_force();
        let applied = apply_at(&mut revocations, &rich().text_of(payload), NOW);
        prop_assert!(applied.is_ok() || revocations == in_force());
    }
}
