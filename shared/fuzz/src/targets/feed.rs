//! Revocation feeds, one after the other: what is refused changes nothing, nothing goes back, and a
//! snapshot that is taken revokes what another reader finds in it.
//!
//! Each line of an input is a feed: a header, a tab and a payload, or a payload alone, which are
//! signed here, or a text without braces as it stands.

use std::sync::LazyLock;

use allocation_counter::measure;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use signet_verifier::revocation::{Applied, FeedFault, Prefix};
use signet_verifier::time::UnixTime;
use signet_verifier::{KeyId, KeySet, Rejection, Revocations};

use crate::jws::{self, Key};
use crate::{Target, vectors};

/// Revocation feeds.
pub const TARGET: Target = Target {
    name: "feed",
    longest: 16_384,
    words: WORDS,
    check,
    seeds,
};

const ISSUER: &str = "https://auth.example.com";
const NOW: UnixTime = UnixTime::from_secs(2_100_000_000);
const LEEWAY: u64 = 30;
const HEADER: &[u8] = br#"{"alg":"EdDSA","kid":"main","typ":"signet-rev+jwt"}"#;
/// More feeds in one input show nothing new.
const MOST_FEEDS: usize = 8;
/// Sessions, subjects and keys that the vectors revoke.
const NAMES: [&str; 6] = ["a", "b", "c", "usr_1", "main", "second"];
/// The keys of `vectors/decisions`.
const MAIN: Key = Key {
    kid: "main",
    seed: 101,
};
const SECOND: Key = Key {
    kid: "second",
    seed: 102,
};

static KEYS: LazyLock<KeySet> = LazyLock::new(|| jws::key_set(&[MAIN, SECOND]));

fn check(input: &[u8]) {
    LazyLock::force(&KEYS);
    let mut revocations = Revocations::default();
    for line in input.split(|byte| *byte == b'\n').take(MOST_FEEDS) {
        arrives(&mut revocations, line);
    }
}

fn arrives(revocations: &mut Revocations, line: &[u8]) {
    let feed = feed_of(line);
    let before = revocations.clone();
    let mut applied = Err(FeedFault::Gap);
    let taken = measure(|| applied = apply(revocations, &feed));
    // A kid in a list is a value, a name and a place in a list that grew; and may be four bytes.
    let most_memory = 64 * 1_024 + 32 * u64::try_from(feed.len()).unwrap();
    assert!(taken.bytes_max < most_memory, "{taken:?}");
    match applied {
        Err(fault) => {
            assert_eq!(*revocations, before, "{fault}");
            assert_eq!(apply(revocations, &feed), Err(fault));
        }
        Ok(Applied::AlreadyKnown) => assert_eq!(*revocations, before),
        Ok(applied) => {
            is_taken(revocations, &before, &feed);
            let is_same = all_revoked(revocations) == all_revoked(&before);
            assert!(is_same || applied == Applied::Changed);
        }
    }
}

fn apply(revocations: &mut Revocations, feed: &[u8]) -> Result<Applied, FeedFault> {
    revocations.apply(feed, &KEYS, ISSUER, LEEWAY, NOW)
}

/// What must be true right after a feed did something.
fn is_taken(revocations: &Revocations, before: &Revocations, feed: &[u8]) {
    assert!(revocations.position() >= before.position());
    let [_, payload] = jws::opened(feed).unwrap();
    // serde_json has no room for some numbers; feeds with such are only read by us.
    if let Ok(claims) = serde_json::from_slice::<Value>(&payload) {
        let position = [&claims["epoch"], &claims["seq"]].map(|number| number.as_u64().unwrap());
        assert_eq!(revocations.position(), Some(position.into()));
        let ends = UnixTime::from_secs(claims["exp"].as_u64().unwrap());
        if revocations.position() > before.position() {
            assert_eq!(revocations.is_fresh(NOW), NOW < ends);
            if claims.get("since").is_none() {
                assert_eq!(all_revoked(revocations), all_listed(&claims));
            }
        }
    }
    // Once more it says nothing new, unless it refuses the very key that it is signed with.
    let mut again = revocations.clone();
    match apply(&mut again, feed) {
        Ok(Applied::AlreadyKnown) | Err(FeedFault::RefusedKey) => {}
        other => panic!("the same feed again: {other:?}"),
    }
    assert_eq!(again, *revocations);
    let forged = [feed, b"A"].concat();
    let refused = Err(FeedFault::Envelope(Rejection::BadSignatureLength));
    assert_eq!(apply(&mut again, &forged), refused);
}

