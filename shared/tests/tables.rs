//! When keys are given tables, what a set takes over from the one it replaces, and that threads
//! don't mind.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::thread;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use ed25519_dalek::{Signer as _, SigningKey};
use signet_verifier::keyset::Tables;
use signet_verifier::time::UnixTime;
use signet_verifier::{KeySet, Rejection, Verifier};

const CLAIMS: &str = r#"{"iss":"https://auth.example.com","aud":"agents-api","exp":1800000300,"iat":1800000000,"sub":"u","jti":"t","sid":"s","client_id":"c"}"#;

fn encode(bytes: impl AsRef<[u8]>) -> String {
    Base64UrlUnpadded::encode_string(bytes.as_ref())
}

/// The set of some keys, by kid and seed.
fn key_set(keys: &[(&str, u8)]) -> KeySet {
    let jwk = |(kid, seed): &(&str, u8)| {
        let public = SigningKey::from_bytes(&[*seed; 32]).verifying_key();
        let x = encode(public.as_bytes());
        format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"{kid}","x":"{x}"}}"#)
    };
    let keys: Vec<String> = keys.iter().map(jwk).collect();
    let jwks = format!(r#"{{"keys":[{}]}}"#, keys.join(","));
    KeySet::from_jwks(jwks.as_bytes()).unwrap().key_set
}

fn token(kid: &str, seed: u8) -> String {
    let header = format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"at+jwt"}}"#);
    let signed = format!("{}.{}", encode(header), encode(CLAIMS));
    let signature = SigningKey::from_bytes(&[seed; 32]).sign(signed.as_bytes());
    format!("{signed}.{}", encode(signature.to_bytes()))
}

/// Checks a token so many times, which must always come out the same.
fn check(times: usize, token: &str, keys: &KeySet) -> Result<(), Rejection> {
    let verifier = Verifier::new("https://auth.example.com", ["agents-api"]);
    let now = UnixTime::from_secs(1_800_000_000);
    let verdict = || verifier.verify(token.as_bytes(), keys, now).map(|_| ());
    let first = verdict();
    assert!((1..times).all(|_| verdict() == first));
    first
}

#[test]
fn the_sixteenth_use_builds_a_table_and_no_earlier_one() {
    let keys = key_set(&[("a", 1), ("b", 2)]);
    check(15, &token("a", 1), &keys).unwrap();
    check(15, &token("b", 2), &keys).unwrap();
    assert_eq!(keys.tables_built(), 0);
    check(1, &token("a", 1), &keys).unwrap();
    assert_eq!(keys.tables_built(), 1);
    check(100, &token("a", 1), &keys).unwrap();
    assert_eq!(keys.tables_built(), 1);
    check(1, &token("b", 2), &keys).unwrap();
    assert_eq!(keys.tables_built(), 2);
}

#[test]
fn what_never_gets_to_a_key_is_no_use_of_it() {
    let keys = key_set(&[("a", 1)]);
    assert_eq!(
        check(100, &token("b", 1), &keys),
        Err(Rejection::UnknownKid)
    );
    assert_eq!(
        check(100, "a.b.c", &keys),
        Err(Rejection::BadSignatureLength)
    );
    assert_eq!(keys.tables_built(), 0);
}

#[test]
fn a_bad_signature_is_bad_before_and_after() {
    let keys = key_set(&[("a", 1)]);
    let forged = || check(32, &token("a", 2), &keys);
    assert_eq!(forged(), Err(Rejection::BadSignature));
    // Whoever has no key has no table built.
    assert_eq!(keys.tables_built(), 0);
    check(16, &token("a", 1), &keys).unwrap();
    assert_eq!(keys.tables_built(), 1);
    assert_eq!(forged(), Err(Rejection::BadSignature));
}

#[test]
fn a_host_may_have_them_at_once_or_never() {
    let keys = key_set(&[("a", 1), ("b", 2)]);
    let never = keys.clone().with_tables(Tables::Never);
    check(100, &token("a", 1), &never).unwrap();
    assert_eq!(never.tables_built(), 0);
    let eager = keys.with_tables(Tables::Eager);
    assert_eq!(eager.tables_built(), 2);
    check(1, &token("a", 1), &eager).unwrap();
}

#[test]
fn keys_that_stay_keep_uses_and_tables() {
    let older = key_set(&[("a", 1), ("b", 2)]);
    check(16, &token("a", 1), &older).unwrap();
    check(15, &token("b", 2), &older).unwrap();

    let mut fresh = key_set(&[("c", 3), ("b", 2), ("a", 1)]);
    fresh.inherit(&older);
    assert_eq!(fresh.tables_built(), 1);
    check(1, &token("b", 2), &fresh).unwrap();
    assert_eq!(fresh.tables_built(), 2);
    check(15, &token("c", 3), &fresh).unwrap();
    assert_eq!(fresh.tables_built(), 2);
}

#[test]
fn another_key_of_the_same_name_inherits_nothing() {
    let older = key_set(&[("a", 1), ("b", 2)]).with_tables(Tables::AfterUses);
    check(16, &token("a", 1), &older).unwrap();
    check(16, &token("b", 2), &older).unwrap();
    let mut fresh = key_set(&[("a", 2), ("c", 1)]);
    fresh.inherit(&older);
    assert_eq!(fresh.tables_built(), 0);
    check(1, &token("a", 2), &fresh).unwrap();
    assert_eq!(
        check(1, &token("a", 1), &fresh),
        Err(Rejection::BadSignature)
    );
}

#[test]
fn the_choice_of_a_host_holds_for_the_sets_that_follow() {
    let mut eager = key_set(&[("a", 1), ("b", 2)]);
    eager.inherit(&KeySet::default().with_tables(Tables::Eager));
    assert_eq!(eager.tables_built(), 2);

    let mut never = key_set(&[("a", 1)]);
    never.inherit(&KeySet::default().with_tables(Tables::Never));
    check(100, &token("a", 1), &never).unwrap();
    assert_eq!(never.tables_built(), 0);
}

#[test]
fn threads_share_one_table_and_wait_for_nothing() {
    for _ in 0..20 {
        let keys = key_set(&[("a", 1), ("b", 2)]);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..8 {
                        check(1, &token("a", 1), &keys).unwrap();
                        assert_eq!(
                            check(1, &token("b", 1), &keys),
                            Err(Rejection::BadSignature)
                        );
                    }
                });
            }
        });
        assert_eq!(keys.tables_built(), 1);
    }
}

#[test]
fn a_fingerprint_is_that_of_kids_and_keys_in_any_order() {
    let keys = key_set(&[("a", 1), ("b", 2)]);
    let same = [
        key_set(&[("b", 2), ("a", 1)]),
        keys.clone().with_tables(Tables::Eager),
    ];
    assert!(
        same.iter()
            .all(|set| set.fingerprint() == keys.fingerprint())
    );
    let others = [
        key_set(&[("a", 1)]),
        key_set(&[("a", 2), ("b", 1)]),
        key_set(&[("a", 1), ("c", 2)]),
        key_set(&[("a", 1), ("b", 2), ("c", 3)]),
        KeySet::default(),
    ];
    assert!(
        others
            .iter()
            .all(|set| set.fingerprint() != keys.fingerprint())
    );
}
