//! Passwords: what one may be, how it is hashed, how it is replaced.

pub mod change;
pub mod hasher;
pub mod policy;
pub mod pool;
pub mod reset;

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// The longest password, in code points after NFC.
pub const LONGEST: usize = 256;

/// A password as somebody typed it, in NFC; the only transformation there is.
#[derive(Clone, Eq, PartialEq)]
pub struct Password(Zeroizing<String>);

/// A password that is too long to be looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("must be at most 256 characters")]
pub struct PasswordTooLong;

impl Password {
    /// Takes a password to check against a hash, or to hold against the policy.
    ///
    /// # Errors
    /// When it is longer than [`LONGEST`].
    pub fn new(typed: Zeroizing<String>) -> Result<Self, PasswordTooLong> {
        let normalised: Zeroizing<String> = Zeroizing::new(typed.nfc().collect());
        if normalised.chars().count() > LONGEST {
            return Err(PasswordTooLong);
        }
        Ok(Self(normalised))
    }

    /// The password, for the hash and the policy.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// A password's hash with its algorithm and parameters: a PHC string, or bcrypt's own format.
#[derive(Clone, Eq, PartialEq)]
pub struct PasswordHash(Zeroizing<String>);

impl PasswordHash {
    /// Takes what a hasher made or a store kept.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text a store keeps.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}