/// Whether a session, an account's tokens without and with a version, and a key are void.
type Voids = [bool; 4];

/// What is void under each of the names.
fn all_revoked(revocations: &Revocations) -> Vec<Voids> {
    let nobody = Prefix::of("nobody");
    let no_key = KeyId::parse("no-key").unwrap();
    let revoked = |name: &&str| {
        let (prefix, kid) = (Prefix::of(name), KeyId::parse(name).unwrap());
        [
            revocations.revokes(&no_key, &prefix, &nobody, 0),
            revocations.revokes(&no_key, &nobody, &prefix, 0),
            revocations.revokes(&no_key, &nobody, &prefix, 5),
            revocations.revokes(&kid, &nobody, &nobody, 0),
        ]
    };
    NAMES.iter().map(revoked).collect()
}

/// The same, from the claims of a snapshot as another reader finds them.
fn all_listed(claims: &Value) -> Vec<Voids> {
    let sessions = jws::decode(claims["e"].as_str().unwrap().as_bytes()).unwrap();
    let subjects = claims["u"].as_array().unwrap();
    let kids = claims["k"].as_array().unwrap();
    let listed = |name: &&str| {
        let hash = Sha256::digest(name);
        let prefix = &hash[..8];
        let subject = jws::encode(prefix);
        let least = subjects.iter().find(|pair| pair[0] == subject.as_str());
        let least = least.map_or(0, |pair| pair[1].as_u64().unwrap());
        [
            sessions.chunks(8).any(|session| session == prefix),
            least > 0,
            least > 5,
            kids.iter().any(|kid| kid == name),
        ]
    };
    NAMES.iter().map(listed).collect()
}

fn feed_of(line: &[u8]) -> Vec<u8> {
    if !line.contains(&b'{') {
        return line.to_vec();
    }
    let (header, payload) = match line.iter().position(|byte| *byte == b'\t') {
        Some(end) => (&line[..end], &line[end + 1..]),
        None => (HEADER, line),
    };
    let names_second = header
        .windows(SECOND.kid.len())
        .any(|text| text == SECOND.kid.as_bytes());
    let key = if names_second { SECOND } else { MAIN };
    key.sign(header, payload)
}

fn seeds() -> Vec<Vec<u8>> {
    let by_machine = vectors::files("decisions");
    let by_hand = vectors::files("decisions/by-hand");
    let mut seeds = Vec::new();
    for file in by_machine.iter().chain(&by_hand) {
        let of_case = |case: &Value| {
            case.get("feeds")
                .unwrap_or(&file["defaults"]["feeds"])
                .clone()
        };
        for feeds in vectors::cases(file).iter().map(of_case) {
            let feeds: Vec<Vec<u8>> = feeds
                .as_array()
                .unwrap()
                .iter()
                .map(vectors::bytes)
                .collect();
            let opened = feeds.iter().filter_map(|feed| jws::opened(feed));
            let opened: Vec<Vec<u8>> = opened.map(|parts| parts.join(&b'\t')).collect();
            seeds.extend([feeds.join(&b'\n'), opened.join(&b'\n')]);
        }
    }
    seeds.sort_unstable();
    seeds.dedup();
    seeds
}

/// With them, as many executions reach nearly one edge more in a hundred.
const WORDS: &[&str] = &[
    "\"iss\":",
    "\"iat\":",
    "\"exp\":",
    "\"epoch\":",
    "\"seq\":",
    "\"since\":",
    "\"e\":\"",
    "\"d\":\"",
    "\"u\":[[",
    "\"k\":[",
    "\"alg\":\"EdDSA\"",
    "\"kid\":\"second\"",
    "\"typ\":\"signet-rev+jwt\"",
    "2100000000",
    "2100000030",
    "18446744073709551615",
    "\\u00",
    "\n{",
    "\t{",
    "],[",
    "null",
    "1e9",
];
