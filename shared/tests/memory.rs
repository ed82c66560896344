//! However hostile the input, a check takes less than 64 KiB, and what is too large takes nothing.
//! Tables are counted to the key set that they belong to.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

use allocation_counter::measure;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use ed25519_dalek::{Signer as _, SigningKey};
use signet_verifier::keyset::Tables;
use signet_verifier::time::UnixTime;
use signet_verifier::{KeySet, Rejection, Verifier};

const MOST: u64 = 64 * 1_024;
const HEADER: &str = r#"{"alg":"EdDSA","kid":"k1","typ":"at+jwt"}"#;
const CLAIMS: &str = r#""iss":"https://auth.example.com","aud":"agents-api","exp":1800000300,"iat":1800000000,"sub":"u","jti":"t","sid":"s","client_id":"c""#;
/// What a payload segment of 7,168 characters holds.
const PAYLOAD: usize = 5_376;

fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn key_set() -> KeySet {
    let x = Base64UrlUnpadded::encode_string(signing_key().verifying_key().as_bytes());
    let jwks = format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"k1","x":"{x}"}}]}}"#);
    KeySet::from_jwks(jwks.as_bytes()).unwrap().key_set
}

fn token(header: &str, payload: &str) -> Vec<u8> {
    let encode = |bytes: &[u8]| Base64UrlUnpadded::encode_string(bytes);
    let signed = format!(
        "{}.{}",
        encode(header.as_bytes()),
        encode(payload.as_bytes())
    );
    let signature = signing_key().sign(signed.as_bytes()).to_bytes();
    format!("{signed}.{}", encode(&signature)).into_bytes()
}

/// The verdict, and the most bytes that were held at a time, whether keys have tables or not.
fn check(token: &[u8]) -> (Result<(), Rejection>, u64) {
    let without = check_with(token, Tables::Never);
    assert_eq!(check_with(token, Tables::Eager), without);
    without
}

fn check_with(token: &[u8], tables: Tables) -> (Result<(), Rejection>, u64) {
    let keys = key_set().with_tables(tables);
    let verifier = Verifier::new("https://auth.example.com", ["agents-api"]);
    let now = UnixTime::from_secs(1_800_000_000);
    let mut verdict = Ok(());
    let taken = measure(|| verdict = verifier.verify(token, &keys, now).map(|_| ()));
    (verdict, taken.bytes_max)
}

/// As many pieces as fit into `room`, with commas between.
fn repeated(piece: impl Fn(usize) -> String, room: usize) -> String {
    let mut text = String::new();
    for count in 0.. {
        let next = piece(count);
        if text.len() + next.len() + 1 > room {
            break;
        }
        if count > 0 {
            text.push(',');
        }
        text.push_str(&next);
    }
    text
}

