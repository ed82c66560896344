//! Tokens: nothing panics, nothing but the one spelling is taken.

use proptest::collection::vec;
use proptest::prelude::*;
use signet_verifier::bearer::Bearer;
use signet_verifier::{KeySet, Rejection};

use crate::inputs;
use crate::mint::{CLAIMS, HEADER, NOW, encode, key_set, token, verifier};

/// A change to some bytes: the place and the byte there, or nothing for it to go.
fn edits() -> impl Strategy<Value = Vec<(prop::sample::Index, Option<u8>)>> {
    let byte = prop_oneof![
        any::<u8>(),
        prop::sample::select(&b"{}[]\":,\\.u0e-_A= "[..])
    ];
    vec((any::<prop::sample::Index>(), prop::option::of(byte)), 1..4)
}

fn edited(text: &str, edits: &[(prop::sample::Index, Option<u8>)]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for (index, byte) in edits {
        if bytes.is_empty() {
            break;
        }
        let at = index.index(bytes.len());
        match byte {
            Some(byte) => bytes[at] = *byte,
            None => drop(bytes.remove(at)),
        }
    }
    bytes
}

proptest! {
    #![proptest_config(inputs(4_000))]

    #[test]
    fn any_bytes_are_refused_without_panic(bytes in vec(any::<u8>(), 0..600)) {
        prop_assert!(verifier().verify(&bytes, &key_set(), NOW).is_err());
        let _any = KeySet::from_jwks(&bytes);
        let _any = Bearer::from_headers([&bytes[..]]);
    }

    #[test]
    fn any_three_segments_are_refused_without_panic(
        header in vec(any::<u8>(), 1..100),
        payload in vec(any::<u8>(), 1..200),
        signature in vec(any::<u8>(), 64),
    ) {
        let token = [encode(header), encode(payload), encode(signature)].join(".");
        prop_assert!(verifier().verify(token.as_bytes(), &key_set(), NOW).is_err());
    }

    #[test]
    fn an_edited_token_is_refused(edits in edits()) {
        let good = token(HEADER, CLAIMS);
        let other = edited(&good, &edits);
        prop_assume!(other != good.as_bytes());
        prop_assert!(verifier().verify(&other, &key_set(), NOW).is_err());
    }

    #[test]
    fn a_signed_token_of_any_header_and_claims_is_decided_without_panic(
        in_header in edits(),
        in_claims in edits(),
    ) {
        let edited_header = token(edited(HEADER, &in_header), CLAIMS);
        let edited_claims = token(HEADER, edited(CLAIMS, &in_claims));
        for token in [edited_header, edited_claims] {
            if let Ok(verified) = verifier().verify(token.as_bytes(), &key_set(), NOW) {
                let segments: Vec<&str> = token.split('.').collect();
                prop_assert_eq!(encode(verified.claims_json()), segments[1]);
            }
        }
    }

    #[test]
    fn what_is_signed_but_not_json_is_bad_claims(payload in "[^{]{1,200}") {
        let token = token(HEADER, payload.trim_start());
        let refused = verifier().verify(token.as_bytes(), &key_set(), NOW);
        let reason = if payload.trim_start().is_empty() {
            Rejection::Malformed
        } else {
            Rejection::BadClaims
        };
        prop_assert_eq!(refused.map(|_| ()), Err(reason));
    }

    #[test]
    fn an_edited_key_set_is_read_without_panic(edits in edits()) {
        let jwks = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k1","use":"sig","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        let _any = KeySet::from_jwks(&edited(jwks, &edits));
    }
}

/// Every byte of a good token, against every other byte in its place.
#[test]
fn a_token_with_one_byte_changed_is_refused() {
    let (keys, verifier) = (key_set(), verifier());
    let good = token(HEADER, CLAIMS).into_bytes();
    assert!(verifier.verify(&good, &keys, NOW).is_ok());
    for at in 0..good.len() {
        let mut other = good.clone();
        for byte in (0..=u8::MAX).filter(|byte| *byte != good[at]) {
            other[at] = byte;
            let verdict = verifier.verify(&other, &keys, NOW);
            assert!(verdict.is_err(), "byte {at} may be {byte:#04x} as well");
        }
    }
}

/// Every length of a good token, and every byte before, behind and inside it.
#[test]
fn a_token_with_a_byte_more_or_fewer_is_refused() {
    let (keys, verifier) = (key_set(), verifier());
    let good = token(HEADER, CLAIMS).into_bytes();
    for at in 0..good.len() {
        assert!(verifier.verify(&good[..at], &keys, NOW).is_err());
        assert!(verifier.verify(&good[at + 1..], &keys, NOW).is_err());
    }
    for at in 0..=good.len() {
        for byte in [b'A', b'=', b'.', b' ', b'\n', 0] {
            let mut other = good.clone();
            other.insert(at, byte);
            assert!(verifier.verify(&other, &keys, NOW).is_err());
        }
    }
}
