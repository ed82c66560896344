//! What becomes of which key when.
//!
//! A signing key is published (`next`), signs (`active`), is published still while tokens it signed
//! may be in use (`retired`), and is removed. A store asks for a [`Plan`] under its lock, with what
//! it holds there, and carries it out: so whoever comes second finds it done, and N replicas rotate
//! once.
//!
//! To add a change, add a [`Wish`] and say in a function here which [`Step`]s it takes. A step of a
//! new kind is a statement in every store.

mod plan;
#[cfg(test)]
mod tests;

use signet_verifier::Leeway;

use super::keyring::KeyringError;
use super::seal::MasterKeys;
use super::{KeyState, SealedMacKey, SealedSigningKey, StoredKeys};
use crate::secret::{Randomness, SecretBytes};
use crate::session::RefreshPolicy;
use crate::time::{UnixTime, readable};

pub use plan::{Plan, Step};

/// How long a key is refused after it was revoked: longer than any edge keeps keys of an issuer that
/// it can't ask, in seconds.
pub const REFUSED: u64 = 30 * DAY;

const DAY: u64 = 86_400;
/// For how many seconds after its time some verifier may still take a token: clocks of issuers that
/// differ by a minute, the clock of a verifier that is behind by another, and the most that verifiers
/// grant on top. The ten seconds that a process may go on with keys it has read lie within.
pub const SKEW: u64 = 120 + Leeway::MOST.as_secs();

/// How long a key is what, in seconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyTimes {
    /// Published before it signs: verifiers have fetched it by then.
    pub published: u64,
    /// Signing, before another takes its place.
    pub signs: u64,
    /// Published after it stopped: its last token has expired by then. It is longer where the key
    /// has signed for somebody whose tokens live longer.
    pub outlives: u64,
    /// Known to all processes before it makes refresh tokens.
    pub mac_spreads: u64,
    /// Making refresh tokens, before another takes its place.
    pub mac_signs: u64,
    /// Checking refresh tokens after it made the last: its session is over by then.
    pub mac_outlives: u64,
}

impl KeyTimes {
    /// The times that follow from how long tokens and sessions live.
    #[must_use]
    pub fn new(access_seconds: u64, refresh: &RefreshPolicy) -> Self {
        Self {
            published: 900,
            signs: 30 * DAY,
            outlives: access_seconds.saturating_add(SKEW),
            mac_spreads: 60,
            mac_signs: 30 * DAY,
            mac_outlives: refresh.absolute.saturating_add(SKEW),
        }
    }

    /// From when on a published key may sign.
    #[must_use]
    pub fn may_sign_from(&self, key: &SealedSigningKey) -> UnixTime {
        key.created_at.saturating_add(self.published)
    }

    /// When a retired key is removed.
    #[must_use]
    pub fn removed_at(&self, key: &SealedSigningKey) -> UnixTime {
        let stopped = key.retired_at.unwrap_or_else(|| key.signs_since());
        let last = key.token_life.saturating_add(SKEW);
        stopped.saturating_add(self.outlives.max(last))
    }
}

/// How a key is taken away.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Revocation {
    /// It signs no more; what it signed is good until it expires.
    Orderly,
    /// It is published no more, and what it signed is refused.
    Now,
}

/// What is wanted of the keys.
#[derive(Clone, Copy, Debug)]
pub enum Wish<'a> {
    /// What time asks for.
    Upkeep,
    /// The published key signs, if it was published for long enough.
    Rotate,
    /// A key goes.
    Revoke {
        /// Which.
        kid: &'a str,
        /// How.
        how: Revocation,
    },
    /// The key of this seed is published and will sign.
    Import(&'a SecretBytes<32>),
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum KeyChangeError {
    /// The actor's own account is gone, suspended, or lacks the permission.
    #[error("the actor may not do this")]
    Forbidden,
    /// There is no such key, and never was.
    #[error("there is no key {0}")]
    Unknown(String),
    /// Verifiers may not have fetched the key that is to sign.
    #[error(
        "the key {kid} was published too short a time ago: verifiers may not know it before {}, \
         which is when it may sign",
        readable(*signs_from)
    )]
    TooYoung {
        /// The key that will sign.
        kid: String,
        /// From when on it may.
        signs_from: UnixTime,
    },
    /// No key is published that could sign.
    #[error("no key is published yet that could take over; an issuer that runs publishes one")]
    NoNext,
    /// It stopped already.
    #[error(
        "the key {kid} has stopped signing; it is published until {}, while tokens it signed may \
         be in use",
        readable(*removed_at)
    )]
    Retired {
        /// The key.
        kid: String,
        /// When it goes by itself.
        removed_at: UnixTime,
    },
    /// It isn't published any more.
    #[error("the key {0} was removed already")]
    Removed(String),
    /// It is refused already.
    #[error("the key {0} was revoked already")]
    Revoked(String),
    /// It is here.
    #[error("the key {0} is here already")]
    Exists(String),
    /// It was here once, and went.
    #[error("the key {0} was here before and was removed; a key that went never comes back")]
    WasHere(String),
    /// A key could not be made.
    #[error(transparent)]
    Keys(#[from] KeyringError),
}

/// A wish, and all that it takes to fulfil it.
#[derive(Clone, Copy)]
pub struct KeyChange<'a> {
    /// What is wanted.
    pub wish: Wish<'a>,
    /// How long a key is what.
    pub times: KeyTimes,
    /// What new keys are sealed under.
    pub master_keys: &'a MasterKeys,
    /// What new keys are made of.
    pub randomness: &'a dyn Randomness,
}

/// What time asks for at some moment, in the order in which it is done.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Due {
    /// The published key takes over.
    rotation: bool,
    /// No key is published that will sign.
    publication: bool,
    /// Retired keys that may go.
    removals: Vec<String>,
    /// Another key is to make refresh tokens.
    mac: bool,
    /// Keys of refresh tokens that may go.
    mac_removals: Vec<u32>,
}

impl KeyTimes {
    fn due(&self, keys: &StoredKeys, now: UnixTime) -> Due {
        let is_over = |since: UnixTime, time: u64| since.saturating_add(time) <= now;
        let retired = keys
            .signing
            .iter()
            .filter(|key| key.state == KeyState::Retired);
        let newest_mac = keys.mac.iter().max_by_key(|key| key.id);
        Due {
            rotation: matches!((keys.active(), keys.next()), (Some(active), Some(next))
                if is_over(active.signs_since(), self.signs) && self.may_sign_from(next) <= now),
            publication: keys.next().is_none(),
            removals: retired
                .filter(|key| self.removed_at(key) <= now)
                .map(|key| key.kid.clone())
                .collect(),
            mac: newest_mac.is_some_and(|key| is_over(key.signs_from, self.mac_signs)),
            mac_removals: replaced(&keys.mac)
                .filter(|(_, successor)| is_over(successor.signs_from, self.mac_outlives))
                .map(|(key, _)| key.id)
                .collect(),
        }
    }

    /// Whether time asks for anything.
    #[must_use]
    pub fn asks(&self, keys: &StoredKeys, now: UnixTime) -> bool {
        self.due(keys, now) != Due::default()
    }
}

/// MAC keys that another one followed, each with that one.
fn replaced(mac: &[SealedMacKey]) -> impl Iterator<Item = (&SealedMacKey, &SealedMacKey)> {
    mac.iter().filter_map(|key| {
        let later = mac.iter().filter(|other| other.id > key.id);
        Some((key, later.min_by_key(|other| other.id)?))
    })
}