#[test]
fn a_signed_payload_of_any_shape_takes_less_than_64_kib() {
    let room = PAYLOAD - CLAIMS.len() - 40;
    let zeros = repeated(|_| "0".into(), room);
    let arrays = repeated(|_| "[]".into(), room);
    let objects = repeated(|_| r#"{"":0}"#.into(), room);
    let names = repeated(|n| format!(r#""{n:x}""#), room);
    let escapes = repeated(|n| format!(r#""\u0061{n:x}""#), room);
    let audiences = repeated(|_| r#""""#.into(), room);
    let members = |depth: usize| {
        let nested = (0..63)
            .map(|n| format!(r#""\u0061{n}":0,"#))
            .collect::<String>();
        let open: String = (0..depth).map(|_| format!(r#"{{{nested}"x":"#)).collect();
        format!("{open}0{}", "}".repeat(depth))
    };
    let wide = members(5);
    let nested = format!("{}{}", "[".repeat(7), "]".repeat(7));
    for (name, value, is_good) in [
        ("x", format!("[{zeros}]"), true),
        ("x", format!("[{arrays}]"), true),
        ("x", format!("[{objects}]"), true),
        ("x", format!("[{escapes}]"), true),
        ("x", wide, true),
        ("x", nested, true),
        ("roles", format!("[{zeros}]"), false),
        ("roles", format!("[{names}]"), false),
        ("permissions", format!("[{names}]"), false),
        ("ver", format!("[{zeros}]"), false),
    ] {
        let payload = format!(r#"{{{CLAIMS},"{name}":{value}}}"#);
        assert!(payload.len() <= PAYLOAD, "{name}: {}", payload.len());
        let (verdict, taken) = check(&token(HEADER, &payload));
        assert_eq!(verdict.is_ok(), is_good, "{name}: {verdict:?}");
        assert!(taken < MOST, "{name}: {value:.40} took {taken} bytes");
    }
    let many = CLAIMS.replace(r#""agents-api""#, &format!("[{audiences}]"));
    let (verdict, taken) = check(&token(HEADER, &format!("{{{many}}}")));
    assert_eq!(verdict, Err(Rejection::BadAudience));
    assert!(taken < MOST);
}

#[test]
fn a_full_token_takes_little_more_than_itself() {
    let names = repeated(|n| format!(r#""resource{n}:read""#), 4_000);
    let payload = format!(r#"{{{CLAIMS},"permissions":[{names}]}}"#);
    let token = token(HEADER, &payload);
    let (verdict, taken) = check(&token);
    assert_eq!(verdict, Ok(()));
    assert!(taken < 32 * 1_024, "{taken}");
}

#[test]
fn what_is_too_large_takes_nothing() {
    for size in [8_193, 1 << 20, 100 << 20] {
        let (verdict, taken) = check(&vec![b'A'; size]);
        assert_eq!(verdict, Err(Rejection::TooLarge));
        assert_eq!(taken, 0);
    }
    let large_payload = token(HEADER, &" ".repeat(PAYLOAD + 3));
    assert_eq!(check(&large_payload), (Err(Rejection::TooLarge), 0));
    let large_header = token(&" ".repeat(400), "{}");
    assert_eq!(check(&large_header), (Err(Rejection::TooLarge), 0));
}

#[test]
fn a_table_takes_380_kb() {
    let _builds_that_of_the_base_point = key_set().with_tables(Tables::Eager);
    let keys = key_set();
    let of_a_key = measure(|| drop(keys.clone().with_tables(Tables::Eager)));
    assert_eq!(of_a_key.bytes_current, 2_368 * 160 + 16);
}

#[test]
fn a_header_of_any_shape_takes_little() {
    let deep = format!("{}{}", "[".repeat(150), "]".repeat(150));
    let objects = format!("[{}]", repeated(|_| r#"{"":0}"#.into(), 300));
    for header in [
        deep,
        objects,
        format!(r#"{{"x":[{}]}}"#, repeated(|_| "0".into(), 300)),
    ] {
        let (verdict, taken) = check(&token(&header, "{}"));
        assert!(verdict.is_err());
        assert!(taken < 8 * 1_024, "{header:.40} took {taken} bytes");
    }
}

#[test]
fn a_key_set_takes_a_bounded_multiple_of_its_size() {
    let room = 65_536 - 100;
    let most = 32 * 65_536;
    for text in [
        format!(r#"{{"keys":[{}]}}"#, repeated(|_| "{}".into(), room)),
        format!(r#"{{"keys":[{}]}}"#, repeated(|_| "0".into(), room)),
        format!(
            r#"{{"keys":[],"x":{{{}}}}}"#,
            repeated(|n| format!(r#""{n:x}":0"#), room)
        ),
        format!(
            r#"{{"keys":[{{{}}}]}}"#,
            repeated(|n| format!(r#""\u0061{n:x}":0"#), room)
        ),
        "[".repeat(65_536),
    ] {
        let taken = measure(|| drop(KeySet::from_jwks(text.as_bytes()))).bytes_max;
        assert!(taken < most, "{text:.40} took {taken} bytes");
    }
    let taken = measure(|| drop(KeySet::from_jwks(&vec![b' '; 65_537])));
    assert_eq!(taken.bytes_max, 65_537, "the text itself");
}
