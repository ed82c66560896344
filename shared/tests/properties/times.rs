//! Times, against arithmetic that can't overflow.

use proptest::prelude::*;
use signet_verifier::Rejection;
use signet_verifier::time::UnixTime;

use crate::inputs;
use crate::mint::{AUDIENCE, HEADER, ISSUER, key_set, token, verifier};

const LATEST: i128 = 253_402_300_799;

/// Points near each other, near the ends, and anywhere.
fn seconds() -> impl Strategy<Value = u64> {
    prop_oneof![
        8 => 1_799_996_000..1_800_004_000_u64,
        1 => prop::sample::select(vec![0, 1, 253_402_300_799, 253_402_300_800, u64::MAX - 1, u64::MAX]),
        1 => any::<u64>(),
    ]
}

fn leeway() -> impl Strategy<Value = u64> {
    prop_oneof![0..120_u64, Just(u64::MAX), any::<u64>()]
}

/// The rules as they are written, in wide integers.
fn expected(exp: u64, nbf: Option<u64>, iat: u64, now: u64, leeway: u64) -> Option<Rejection> {
    let [exp, iat, now, leeway] = [exp, iat, now, leeway].map(i128::from);
    let nbf = nbf.map(i128::from);
    // Beyond the end of time there is nothing later.
    let reach = |time: i128| time.min(i128::from(u64::MAX));
    if exp > LATEST {
        return Some(Rejection::BadClaims);
    }
    if now >= reach(exp + leeway) {
        return Some(Rejection::Expired);
    }
    match nbf {
        Some(nbf) if nbf > LATEST => return Some(Rejection::BadClaims),
        Some(nbf) if nbf > reach(now + leeway) => return Some(Rejection::NotYetValid),
        Some(_) | None => {}
    }
    if iat > LATEST {
        return Some(Rejection::BadClaims);
    }
    if iat > reach(now + leeway) {
        return Some(Rejection::IssuedInFuture);
    }
    if iat > exp {
        return Some(Rejection::BadClaims);
    }
    (exp - iat > 3_600).then_some(Rejection::Lifetime)
}

proptest! {
    #![proptest_config(inputs(4_000))]

    #[test]
    fn times_are_held_to_the_second(
        exp in seconds(),
        nbf in prop::option::of(seconds()),
        iat in seconds(),
        now in seconds(),
        leeway in leeway(),
    ) {
        let nbf_claim = nbf.map(|nbf| format!(r#","nbf":{nbf}"#)).unwrap_or_default();
        let claims = format!(
            r#"{{"iss":"{ISSUER}","aud":"{AUDIENCE}","exp":{exp},"iat":{iat}{nbf_claim},"sub":"u","jti":"t","sid":"s","client_id":"c"}}"#
        );
        let verifier = verifier().leeway(leeway);
        let token = token(HEADER, claims);
        let now_time = UnixTime::from_secs(now);
        let verdict = verifier.verify(token.as_bytes(), &key_set(), now_time);
        prop_assert_eq!(verdict.err(), expected(exp, nbf, iat, now, leeway));
    }
}

proptest! {
    #![proptest_config(inputs(1_000))]

    #[test]
    fn a_second_look_at_another_time_decides_as_a_first_would(
        life in 1..=3_600_u64,
        nbf in prop::option::of(1_799_999_000..=1_800_000_000_u64),
        now in seconds(),
        leeway in 0..120_u64,
    ) {
        const IAT: u64 = 1_800_000_000;
        let exp = IAT + life;
        let nbf_claim = nbf.map(|nbf| format!(r#","nbf":{nbf}"#)).unwrap_or_default();
        let claims = format!(
            r#"{{"iss":"{ISSUER}","aud":"{AUDIENCE}","exp":{exp},"iat":{IAT}{nbf_claim},"sub":"u","jti":"t","sid":"s","client_id":"c"}}"#
        );
        let verifier = verifier().leeway(leeway);
        let token = token(HEADER, claims);
        let verified = verifier
            .verify(token.as_bytes(), &key_set(), UnixTime::from_secs(IAT))
            .expect("it is good when it is issued");
        let again = verifier.verify_again(&verified, UnixTime::from_secs(now));
        prop_assert_eq!(again.err(), expected(exp, nbf, IAT, now, leeway));
    }
}
