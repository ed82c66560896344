use pkcs8::der::Encode as _;
use pkcs8::der::pem::LineEnding;

use super::*;
use crate::secret::{OperatingSystem, Randomness};

fn seed() -> SecretBytes<32> {
    let randomness: &dyn Randomness = &OperatingSystem;
    randomness.secret()
}

fn pem(label: &'static str, der: &[u8]) -> String {
    let document = SecretDocument::try_from(der).unwrap();
    document.to_pem(label, LineEnding::LF).unwrap().to_string()
}

/// As OpenSSL writes it (RFC 8410, section 7), version 1 or, with a public half, version 2.
fn pkcs8(oid: ObjectIdentifier, seed: &[u8], public: Option<&[u8]>) -> String {
    let length = u8::try_from(seed.len()).unwrap();
    let inner = [&[0x04, length], seed].concat();
    let algorithm = pkcs8::AlgorithmIdentifierRef {
        oid,
        parameters: None,
    };
    let mut key = PrivateKeyInfo::new(algorithm, &inner);
    key.public_key = public;
    pem("PRIVATE KEY", &key.to_der().unwrap())
}

fn jwk(members: &str) -> String {
    format!(r#"{{"kty":"OKP","crv":"Ed25519"{members}}}"#)
}

fn text(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

#[test]
fn a_key_is_read_from_pem_and_jwk() {
    let seed = seed();
    let (kid, public) = identify(&seed).unwrap();
    let (d, x) = (text(seed.expose()), text(&public));
    for file in [
        pkcs8(ED25519, seed.expose(), None),
        pkcs8(ED25519, seed.expose(), Some(&public)),
        jwk(&format!(r#","d":"{d}","x":"{x}""#)),
        jwk(&format!(
            r#","d":"{d}","x":"{x}","use":"sig","alg":"EdDSA","kid":"mine""#
        )),
        jwk(&format!(
            r#","d":"{d}","x":"{x}","alg":"Ed25519","key_ops":["sign","verify"]"#
        )),
    ] {
        let read = read(file.as_bytes()).unwrap();
        assert!(read == seed, "{file}");
        assert_eq!(identify(&read).unwrap().0, kid);
    }
}

#[test]
fn what_openssl_makes_is_read() {
    // `openssl genpkey -algorithm ed25519`
    let file = "-----BEGIN PRIVATE KEY-----\n\
                MC4CAQAwBQYDK2VwBCIEIFVoQ3IEjnjV6ivuYf2JpvvwdGYvt3gXKmNSpvlFhbk5\n\
                -----END PRIVATE KEY-----\n";
    assert!(read(file.as_bytes()).is_ok());
    assert!(read(file.replace('\n', "\r\n").as_bytes()).is_ok());
    assert!(read(file.trim_end().as_bytes()).is_ok());
}

#[test]
fn a_key_of_another_kind_is_named() {
    let seed = seed();
    for (oid, name) in OTHERS {
        let refused = read(pkcs8(oid, seed.expose(), None).as_bytes()).unwrap_err();
        assert_eq!(refused, ImportError::OtherKind(name.to_owned()));
    }
    for (file, what) in [
        (r#"{"kty":"RSA","n":"AQAB","e":"AQAB","d":"AQAB"}"#, "RSA"),
        (r#"{"kty":"EC","crv":"P-256","d":"AQAB"}"#, "P-256"),
        (r#"{"kty":"OKP","crv":"X25519","d":"AQAB"}"#, "X25519"),
        (r#"{"kty":"OKP","crv":"Ed448","d":"AQAB"}"#, "Ed448"),
        (r#"{"kty":"oct","k":"AQAB"}"#, "oct"),
    ] {
        let refused = read(file.as_bytes()).unwrap_err();
        assert!(refused.to_string().contains(what), "{refused}");
    }
}

#[test]
fn half_a_key_and_two_halves_of_different_keys_are_refused() {
    let (seed, other) = (seed(), seed());
    let (_, public) = identify(&seed).unwrap();
    let (_, foreign) = identify(&other).unwrap();
    let (d, x, foreign_x) = (text(seed.expose()), text(&public), text(&foreign));
    for (file, error) in [
        (jwk(&format!(r#","x":"{x}""#)), ImportError::Public),
        (jwk(&format!(r#","d":"{d}""#)), ImportError::Mismatch),
        (
            jwk(&format!(r#","d":"{d}","x":"{foreign_x}""#)),
            ImportError::Mismatch,
        ),
        (
            pkcs8(ED25519, seed.expose(), Some(&foreign)),
            ImportError::Mismatch,
        ),
        (
            jwk(&format!(r#","d":"{d}","x":"{x}","use":"enc""#)),
            ImportError::OtherUse("use"),
        ),
        (
            jwk(&format!(r#","d":"{d}","x":"{x}","alg":"ES256""#)),
            ImportError::OtherUse("alg"),
        ),
        (
            jwk(&format!(r#","d":"{d}","x":"{x}","key_ops":["verify"]"#)),
            ImportError::OtherUse("key_ops"),
        ),
    ] {
        assert_eq!(read(file.as_bytes()).unwrap_err(), error, "{file}");
    }
}

/// Points of order 1, 2, 4 and 8, and what is no point at all: no seed has such a public half.
#[test]
fn a_public_half_of_small_order_is_nobodys() {
    let seed = seed();
    let one = |last: u8, first: u8| {
        let mut bytes = [0; 32];
        (bytes[0], bytes[31]) = (first, last);
        bytes
    };
    let mut minus_one = [0xff; 32];
    (minus_one[0], minus_one[31]) = (0xec, 0x7f);
    let eighth = hex(b"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a");
    for weak in [
        one(0, 1),
        minus_one,
        one(0, 0),
        one(0x80, 0),
        eighth,
        one(0x80, 1),
        [0xff; 32],
        one(0, 2),
    ] {
        let (d, x) = (text(seed.expose()), text(&weak));
        let in_jwk = jwk(&format!(r#","d":"{d}","x":"{x}""#));
        let in_pem = pkcs8(ED25519, seed.expose(), Some(&weak));
        for file in [in_jwk, in_pem] {
            assert_eq!(read(file.as_bytes()).unwrap_err(), ImportError::Mismatch);
        }
    }
}

#[test]
fn what_everybody_knows_is_no_secret() {
    for seed in PUBLISHED {
        let file = pkcs8(ED25519, &seed, None);
        assert_eq!(read(file.as_bytes()).unwrap_err(), ImportError::Published);
    }
    // The thumbprint that RFC 8037 gives, in appendix A.3, for the first of them.
    let (kid, _) = identify(&SecretBytes::new(PUBLISHED[0])).unwrap();
    assert_eq!(kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let counting = std::array::from_fn(|place| u8::try_from(place).unwrap());
    for seed in [[0; 32], [7; 32], [255; 32], counting] {
        let file = pkcs8(ED25519, &seed, None);
        assert_eq!(read(file.as_bytes()).unwrap_err(), ImportError::MadeUp);
    }
}

#[test]
fn anything_else_is_no_key() {
    let seed = seed();
    let good = pkcs8(ED25519, seed.expose(), None);
    let der = [0x30, 0x03, 0x02, 0x01, 0x00];
    for (file, error) in [
        (String::new(), ImportError::Unreadable),
        ("{}".to_owned(), ImportError::Unreadable),
        ("{".to_owned(), ImportError::Unreadable),
        (r#"{"keys":[]}"#.to_owned(), ImportError::Unreadable),
        (
            r#"{"kty":"OKP","kty":"OKP"}"#.to_owned(),
            ImportError::Unreadable,
        ),
        (text(seed.expose()), ImportError::Unreadable),
        (good.replace("M", "N"), ImportError::Unreadable),
        (good.replace("-----END", "----END"), ImportError::Unreadable),
        (format!("{good}{good}"), ImportError::Unreadable),
        (format!("{good}more"), ImportError::Unreadable),
        (
            format!("{}more", jwk(r#","d":"AQAB","x":"AQAB""#)),
            ImportError::Unreadable,
        ),
        (jwk(r#","d":"AQAB","x":"AQAB""#), ImportError::Unreadable),
        (
            pkcs8(ED25519, &seed.expose()[1..], None),
            ImportError::Unreadable,
        ),
        (
            pkcs8(ED25519, &[seed.expose().as_slice(), &[1]].concat(), None),
            ImportError::Unreadable,
        ),
        (pem("PUBLIC KEY", &der), ImportError::Public),
        (pem("ENCRYPTED PRIVATE KEY", &der), ImportError::Encrypted),
        (pem("OPENSSH PRIVATE KEY", &der), ImportError::Unreadable),
        (pem("CERTIFICATE", &der), ImportError::Unreadable),
    ] {
        assert_eq!(read(file.as_bytes()).unwrap_err(), error, "{file}");
    }
    assert_eq!(read(&[0xff, 0xfe]).unwrap_err(), ImportError::Unreadable);
}
