//! The issuer's keys: sealed in the store, opened in memory, used to mint access tokens.

pub mod access_token;
pub mod keyring;
pub mod seal;

use crate::time::UnixTime;

pub use keyring::Keyring;

/// A stage in the life of a signing key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyState {
    /// Published, and will sign.
    Next,
    /// Signs.
    Active,
    /// Published, no longer signs.
    Retired,
}

impl KeyState {
    /// The name in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }

    /// Reads [`KeyState::as_str`] back.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Next, Self::Active, Self::Retired]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// An Ed25519 signing key as the store holds it.
#[derive(Clone, Debug)]
pub struct SealedSigningKey {
    /// Its RFC 7638 thumbprint.
    pub kid: String,
    /// The public key.
    pub public: [u8; 32],
    /// The seed, sealed.
    pub sealed: Vec<u8>,
    /// The master key it is sealed under.
    pub master_key: String,
    /// Where it is in its life.
    pub state: KeyState,
    /// When it was made.
    pub created_at: UnixTime,
}

/// A MAC key of refresh tokens as the store holds it.
#[derive(Clone, Debug)]
pub struct SealedMacKey {
    /// Its number.
    pub id: u32,
    /// The key, sealed.
    pub sealed: Vec<u8>,
    /// The master key it is sealed under.
    pub master_key: String,
    /// When it was made.
    pub created_at: UnixTime,
}

/// What an empty store is given.
#[derive(Clone, Debug)]
pub struct InitialKeys {
    /// 16 random bytes that tell this life of the store from any other.
    pub incarnation: [u8; 16],
    /// The first signing key.
    pub signing: SealedSigningKey,
    /// The first MAC key.
    pub mac: SealedMacKey,
}

/// The keys a store holds.
#[derive(Clone, Debug)]
pub struct StoredKeys {
    /// Tells this life of the store from any other.
    pub incarnation: [u8; 16],
    /// Signing keys that are published.
    pub signing: Vec<SealedSigningKey>,
    /// MAC keys, newest first.
    pub mac: Vec<SealedMacKey>,
}
