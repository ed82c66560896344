//! The issuer's key set: a JWKS (RFC 7517) of which only Ed25519 keys for signatures are kept
//! (RFC 8037).
//!
//! A key that can't be used is left out and told of; its neighbours serve. What makes the whole set
//! doubtful (a kid twice, a private key, too much of everything) refuses all of it, so that the
//! last good set stays.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::base64url;
use crate::ed25519::VerifyingKey;
use crate::header::is_key_id;
use crate::json::{Limits, Value};

/// The largest key set, in bytes.
pub const LARGEST_KEY_SET: usize = 65_536;
/// The most keys of a set.
const MOST_KEYS: usize = 32;

/// Keys that tokens are checked with.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<(String, VerifyingKey)>,
}

/// A key set, and what was left out of it.
#[derive(Clone, Debug)]
pub struct LoadedKeySet {
    /// The keys that can be used; there may be none.
    pub key_set: KeySet,
    /// The keys that can't.
    pub left_out: Vec<LeftOutKey>,
}

/// A key that can't be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LeftOutKey {
    /// Its place in `keys`, from 0.
    pub position: usize,
    /// Its kid, if it has one that could be.
    pub kid: Option<String>,
    /// Why.
    pub fault: KeyFault,
}

/// Why a key can't be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyFault {
    /// It isn't a JSON object.
    NotAnObject,
    /// Its `kty` isn't `OKP` or its `crv` isn't `Ed25519`.
    OtherType,
    /// Its `use` isn't `sig`, or its `key_ops` lack `verify`.
    OtherUse,
    /// Its `alg` is another one.
    OtherAlgorithm,
    /// Its `kid` is missing or can't be one.
    BadKid,
    /// Its `x` isn't 32 bytes in canonical base64url.
    BadEncoding,
    /// Its `x` is no point, not canonical, or of small order.
    BadPoint,
}

/// Why a whole set is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeySetError {
    /// Over 64 KiB.
    TooLarge,
    /// Not a JSON object with an array of `keys`, or one with a member twice.
    Malformed,
    /// No key at all.
    Empty,
    /// More than 32 keys.
    TooManyKeys,
    /// Two keys of one kid.
    DuplicateKid,
    /// A private key: whoever published it must replace it.
    PrivateKey,
}

impl KeySet {
    /// Reads a key set.
    ///
    /// # Errors
    /// See [`KeySetError`].
    pub fn from_jwks(text: &[u8]) -> Result<LoadedKeySet, KeySetError> {
        if text.len() > LARGEST_KEY_SET {
            return Err(KeySetError::TooLarge);
        }
        let document = Value::parse(text, &Limits::DOCUMENT).map_err(|_| KeySetError::Malformed)?;
        let entries = document
            .get("keys")
            .and_then(Value::as_array)
            .ok_or(KeySetError::Malformed)?;
        check_entries(entries)?;
        let mut loaded = LoadedKeySet {
            key_set: Self::default(),
            left_out: Vec::new(),
        };
        for (position, entry) in entries.iter().enumerate() {
            match read_key(entry) {
                Ok(key) => loaded.key_set.keys.push(key),
                Err(fault) => loaded.left_out.push(LeftOutKey {
                    position,
                    kid: kid(entry).map(String::from),
                    fault,
                }),
            }
        }
        Ok(loaded)
    }

    /// Whether no key can be used.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The kids of the keys that can be used.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|(kid, _)| kid.as_str())
    }

    pub(crate) fn get(&self, kid: &str) -> Option<&VerifyingKey> {
        self.keys
            .iter()
            .find(|(candidate, _)| candidate == kid)
            .map(|(_, key)| key)
    }
}

