//! The issuer's key set: a JWKS (RFC 7517) of which only Ed25519 keys for signatures are kept
//! (RFC 8037).
//!
//! A key that can't be used is left out and told of; its neighbours serve. What makes the whole set
//! doubtful (a kid twice, a private key, too much of everything) refuses all of it, so that the
//! last good set stays.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

use sha2::{Digest as _, Sha256};

use crate::base64url;
use crate::ed25519::VerifyingKey;
use crate::json::{Checked, Limits, Object};
use crate::key_id::KeyId;

/// The largest key set, in bytes.
pub const LARGEST_KEY_SET: usize = 65_536;
/// The most keys of a set.
const MOST_KEYS: usize = 32;

/// Keys that tokens are checked with.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<(KeyId, VerifyingKey)>,
    fingerprint: u64,
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
    pub kid: Option<KeyId>,
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
        let entries = entries(text).ok_or(KeySetError::Malformed)?;
        check_entries(&entries)?;
        let mut loaded = LoadedKeySet {
            key_set: Self::default(),
            left_out: Vec::new(),
        };
        for (position, entry) in entries.iter().enumerate() {
            match read_key(entry.as_ref()) {
                Ok(key) => loaded.key_set.keys.push(key),
                Err(fault) => loaded.left_out.push(LeftOutKey {
                    position,
                    kid: entry.as_ref().and_then(key_id),
                    fault,
                }),
            }
        }
        loaded.key_set.fingerprint = fingerprint(&loaded.key_set.keys);
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

    /// Tells sets with other keys apart: the beginning of a hash of all kids and keys.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    pub(crate) fn get(&self, kid: &KeyId) -> Option<&VerifyingKey> {
        self.keys
            .iter()
            .find(|(candidate, _)| candidate == kid)
            .map(|(_, key)| key)
    }
}

/// Lengths are hashed as well, so that no two sets are the same bytes.
fn fingerprint(keys: &[(KeyId, VerifyingKey)]) -> u64 {
    let mut hash = Sha256::new();
    for (kid, key) in keys {
        let kid = kid.as_str();
        hash.update([u8::try_from(kid.len()).unwrap_or(u8::MAX)]);
        hash.update(kid);
        hash.update(key.as_bytes());
    }
    let hash: [u8; 32] = hash.finalize().into();
    let [a, b, c, d, e, f, g, h, ..] = hash;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// The entries of a key set, `None` in place of one that isn't an object; of too many, just enough
/// to tell.
fn entries(text: &[u8]) -> Option<Vec<Option<Object<'_>>>> {
    let document = Object::parse(text, &Limits::DOCUMENT).ok()?;
    let entries = document.get("keys")?.elements()?;
    let enough = MOST_KEYS.saturating_add(1);
    Some(entries.take(enough).map(Object::new).collect())
}

/// What makes a whole set doubtful.
fn check_entries(entries: &[Option<Object<'_>>]) -> Result<(), KeySetError> {
    if entries.is_empty() {
        return Err(KeySetError::Empty);
    }
    if entries.len() > MOST_KEYS {
        return Err(KeySetError::TooManyKeys);
    }
    let objects = || entries.iter().flatten();
    if objects().any(|entry| entry.get("d").is_some()) {
        return Err(KeySetError::PrivateKey);
    }
    let mut kids: Vec<Cow<'_, str>> = objects()
        .filter_map(|entry| entry.get("kid").and_then(Checked::as_str))
        .collect();
    kids.sort_unstable();
    if kids.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(KeySetError::DuplicateKid);
    }
    Ok(())
}

fn read_key(entry: Option<&Object<'_>>) -> Result<(KeyId, VerifyingKey), KeyFault> {
    let entry = entry.ok_or(KeyFault::NotAnObject)?;
    let text = |name| entry.get(name).and_then(Checked::as_str);
    let is = |name, wanted: &[&str]| text(name).is_some_and(|text| wanted.contains(&text.as_ref()));
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
    let kid = key_id(entry).ok_or(KeyFault::BadKid)?;
    let x = text("x").ok_or(KeyFault::BadEncoding)?;
    let x = base64url::decode(x.as_bytes()).map_err(|_| KeyFault::BadEncoding)?;
    let x = x.try_into().map_err(|_| KeyFault::BadEncoding)?;
    let key = VerifyingKey::from_bytes(x).ok_or(KeyFault::BadPoint)?;
    Ok((kid, key))
}

fn key_id(entry: &Object<'_>) -> Option<KeyId> {
    let kid = entry.get("kid")?.as_str()?;
    KeyId::parse(&kid)
}

fn may_verify(entry: &Object<'_>) -> bool {
    entry.get("key_ops").is_none_or(|operations| {
        let mut operations = operations.elements().into_iter().flatten();
        operations.any(|operation| operation.as_str().as_deref() == Some("verify"))
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
    /// The code in logs and test vectors.
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
