//! What a store does once after it went back in time.

use async_trait::async_trait;

use super::StoreResult;
use crate::account::Account;
use crate::audit::Context;
use crate::signing::InitialKeys;

/// What was done to begin a new life, and what is left to people.
#[derive(Clone, Debug)]
pub struct NewLife {
    /// The epoch of the revocation feed from now on, above every one there ever was.
    pub feed_epoch: u64,
    /// How many sessions ended.
    pub sessions: u64,
    /// How many mailed tokens were voided.
    pub mailed_tokens: u64,
    /// How many messages will never be sent.
    pub mail: u64,
    /// Accounts that hold a role, by address: one that was taken from them may be back, or their
    /// suspension undone.
    pub review: Vec<Account>,
}

/// A store that may have gone back in time.
#[async_trait]
pub trait RecoveryStore: Send + Sync {
    /// Begins a new life after a restore: whatever the lost time knew of secrets is void. `keys`
    /// take the place of the incarnation and of every signing and MAC key; all sessions end; all
    /// mailed tokens and all mail that wasn't sent go; the epoch of the revocation feed becomes
    /// `context.now` in seconds, or one more than it is where that is higher (two restores of one
    /// backup must not share an epoch). Records `StoreRestored`.
    async fn begin_new_life(&self, context: &Context, keys: InitialKeys) -> StoreResult<NewLife>;
}
