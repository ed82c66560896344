//! What can be wrong with a key set, or with one key of it.

use core::fmt;

use crate::key_id::KeyId;

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
