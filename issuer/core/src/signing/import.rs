//! An Ed25519 key that somebody brings along: PKCS#8 in PEM (RFC 8410, RFC 5958), or a private JWK
//! (RFC 8037).
//!
//! What is taken has been read strictly: one key, of this curve, whose public half is the private
//! one's. What no generator made, and what stands in a standard for everybody to read, is no secret.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use pkcs8::{ObjectIdentifier, PrivateKeyInfo, SecretDocument};
use serde::Deserialize;
use zeroize::{Zeroize as _, Zeroizing};

use super::keyring::identify;
use super::seal::is_made_up;
use crate::secret::SecretBytes;

/// The most that a file with a key has, in bytes.
pub const LARGEST_KEY_FILE: usize = 4_096;

const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// What other keys are, by the algorithm that their PKCS#8 names.
const OTHERS: [(ObjectIdentifier, &str); 5] = [
    (ObjectIdentifier::new_unwrap("1.3.101.110"), "an X25519 key"),
    (ObjectIdentifier::new_unwrap("1.3.101.111"), "an X448 key"),
    (ObjectIdentifier::new_unwrap("1.3.101.113"), "an Ed448 key"),
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1"),
        "an RSA key",
    ),
    (
        ObjectIdentifier::new_unwrap("1.2.840.10045.2.1"),
        "a key of an elliptic curve of another kind",
    ),
];

