//! Going back in time. A restored database has forgotten what happened since: sessions that ended,
//! tokens that were used, passwords that were changed because somebody else knew them. Nothing can
//! bring that back, so everything that could profit from it ends: docs/BACKUP.md.

use crate::audit::{Actor, Context};
use crate::ports::recovery::NewLife;
use crate::ports::{Store, StoreError};
use crate::secret::Randomness;
use crate::signing::keyring::{KeyringError, initial_keys};
use crate::signing::seal::MasterKeys;
use crate::time::UnixTime;

/// Why no new life began; the store is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// The store doesn't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Keys can't be made.
    #[error(transparent)]
    Keys(#[from] KeyringError),
}

/// Gives the store new keys and a new incarnation, and voids what the old ones vouched for.
///
/// # Errors
/// When keys can't be made, or the store doesn't answer.
pub async fn begin_new_life(
    store: &dyn Store,
    now: UnixTime,
    master_keys: &MasterKeys,
    randomness: &dyn Randomness,
) -> Result<NewLife, RecoveryError> {
    let keys = initial_keys(now, master_keys, randomness)?;
    let context = Context::internal(now, Actor::Operator);
    Ok(store.begin_new_life(&context, keys).await?)
}