/// What makes a whole set doubtful.
fn check_entries(entries: &[Value<'_>]) -> Result<(), KeySetError> {
    if entries.is_empty() {
        return Err(KeySetError::Empty);
    }
    if entries.len() > MOST_KEYS {
        return Err(KeySetError::TooManyKeys);
    }
    if entries.iter().any(|entry| entry.get("d").is_some()) {
        return Err(KeySetError::PrivateKey);
    }
    let mut kids: Vec<&str> = entries
        .iter()
        .filter_map(|entry| entry.get("kid").and_then(Value::as_str))
        .collect();
    kids.sort_unstable();
    if kids.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(KeySetError::DuplicateKid);
    }
    Ok(())
}

fn read_key(entry: &Value<'_>) -> Result<(String, VerifyingKey), KeyFault> {
    if !matches!(entry, Value::Object(_)) {
        return Err(KeyFault::NotAnObject);
    }
    let is = |name, wanted: &[&str]| {
        entry
            .get(name)
            .is_some_and(|value| value.as_str().is_some_and(|text| wanted.contains(&text)))
    };
    let absent_or = |name, wanted| entry.get(name).is_none() || is(name, wanted);
    if !is("kty", &["OKP"]) || !is("crv", &["Ed25519"]) {
        return Err(KeyFault::OtherType);
    }
    if !absent_or("use", &["sig"]) || !may_verify(entry) {
        return Err(KeyFault::OtherUse);
    }
    if !absent_or("alg", &["EdDSA", "Ed25519"]) {
        return Err(KeyFault::OtherAlgorithm);
    }
    let kid = kid(entry).ok_or(KeyFault::BadKid)?;
    let x = entry.get("x").and_then(Value::as_str);
    let x = base64url::decode(x.ok_or(KeyFault::BadEncoding)?.as_bytes());
    let x = x.map_err(|_| KeyFault::BadEncoding)?;
    let x = <[u8; 32]>::try_from(x).map_err(|_| KeyFault::BadEncoding)?;
    let key = VerifyingKey::from_bytes(x).ok_or(KeyFault::BadPoint)?;
    Ok((kid.into(), key))
}

fn kid<'a>(entry: &'a Value<'_>) -> Option<&'a str> {
    let kid = entry.get("kid").and_then(Value::as_str)?;
    is_key_id(kid).then_some(kid)
}

fn may_verify(entry: &Value<'_>) -> bool {
    entry.get("key_ops").is_none_or(|operations| {
        operations.as_array().is_some_and(|operations| {
            operations
                .iter()
                .any(|operation| operation.as_str() == Some("verify"))
        })
    })
}

impl KeyFault {
    /// The code in logs and test vectors.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotAnObject => "not_an_object",
            Self::OtherType => "other_type",
            Self::OtherUse => "other_use",
            Self::OtherAlgorithm => "other_alg",
            Self::BadKid => "bad_kid",
            Self::BadEncoding => "bad_encoding",
            Self::BadPoint => "bad_point",
        }
    }
}

impl KeySetError {
    /// The code in logs, metrics and test vectors.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Malformed => "malformed",
            Self::Empty => "empty",
            Self::TooManyKeys => "too_many_keys",
            Self::DuplicateKid => "dup_kid",
            Self::PrivateKey => "private_key",
        }
    }
}

impl fmt::Display for LeftOutKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kid {
            Some(kid) => write!(f, "key {kid}: {}", self.fault),
            None => write!(f, "key {}: {}", self.position, self.fault),
        }
    }
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAnObject => "not a JSON object",
            Self::OtherType => "not an Ed25519 key",
            Self::OtherUse => "not for checking signatures",
            Self::OtherAlgorithm => "for another algorithm",
            Self::BadKid => "kid missing, or not 1 to 64 of A-Z a-z 0-9 . _ ~ -",
            Self::BadEncoding => "x is not 32 bytes in base64url",
            Self::BadPoint => "x is not a point that keys may have",
        })
    }
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "over 64 KiB",
            Self::Malformed => "not a JSON object with an array of keys",
            Self::Empty => "no keys",
            Self::TooManyKeys => "more than 32 keys",
            Self::DuplicateKid => "two keys with the same kid",
            Self::PrivateKey => "a private key was published",
        })
    }
}

impl core::error::Error for KeySetError {}
