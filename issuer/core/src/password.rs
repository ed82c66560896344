//! Passwords: what one may be, how it is hashed, how it is replaced.

pub mod change;
pub mod hasher;
pub mod known;
pub mod new;
pub mod policy;
pub mod pool;
pub mod reset;

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use self::hasher::StoredHash;
use self::hasher::stored::HashFault;

/// The longest password, in code points after NFC.
pub const LONGEST: usize = 256;

/// A password as somebody typed it. What counts is its NFC; the only transformation there is.
#[derive(Clone, Eq, PartialEq)]
pub struct Password {
    normalised: Zeroizing<String>,
    /// `None` where it was sent in NFC.
    sent: Option<Zeroizing<String>>,
}

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
        let sent = (*normalised != *typed).then_some(typed);
        Ok(Self { normalised, sent })
    }

    /// The password in NFC, for the hash and the policy.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.normalised
    }

    /// The password as it was sent, for the hash of a system that may not have normalised it.
    #[must_use]
    pub fn as_sent(&self) -> &str {
        self.sent.as_ref().unwrap_or(&self.normalised)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// Stands before a hash that another system made.
const BROUGHT_ALONG: &str = "imported:";
/// Stands for the hash of an account without a password.
const NONE: &str = "none";

/// A password's hash with its algorithm and parameters: a PHC string, or bcrypt's own format.
#[derive(Clone, Eq, PartialEq)]
pub struct PasswordHash(Zeroizing<String>);

impl PasswordHash {
    /// Takes what a hasher made or a store kept.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Takes what another system made, of a password as it was typed there.
    ///
    /// # Errors
    /// When it can't be read, or asks for too much work.
    pub fn from_elsewhere(text: &str) -> Result<Self, HashFault> {
        let hash = Self::from_stored(format!("{BROUGHT_ALONG}{text}"));
        StoredHash::read(&hash).map(|_| hash)
    }

    /// Stands for no password at all: nothing matches it. A reset replaces it.
    #[must_use]
    pub fn none() -> Self {
        Self::from_stored(NONE.to_owned())
    }

    /// Whether there is no password.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self.0 == NONE
    }

    /// What it was made with, for people to read; `None` where there is no password.
    #[must_use]
    pub fn algorithm(&self) -> Option<&'static str> {
        let text = self.0.strip_prefix(BROUGHT_ALONG).unwrap_or(&self.0);
        let name = text.trim_start_matches('$');
        if self.is_none() {
            None
        } else if name.starts_with("argon2") {
            Some("argon2")
        } else if name.starts_with("pbkdf2") {
            Some("pbkdf2")
        } else if name.starts_with('2') {
            Some("bcrypt")
        } else {
            Some("another")
        }
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
