//! The issuer's keys: sealed in the store, opened in memory, used to mint access tokens.
//!
//! # The life of a key
//!
//! [`life`] says what becomes of which key when, as a plan that a store carries out under its lock
//! ([`crate::ports::key_lifecycle`]). What has been carried out shows in the store's
//! [`KeysVersion`]; [`in_use`] asks for it every second and opens the keys anew where it changed:
//! [`keyring`] for what signs, [`secrets`] for what values are derived from. [`admin`] is what
//! people do to keys, [`import`] reads those they bring along, and [`reseal`] puts everything under
//! a new master key. docs/KEYS.md tells it all to operators.
//!
//! To add something that signs, take [`in_use`]'s keyring for it, which says no once it is too old,
//! and [`Keyring::sign`]. To add a secret that values are derived from, add its
//! [`secrets::SecretPurpose`].

pub mod access_token;
pub mod admin;
pub mod import;
pub mod in_use;
pub mod keyring;
pub mod life;
pub mod reseal;
pub mod seal;
pub mod secrets;

use crate::names::names;
use crate::time::UnixTime;

pub use keyring::Keyring;

names! {
    /// A stage in the life of a signing key; so called in the store.
    pub enum KeyState {
        /// Published, and will sign.
        Next = "next",
        /// Signs.
        Active = "active",
        /// Published, no longer signs.
        Retired = "retired",
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
    /// When it was published.
    pub created_at: UnixTime,
    /// When it began to sign, if it has.
    pub activated_at: Option<UnixTime>,
    /// When it stopped.
    pub retired_at: Option<UnixTime>,
    /// For how long the tokens live that it signs, at most, in seconds; 0 before it signs.
    pub token_life: u64,
}

impl SealedSigningKey {
    /// Since when it signs. One that a release made which kept no such time, since it is there.
    #[must_use]
    pub fn signs_since(&self) -> UnixTime {
        self.activated_at.unwrap_or(self.created_at)
    }
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
    /// From when on it makes tokens.
    pub signs_from: UnixTime,
}

/// A secret that values are derived from, as the store holds it.
#[derive(Clone, Debug)]
pub struct SealedSecret {
    /// What it is for: [`secrets::SecretPurpose::as_str`].
    pub name: String,
    /// The secret, sealed.
    pub sealed: Vec<u8>,
    /// The master key it is sealed under.
    pub master_key: String,
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
    /// What values are derived from.
    pub secrets: Vec<SealedSecret>,
}

/// Which keys a store holds. Another version may be other keys; the same never is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeysVersion {
    /// Tells this life of the store from any other.
    pub incarnation: [u8; 16],
    /// Drawn anew for each change, so that it never comes again after the store went back in time.
    pub drawn: i64,
}

/// The keys a store holds.
#[derive(Clone, Debug)]
pub struct StoredKeys {
    /// Tells this life of the store from any other.
    pub incarnation: [u8; 16],
    /// Which keys these are.
    pub version: i64,
    /// Signing keys that are published, by when they were.
    pub signing: Vec<SealedSigningKey>,
    /// MAC keys, newest first.
    pub mac: Vec<SealedMacKey>,
    /// What values are derived from; none, where a release made the store that had none.
    pub secrets: Vec<SealedSecret>,
}

impl StoredKeys {
    /// Which keys these are.
    #[must_use]
    pub fn version(&self) -> KeysVersion {
        KeysVersion {
            incarnation: self.incarnation,
            drawn: self.version,
        }
    }

    /// The key that signs.
    #[must_use]
    pub fn active(&self) -> Option<&SealedSigningKey> {
        self.in_state(KeyState::Active)
    }

    /// The key that will sign.
    #[must_use]
    pub fn next(&self) -> Option<&SealedSigningKey> {
        self.in_state(KeyState::Next)
    }

    fn in_state(&self, state: KeyState) -> Option<&SealedSigningKey> {
        self.signing.iter().find(|key| key.state == state)
    }

    /// For how long the tokens of a key live, at most, in seconds.
    pub(crate) fn token_life(&self, kid: &str) -> u64 {
        let key = self.signing.iter().find(|key| key.kid == kid);
        key.map_or(0, |key| key.token_life)
    }
}

/// A signing key that was here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RemovedKey {
    /// Its RFC 7638 thumbprint.
    pub kid: String,
    /// When it was published.
    pub created_at: UnixTime,
    /// When it began to sign, if it ever did.
    pub activated_at: Option<UnixTime>,
    /// When it stopped, if it did before it was removed.
    pub retired_at: Option<UnixTime>,
    /// When it was removed.
    pub removed_at: UnixTime,
}

/// From when until when nobody may take the tokens of a signing key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RefusalPeriod {
    /// The key's RFC 7638 thumbprint.
    pub kid: String,
    /// Since when.
    pub refused_at: UnixTime,
    /// Until nobody has the key any more.
    pub refused_until: UnixTime,
}

/// All a store knows of keys, those that are gone as well.
#[derive(Clone, Debug)]
pub struct KeyStock {
    /// The keys it holds.
    pub keys: StoredKeys,
    /// Those that were removed, by when they were.
    pub removed: Vec<RemovedKey>,
    /// Those whose tokens are refused, and until when.
    pub refused: Vec<RefusalPeriod>,
}
