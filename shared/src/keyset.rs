//! The issuer's key set: a JWKS (RFC 7517) of which only Ed25519 keys for signatures are kept
//! (RFC 8037).
//!
//! A key that can't be used is left out and told of; its neighbours serve. What makes the whole set
//! doubtful (a kid twice, a private key, too much of everything) refuses all of it, so that the
//! last good set stays.
//!
//! Hosts fetch the set again and again, and its keys rarely change. So a new set [inherits] what
//! the old one has learnt of the keys that stay.
//!
//! [inherits]: KeySet::inherit

mod fault;
mod jwks;

use alloc::sync::Arc;
use alloc::vec::Vec;

use sha2::{Digest as _, Sha256};

use crate::ed25519::VerifyingKey;
use crate::key_id::KeyId;

pub use fault::{KeyFault, KeySetError, LeftOutKey};

/// The largest key set, in bytes.
pub const LARGEST_KEY_SET: usize = 65_536;

/// Keys that tokens are checked with. A clone shares them, and their tables.
#[derive(Clone, Debug)]
pub struct KeySet {
    keys: Vec<Arc<Key>>,
    fingerprint: u64,
    #[cfg(feature = "tables")]
    tables: Tables,
}

/// When a key is given the table with which it checks a signature in half the time.
///
/// A table takes 380 kB, and as long to build as a dozen checks without one; beside those of the keys
/// there is one of 640 kB for all of them. Verdicts are the same with and without.
#[cfg(feature = "tables")]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Tables {
    /// At the key's sixteenth use, so that a host that lives for one token pays nothing.
    #[default]
    AfterUses,
    /// At once.
    Eager,
    /// Never: for a host with little memory.
    Never,
}

/// A key set, and what was left out of it.
#[derive(Clone, Debug)]
pub struct LoadedKeySet {
    /// The keys that can be used; there may be none.
    pub key_set: KeySet,
    /// The keys that can't.
    pub left_out: Vec<LeftOutKey>,
}

/// A key and its name.
#[derive(Debug)]
struct Key {
    kid: KeyId,
    verifying: VerifyingKey,
}

impl KeySet {
    /// Reads a key set.
    ///
    /// # Errors
    /// See [`KeySetError`].
    pub fn from_jwks(text: &[u8]) -> Result<LoadedKeySet, KeySetError> {
        let (keys, left_out) = jwks::read(text)?;
        Ok(LoadedKeySet {
            key_set: Self::new(keys),
            left_out,
        })
    }

    fn new(keys: Vec<Key>) -> Self {
        Self {
            fingerprint: fingerprint(&keys),
            keys: keys.into_iter().map(Arc::new).collect(),
            #[cfg(feature = "tables")]
            tables: Tables::default(),
        }
    }

    /// Whether no key can be used.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The kids of the keys that can be used.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.kid.as_str())
    }

    /// The same number for the same kids and keys, in whatever order; another for any others: the
    /// beginning of a SHA-256. What was checked with a set of this number needs no other check with
    /// one that has it as well.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Takes over from the set that this one replaces: of keys that stay, how often they were used,
    /// and their tables; and when keys are given a table.
    pub fn inherit(&mut self, older: &Self) {
        for key in &mut self.keys {
            let same = older.keys.iter().find(|other| other.is_same_as(key));
            if let Some(same) = same {
                *key = Arc::clone(same);
            }
        }
        #[cfg(feature = "tables")]
        self.choose_tables(older.tables);
    }

    pub(crate) fn get(&self, kid: &KeyId) -> Option<&VerifyingKey> {
        let key = self.keys.iter().find(|key| key.kid == *kid)?;
        Some(&key.verifying)
    }

    /// Whether that is `key`'s signature of `message`. Only a good one is a use of the key, or anyone
    /// could have its table built.
    pub(crate) fn verifies(
        &self,
        key: &VerifyingKey,
        message: &[u8],
        signature: &[u8; 64],
    ) -> bool {
        let is_good = key.verifies(message, signature);
        #[cfg(feature = "tables")]
        if is_good && self.tables == Tables::AfterUses {
            key.count_use();
        }
        is_good
    }
}

#[cfg(feature = "tables")]
impl KeySet {
    /// Says when keys are given a table. Those that have one keep it.
    #[must_use]
    pub fn with_tables(mut self, tables: Tables) -> Self {
        self.choose_tables(tables);
        self
    }

    /// How many keys have a table.
    #[must_use]
    pub fn tables_built(&self) -> usize {
        let is_prepared = |key: &&Arc<Key>| key.verifying.is_prepared();
        self.keys.iter().filter(is_prepared).count()
    }

    fn choose_tables(&mut self, tables: Tables) {
        self.tables = tables;
        if tables == Tables::Eager {
            self.keys.iter().for_each(|key| key.verifying.prepare());
        }
    }
}

impl Default for KeySet {
    /// The set without keys.
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Key {
    fn is_same_as(&self, other: &Self) -> bool {
        self.kid == other.kid && self.verifying.as_bytes() == other.verifying.as_bytes()
    }
}

/// No kid has a line feed in it, and every key is as long as the other, so no two lists hash the
/// same text.
fn fingerprint(keys: &[Key]) -> u64 {
    let mut sorted: Vec<&Key> = keys.iter().collect();
    sorted.sort_unstable_by_key(|key| key.kid.as_str());
    let mut hash = Sha256::new();
    for key in sorted {
        hash.update(key.kid.as_str());
        hash.update(b"\n");
        hash.update(key.verifying.as_bytes());
    }
    let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(hash.finalize());
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}
