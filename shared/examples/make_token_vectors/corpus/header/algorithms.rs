//! `alg`: one algorithm under two names, and no secret that everyone knows.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Sha256, Sha512};

use super::super::case::{ACCEPT, Case};
use super::super::keys;
use super::super::mint::{Members, base64, base64url, main_key, split, with_signature};
use super::of;

/// H05 to H10.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = names();
    cases.extend(none());
    cases.extend(secrets());
    cases
}

fn names() -> Vec<Case> {
    let alg = |value: &str| Members::header().with("alg", value);
    let mut cases = vec![of(
        "H05",
        "no alg",
        &Members::header().without("alg"),
        "bad_alg",
    )];
    for value in ["null", "5", "true", "[\"EdDSA\"]", "{\"EdDSA\":1}", "\"\""] {
        cases.push(of("H05", &format!("alg {value}"), &alg(value), "bad_alg"));
    }
    for name in [
        "RS256",
        "RS512",
        "ES256",
        "ES384",
        "ES256K",
        "PS256",
        "HS256",
        "Ed448",
        "ML-DSA-44",
        "eddsa",
        "ed25519",
        "EDDSA",
        "EdDSA ",
        " EdDSA",
        "EdDSA\\u0000",
        "Ed25519ph",
        "-8",
    ] {
        let value = format!("\"{name}\"");
        cases.push(of("H08", &format!("alg {value}"), &alg(&value), "bad_alg"));
    }
    let ed448 = alg("\"EdDSA\"").with("kid", "\"ed448\"");
    cases.extend([
        of("H08", "EdDSA with an Ed448 key", &ed448, "unknown_kid").with("jwks", "strangers"),
        of(
            "H08",
            "alg through an escape is alg",
            &Members::default()
                .and("\\u0061lg", "\"Ed\\u0044SA\"")
                .and("kid", "\"main\"")
                .and("typ", "\"at+jwt\""),
            ACCEPT,
        ),
        of("H09", "Ed25519 (RFC 9864)", &alg("\"Ed25519\""), ACCEPT),
        of("H10", "token EdDSA, key Ed25519", &alg("\"EdDSA\""), ACCEPT)
            .with("jwks", "alg-ed25519"),
        of(
            "H10",
            "token Ed25519, key EdDSA",
            &alg("\"Ed25519\""),
            ACCEPT,
        )
        .with("jwks", "alg-eddsa"),
        of("H10", "token EdDSA, key EdDSA", &alg("\"EdDSA\""), ACCEPT).with("jwks", "alg-eddsa"),
        of(
            "H10",
            "token Ed25519, key Ed25519",
            &alg("\"Ed25519\""),
            ACCEPT,
        )
        .with("jwks", "alg-ed25519"),
    ]);
    cases
}

fn none() -> Vec<Case> {
    let mut cases = Vec::new();
    for name in ["none", "None", "NONE", "nOnE"] {
        let header = Members::header().with("alg", &format!("\"{name}\""));
        let signed = header.as_header();
        let [h, p, _] = split(&signed);
        for (note, token, code) in [
            ("a good signature", signed.clone(), "bad_alg"),
            (
                "a signature of zeroes",
                with_signature(&format!("{h}.{p}"), [0; 64]),
                "bad_alg",
            ),
            (
                "a short signature",
                format!("{h}.{p}.AA"),
                "bad_signature_len",
            ),
            ("an empty signature", format!("{h}.{p}."), "malformed"),
            ("no signature", format!("{h}.{p}"), "malformed"),
        ] {
            cases.push(Case::new(
                "H06",
                &format!("{name} with {note}"),
                token,
                code,
            ));
        }
    }
    cases
}

/// HMAC with what everyone knows of the key as its secret.
fn secrets() -> Vec<Case> {
    let public = main_key().verifying_key().to_bytes();
    // RFC 8410: SubjectPublicKeyInfo of an Ed25519 key.
    let der_start = [
        0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00,
    ];
    let der = base64(&[&der_start[..], &public].concat());
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n");
    let secrets = [
        ("the public key's bytes", public.to_vec()),
        ("the public key in base64url", base64url(public).into()),
        ("its PEM", pem.into()),
        (
            "its JWK",
            keys::public_jwk("main", &main_key()).to_string().into(),
        ),
        ("the whole key set", keys::main_set().into()),
        ("nothing", Vec::new()),
    ];
    let mut cases = Vec::new();
    for (name, secret) in secrets {
        let input = |alg: &str| {
            let header = Members::header().with("alg", alg).text();
            format!(
                "{}.{}",
                base64url(header),
                base64url(Members::claims().text())
            )
        };
        let hs256 = input("\"HS256\"");
        let tag = Hmac::<Sha256>::new_from_slice(&secret).expect("any length");
        let tag = tag.chain_update(&hs256).finalize().into_bytes();
        let note = format!("HS256, the secret is {name}");
        let token = with_signature(&hs256, tag);
        cases.push(Case::new("H07", &note, token, "bad_signature_len"));
        let token = with_signature(&hs256, [tag, tag].concat());
        cases.push(Case::new(
            "H07",
            &format!("{note}, the tag twice"),
            token,
            "bad_alg",
        ));
        let hs512 = input("\"HS512\"");
        let tag = Hmac::<Sha512>::new_from_slice(&secret).expect("any length");
        let tag = tag.chain_update(&hs512).finalize().into_bytes();
        let note = format!("HS512, the secret is {name}");
        cases.push(Case::new(
            "H07",
            &note,
            with_signature(&hs512, tag),
            "bad_alg",
        ));
    }
    cases
}