/// Seeds that stand in RFC 8032, section 7.1 (the first in RFC 8037 as well), and RFC 8410.
const PUBLISHED: [[u8; 32]; 6] = [
    hex(b"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
    hex(b"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"),
    hex(b"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"),
    hex(b"f5e5767cf153319517630f226876b86c8160cc583bc013744c6bf255f5cc0ee5"),
    hex(b"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42"),
    hex(b"d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842"),
];

/// Why a file is no key to take.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ImportError {
    /// Neither PEM nor a JWK.
    #[error("is neither a private key in PEM (PKCS#8) nor a private JWK")]
    Unreadable,
    /// Its private half isn't there.
    #[error("is a public key; what signs is the private one")]
    Public,
    /// It needs a password.
    #[error("is encrypted; decrypt it first (`openssl pkcs8 -in FILE -out PLAIN`)")]
    Encrypted,
    /// It is a key of another kind.
    #[error("is {0}; Signet signs with Ed25519")]
    OtherKind(String),
    /// It is meant for something else.
    #[error("is not for signatures with Ed25519, as its {0} says")]
    OtherUse(&'static str),
    /// The two halves don't belong together.
    #[error("has a public half that is not the private one's")]
    Mismatch,
    /// No generator made it.
    #[error("is not random; make a key with `openssl genpkey -algorithm ed25519`")]
    MadeUp,
    /// Everybody knows it.
    #[error("stands in a standard for everybody to read")]
    Published,
}

/// Reads the key of a file.
///
/// # Errors
/// See [`ImportError`].
pub fn read(text: &[u8]) -> Result<SecretBytes<32>, ImportError> {
    let text = std::str::from_utf8(text).map_err(|_| ImportError::Unreadable)?;
    let (seed, public) = match text.trim_start().starts_with('{') {
        true => read_jwk(text)?,
        false => read_pem(text)?,
    };
    // Of such a seed the library makes no key at all.
    if is_made_up(seed.expose()) {
        return Err(ImportError::MadeUp);
    }
    let (_, own) = identify(&seed).ok_or(ImportError::Unreadable)?;
    if public.is_some_and(|public| public != own) {
        return Err(ImportError::Mismatch);
    }
    match PUBLISHED.contains(seed.expose()) {
        true => Err(ImportError::Published),
        false => Ok(seed),
    }
}

type Halves = (SecretBytes<32>, Option<[u8; 32]>);

fn read_pem(text: &str) -> Result<Halves, ImportError> {
    let (label, document) = SecretDocument::from_pem(text).map_err(|_| ImportError::Unreadable)?;
    match label {
        "PRIVATE KEY" => {}
        "ENCRYPTED PRIVATE KEY" => return Err(ImportError::Encrypted),
        "PUBLIC KEY" => return Err(ImportError::Public),
        "RSA PRIVATE KEY" => return Err(ImportError::OtherKind("an RSA key".to_owned())),
        "EC PRIVATE KEY" => {
            let kind = "a key of an elliptic curve of another kind";
            return Err(ImportError::OtherKind(kind.to_owned()));
        }
        _ => return Err(ImportError::Unreadable),
    }
    let key = PrivateKeyInfo::try_from(document.as_bytes()).map_err(|_| ImportError::Unreadable)?;
    let oid = key.algorithm.oid;
    if oid != ED25519 {
        let other = OTHERS.iter().find(|(other, _)| *other == oid);
        let name = other.map_or_else(|| format!("a key of {oid}"), |(_, name)| (*name).to_owned());
        return Err(ImportError::OtherKind(name));
    }
    // An octet string within: its tag, its length, the seed (RFC 8410, section 7).
    let (head, seed) = key
        .private_key
        .split_first_chunk::<2>()
        .ok_or(ImportError::Unreadable)?;
    if key.algorithm.parameters.is_some() || *head != [0x04, 0x20] {
        return Err(ImportError::Unreadable);
    }
    let seed = seed.try_into().map_err(|_| ImportError::Unreadable)?;
    let public = key.public_key.map(|public| {
        let exact: Result<[u8; 32], _> = public.try_into();
        exact.map_err(|_| ImportError::Mismatch)
    });
    Ok((SecretBytes::new(seed), public.transpose()?))
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    d: Option<String>,
    x: Option<String>,
    alg: Option<String>,
    r#use: Option<String>,
    key_ops: Option<Vec<String>>,
}

impl Drop for Jwk {
    fn drop(&mut self) {
        self.d.zeroize();
    }
}

fn read_jwk(text: &str) -> Result<Halves, ImportError> {
    let key: Jwk = serde_json::from_str(text).map_err(|_| ImportError::Unreadable)?;
    match (key.kty.as_str(), key.crv.as_deref()) {
        ("OKP", Some("Ed25519")) => {}
        (kty, crv) => {
            let name = crv.unwrap_or(kty);
            return Err(ImportError::OtherKind(format!("a key of type {name:?}")));
        }
    }
    if !matches!(key.alg.as_deref(), None | Some("EdDSA" | "Ed25519")) {
        return Err(ImportError::OtherUse("alg"));
    }
    if !matches!(key.r#use.as_deref(), None | Some("sig")) {
        return Err(ImportError::OtherUse("use"));
    }
    let signs = |operations: &Vec<String>| operations.iter().any(|one| one == "sign");
    if !key.key_ops.as_ref().is_none_or(signs) {
        return Err(ImportError::OtherUse("key_ops"));
    }
    let seed = key.d.as_deref().ok_or(ImportError::Public)?;
    // RFC 8037 wants the public half beside the private one.
    let public = key.x.as_deref().ok_or(ImportError::Mismatch)?;
    let (seed, public) = (half(seed)?, half(public)?);
    Ok((SecretBytes::new(*seed), Some(*public)))
}

fn half(text: &str) -> Result<Zeroizing<[u8; 32]>, ImportError> {
    let mut bytes = Zeroizing::new([0; 32]);
    let decoded = Base64UrlUnpadded::decode(text, bytes.as_mut_slice());
    match decoded.map(<[u8]>::len) {
        Ok(32) => Ok(bytes),
        Ok(_) | Err(_) => Err(ImportError::Unreadable),
    }
}

/// Bytes from their hexadecimal digits, which are known to be some.
const fn hex(digits: &[u8; 64]) -> [u8; 32] {
    const fn digit(character: u8) -> u8 {
        match character {
            b'0'..=b'9' => character.wrapping_sub(b'0'),
            _ => character.wrapping_sub(b'a').wrapping_add(10),
        }
    }
    let mut bytes = [0; 32];
    let mut rest: &[u8] = digits;
    let mut left: &mut [u8] = &mut bytes;
    while let ([high, low, tail @ ..], [byte, others @ ..]) = (rest, left) {
        *byte = (digit(*high) << 4) | digit(*low);
        rest = tail;
        left = others;
    }
    bytes
}

#[cfg(test)]
mod tests;
