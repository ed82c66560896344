//! Access tokens: what is accepted has one spelling, says what any other reader of JSON finds in
//! it, and is decided alike by every way there is to ask.
//!
//! An input with a line feed is a header and a payload, which are signed here. Any other is a token
//! as it stands.

use std::sync::LazyLock;

use allocation_counter::measure;
use serde::Deserialize;
use signet_verifier::time::UnixTime;
use signet_verifier::{Cache, KeySet, Rejection, VerifiedToken, Verifier};

use crate::jws::{self, Key};
use crate::{Target, vectors};

/// Access tokens.
pub const TARGET: Target = Target {
    name: "token",
    longest: 9_000,
    words: &[],
    check,
    seeds,
};

const ISSUER: &str = "https://auth.example.com";
const AUDIENCE: &str = "agents-api";
const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const LEEWAY: u64 = 30;
/// The most memory that a check may hold at a time, in bytes.
const MOST_MEMORY: u64 = 64 * 1_024;
/// The key of `vectors/tokens`.
const MAIN: Key = Key {
    kid: "main",
    seed: 1,
};

static KEYS: LazyLock<KeySet> = LazyLock::new(|| jws::key_set(&[MAIN]));

fn check(input: &[u8]) {
    let token = match input.iter().position(|byte| *byte == b'\n') {
        Some(end) => MAIN.sign(&input[..end], &input[end + 1..]),
        None => input.to_vec(),
    };
    LazyLock::force(&KEYS);
    let verifier = Verifier::new(ISSUER, [AUDIENCE]).leeway(LEEWAY);
    let verify = |token: &[u8], now| verifier.verify(token, &KEYS, now);

    let mut verdict = Err(Rejection::Malformed);
    let taken = measure(|| verdict = verify(&token, NOW));
    assert!(taken.bytes_max < MOST_MEMORY, "{taken:?}");
    assert_eq!(seen(&verify(&token, NOW)), seen(&verdict));

    // Without keys nothing is accepted, and what is refused before the key is asked for stays so.
    let without_keys = verifier.verify(&token, &KeySet::default(), NOW);
    match without_keys {
        Ok(_) => panic!("accepted without keys"),
        Err(Rejection::UnknownKid) => {}
        Err(earlier) => assert_eq!(verdict.as_ref().err(), Some(&earlier)),
    }

    if let Ok(verified) = verdict {
        has_one_spelling(&token);
        says_what_others_read(&verified);
        for now in moments(&verified) {
            let again = verifier.verify_again(&verified, now);
            assert_eq!(again, verify(&token, now).map(drop), "at {now}");
        }
        let flipped = with_a_bit_flipped(&token);
        assert!(
            verify(&flipped, NOW).is_err(),
            "accepted with a bit flipped"
        );
        is_cached_as_itself(&token, &flipped);
    }
}

/// What two verdicts are compared by.
fn seen(verdict: &Result<VerifiedToken, Rejection>) -> Result<(&str, &str), Rejection> {
    let verified = verdict.as_ref().map_err(|rejection| *rejection)?;
    Ok((verified.kid().as_str(), verified.claims_json()))
}

/// Every segment is what encoding its bytes gives.
fn has_one_spelling(token: &[u8]) {
    let segments: Vec<&[u8]> = token.split(|byte| *byte == b'.').collect();
    assert_eq!(segments.len(), 3);
    for segment in segments {
        let bytes = jws::decode(segment).expect("an accepted segment is base64url");
        assert_eq!(jws::encode(&bytes).as_bytes(), segment);
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    sub: String,
    jti: String,
    sid: String,
    client_id: String,
    exp: u64,
    iat: u64,
    nbf: Option<u64>,
    auth_time: Option<u64>,
    #[serde(default)]
    ver: u64,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    permissions: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Some(Vec<String>),
}

fn says_what_others_read(verified: &VerifiedToken) {
    let read: Claims = serde_json::from_str(verified.claims_json()).expect("claims are JSON");
    let claims = verified.claims();
    let audiences = match read.aud {
        Audience::One(audience) => vec![audience],
        Audience::Some(audiences) => audiences,
    };
    assert_eq!(read.iss, ISSUER);
    assert!(audiences.iter().any(|audience| audience == AUDIENCE));
    assert_eq!(audiences, claims.audiences());
    assert_eq!(read.sub, claims.subject());
    assert_eq!(read.jti, claims.id());
    assert_eq!(read.sid, claims.session_id());
    assert_eq!(read.client_id, claims.client_id());
    assert_eq!(read.exp, claims.expires_at().as_secs());
    assert_eq!(read.iat, claims.issued_at().as_secs());
    assert_eq!(read.nbf, claims.not_before().map(UnixTime::as_secs));
    let authenticated_at = claims.authenticated_at().map(UnixTime::as_secs);
    assert_eq!(read.auth_time, authenticated_at);
    assert_eq!(read.ver, claims.version());
    assert_eq!(read.roles, claims.roles());
    assert_eq!(read.permissions, claims.permissions());
}

/// Where the verdict may change, and both ends of time.
fn moments(verified: &VerifiedToken) -> Vec<UnixTime> {
    let claims = verified.claims();
    let over = claims.expires_at().saturating_add(LEEWAY);
    let begins = claims.issued_at().saturating_sub(LEEWAY);
    let not_before = claims.not_before().map(|it| it.saturating_sub(LEEWAY));
    let turns = [Some(over), Some(begins), not_before];
    let around = |turn: UnixTime| [turn.saturating_sub(1), turn];
    let mut moments: Vec<UnixTime> = turns.into_iter().flatten().flat_map(around).collect();
    moments.extend([0, u64::MAX].map(UnixTime::from_secs));
    moments
}

/// The token's own bytes choose the bit, so that an input is the same check each time.
fn with_a_bit_flipped(token: &[u8]) -> Vec<u8> {
    let mix = |sum: usize, byte: &u8| sum.wrapping_mul(31).wrapping_add(usize::from(*byte));
    let choice = token.iter().fold(7, mix);
    let mut flipped = token.to_vec();
    flipped[choice % token.len()] ^= 1 << (choice / token.len() % 8);
    flipped
}

fn is_cached_as_itself(token: &[u8], other: &[u8]) {
    let mut cache = Cache::new();
    cache.keep(token, 1, 0, "this");
    assert_eq!(cache.find(other, 1), None);
    assert_eq!(cache.find(token, 1), Some("this"));
    assert_eq!(cache.find(token, 2), None);
}

fn seeds() -> Vec<Vec<u8>> {
    let files = vectors::files("tokens");
    let cases = files.iter().flat_map(vectors::cases);
    let tokens: Vec<Vec<u8>> = cases.map(|case| vectors::bytes(&case["token"])).collect();
    // One has 100 MiB, which are slowly opened and signed, and refused for their length all the same.
    let short = tokens.iter().filter(|token| token.len() <= TARGET.longest);
    let opened = short.filter_map(|token| jws::opened(token));
    let unsigned: Vec<Vec<u8>> = opened.map(|parts| parts.join(&b'\n')).collect();
    [tokens, unsigned].concat()
}
