//! A new master key: what the one before has sealed is sealed anew.
//!
//! Each value is opened and sealed on its own and put in place only where it is still what was read.
//! So it can be broken off and begun again, and two may be at it at once. What it is doesn't change:
//! processes that were given only the old master key go on with what they have opened
//! ([`super::Keyring::reopen`]).

use std::collections::BTreeMap;

use crate::audit::{Actor, Context};
use crate::issuer::Issuer;
use crate::ports::StoreResult;
use crate::signing::seal::Sealed;

/// How many values are sealed anew in one transaction.
const BATCH: u32 = 100;

/// A value as the store holds it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SealedValue {
    /// What it is.
    pub what: Sealed,
    /// Its name, which its seal covers.
    pub name: String,
    /// The master key it is sealed under.
    pub master_key: String,
    /// The value, sealed.
    pub sealed: Vec<u8>,
}

/// A value, and what takes its place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Resealed {
    /// What was read.
    pub before: SealedValue,
    /// The same, under another master key.
    pub after: SealedValue,
}

/// How it stands with the master keys.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ResealReport {
    /// How many values were sealed anew.
    pub resealed: u64,
    /// How many didn't open, and stay as they are.
    pub broken: u64,
    /// The master key that seals.
    pub current: String,
    /// How many values other master keys have sealed, by their ids.
    pub others: BTreeMap<String, u64>,
}

impl Issuer {
    /// Seals anew what is sealed under the previous master key, if there is one.
    ///
    /// # Errors
    /// When the store doesn't answer; what was done until then stays done.
    pub async fn reseal(&self, actor: Actor) -> StoreResult<ResealReport> {
        let current = self.master_keys.current().id().to_owned();
        let previous = self.master_keys.previous().map(|key| key.id().to_owned());
        let (mut resealed, mut broken): (u64, u64) = (0, 0);
        for previous in previous.iter().filter(|previous| **previous != current) {
            let context = Context::internal(self.now(), actor);
            loop {
                let values = self.store.sealed_under(previous, BATCH).await?;
                let read = values.len();
                let values: Vec<_> = values
                    .into_iter()
                    .filter_map(|value| self.sealed_anew(value))
                    .collect();
                let opened = values.len();
                let done = match opened {
                    0 => 0,
                    _ => self.store.reseal(&context, values).await?,
                };
                resealed = resealed.saturating_add(done);
                // Those that don't open are read again and again: no more than them is no progress.
                if done == 0 {
                    let left = read.saturating_sub(opened);
                    broken = u64::try_from(left).unwrap_or(u64::MAX);
                    break;
                }
            }
        }
        let mut others = self.store.sealed_values().await?;
        others.remove(&current);
        if resealed > 0 {
            self.reread_keys().await;
        }
        Ok(ResealReport {
            resealed,
            broken,
            current,
            others,
        })
    }

    fn sealed_anew(&self, before: SealedValue) -> Option<Resealed> {
        let SealedValue {
            what,
            name,
            master_key,
            sealed,
        } = &before;
        let plain = self
            .master_keys
            .open(*what, name, master_key, sealed)
            .ok()?;
        let sealed = self
            .master_keys
            .seal(*what, name, &plain, &*self.randomness)?;
        let after = SealedValue {
            what: *what,
            name: name.clone(),
            master_key: self.master_keys.current().id().to_owned(),
            sealed,
        };
        Some(Resealed { before, after })
    }
}
