//! However many feeds come and whatever they hold, what is held is bounded.

use allocation_counter::measure;
use serde_json::json;
use signet_verifier::revocation::{FeedFault, LARGEST_FEED};
use signet_verifier::time::UnixTime;
use signet_verifier::{KeySet, Rejection, Revocations};

use crate::feed::{Feed, ISSUER, LEEWAY, NOW, after, apply, base64url, key_set};

/// The most bytes held at a time while a feed is applied, and what became of it.
fn apply_measured(
    revocations: &mut Revocations,
    keys: &KeySet,
    feed: &[u8],
) -> (u64, Option<FeedFault>) {
    let mut fault = None;
    let now = UnixTime::from_secs(NOW);
    let taken = measure(|| {
        fault = revocations.apply(feed, keys, ISSUER, LEEWAY, now).err();
    });
    (taken.bytes_max, fault)
}

/// As many pieces as a feed has room for, with commas between.
fn repeated(piece: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for count in 0.. {
        let next = piece(count);
        if text.len() + next.len() > LARGEST_FEED * 3 / 4 - 1_000 {
            break;
        }
        text.push_str(&next);
        text.push(',');
    }
    text.trim_end_matches(',').to_owned()
}

/// A signed feed with a member that is written like this.
fn feed_with(name: &str, value: &str) -> Vec<u8> {
    let payload = Feed::snapshot(1, 2).with(name, 7_654_321).payload();
    Feed::snapshot(1, 2).text_of(payload.replacen("7654321", value, 1))
}

#[test]
fn what_is_too_large_takes_nothing() {
    let feed = vec![b'A'; LARGEST_FEED + 1];
    let (taken, fault) = apply_measured(&mut Revocations::default(), &key_set(), &feed);
    assert_eq!(fault, Some(FeedFault::Envelope(Rejection::TooLarge)));
    assert_eq!(taken, 0);
}

#[test]
fn what_nobody_signed_takes_less_than_itself() {
    let mut feed = feed_with("e", &format!("\"{}\"", repeated(|_| "AAAA".into())));
    let last = feed.len() - 1;
    feed[last] = b'A';
    feed[last - 1] = if feed[last - 1] == b'B' { b'C' } else { b'B' };
    let (taken, fault) = apply_measured(&mut Revocations::default(), &key_set(), &feed);
    assert_eq!(fault, Some(FeedFault::Envelope(Rejection::BadSignature)));
    assert!(taken < LARGEST_FEED as u64, "{taken}");
}

#[test]
fn a_signed_feed_of_any_shape_takes_a_bounded_multiple_of_itself() {
    let zeros = (0_u64..)
        .map(u64::to_be_bytes)
        .take(18_000)
        .collect::<Vec<_>>();
    let pair = |n: usize| format!(r#"["{}",0]"#, base64url(&(n as u64).to_be_bytes()));
    for (name, value) in [
        ("e", format!("\"{}\"", base64url(&zeros.concat()))),
        ("u", format!("[{}]", repeated(pair))),
        ("u", format!("[{}]", repeated(|_| "0".into()))),
        ("k", format!("[{}]", repeated(|n| format!(r#""{n:x}""#)))),
        (
            "k",
            format!("[{}]", repeated(|n| format!(r#""\u0061{n:x}""#))),
        ),
        ("x", format!("[{}]", repeated(|_| "[]".into()))),
        ("x", format!("[{}]", repeated(|_| r#"{"":0}"#.into()))),
        (
            "x",
            format!("{{{}}}", repeated(|n| format!(r#""{n:x}":0"#))),
        ),
        (
            "x",
            format!("{{{}}}", repeated(|n| format!(r#""\u0061{n:x}":0"#))),
        ),
        ("x", format!("0,{}", repeated(|n| format!(r#""{n:x}":0"#)))),
    ] {
        let feed = feed_with(name, &value);
        assert!(feed.len() > LARGEST_FEED * 3 / 4 && feed.len() <= LARGEST_FEED);
        let (taken, _) = apply_measured(&mut Revocations::default(), &key_set(), &feed);
        assert!(
            taken < 20 * LARGEST_FEED as u64,
            "{name}: {value:.30} took {taken} bytes"
        );
    }
}

#[test]
fn deltas_pile_up_to_a_limit_and_no_higher() {
    let keys = key_set();
    let mut revocations = after([&Feed::snapshot(1, 0)]);
    let many = |from: usize| {
        (from..from + 4_000)
            .map(|n| format!("n{n}"))
            .collect::<Vec<_>>()
    };
    let faults: Vec<Option<FeedFault>> = (0_usize..8)
        .map(|number| {
            let delta = Feed::delta(1, number as u64, number as u64 + 1);
            let names = many(number * 4_000);
            let (taken, fault) =
                apply_measured(&mut revocations, &keys, &delta.ends(&names).text());
            assert!(taken < 4 * LARGEST_FEED as u64, "{number}: {taken}");
            fault
        })
        .collect();
    let (taken, ignored) = faults.split_at(5);
    assert!(taken.iter().all(Option::is_none));
    assert_eq!(ignored[0], Some(FeedFault::TooManyEntries));
    assert_eq!(revocations.position(), Some((1, 5)));
    let least: Vec<(String, u64)> = many(0).into_iter().map(|name| (name, 1)).collect();
    for number in 5_u64..10 {
        let names = many(number as usize * 4_000);
        let least: Vec<(String, u64)> = names.into_iter().map(|name| (name, 1)).collect();
        let delta = Feed::delta(1, number, number + 1).least_versions(&least);
        assert!(apply(&mut revocations, &delta).is_ok(), "{number}");
    }
    let delta = Feed::delta(1, 10, 11).least_versions(&least);
    assert_eq!(
        apply(&mut revocations, &delta),
        Err(FeedFault::TooManyEntries)
    );
    let held = measure(|| assert_eq!(revocations.clone(), revocations)).bytes_max;
    assert!(held < 1_024 * 1_024, "{held} bytes in force");
    let snapshot = Feed::snapshot(1, 11).with("x", json!("starts over"));
    assert!(apply(&mut revocations, &snapshot).is_ok());
}

#[test]
fn refused_keys_pile_up_to_a_limit_and_no_higher() {
    let kids = |range: std::ops::Range<usize>| range.map(|n| format!("k{n}")).collect::<Vec<_>>();
    let mut revocations = after([&Feed::snapshot(1, 0).refuses(&kids(0..1_000))]);
    let fills = Feed::delta(1, 0, 1).refuses(&kids(1_000..1_024));
    assert!(apply(&mut revocations, &fills).is_ok());
    let one_more = Feed::delta(1, 1, 2).refuses(&kids(1_024..1_025));
    let refused = apply(&mut revocations, &one_more);
    assert_eq!(refused, Err(FeedFault::TooManyEntries));
}

#[test]
fn asking_allocates_nothing() {
    let sessions: Vec<String> = (0..1_000).map(|n| format!("s{n}")).collect();
    let revocations = after([&Feed::snapshot(1, 1).ends(&sessions).refuses(&["old"])]);
    let kid = signet_verifier::KeyId::parse("main").unwrap();
    let session = signet_verifier::revocation::Prefix::of("s500");
    let taken = measure(|| assert!(revocations.revokes(&kid, &session, &session, 0)));
    assert_eq!(taken.count_total, 0);
}
