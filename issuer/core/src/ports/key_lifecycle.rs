//! What a store does to keys: rotations, revocations, a new master key.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{Ruled, StoreResult};
use crate::audit::Context;
use crate::signing::life::{KeyChange, KeyChangeError, Plan};
use crate::signing::reseal::{Resealed, SealedValue};
use crate::signing::{KeyStock, KeysVersion, SealedSecret};

/// The lives of keys.
#[async_trait]
pub trait KeyLifecycle: Send + Sync {
    /// Which keys it holds. Asked every second by every process, so it is one small read.
    async fn keys_version(&self) -> StoreResult<KeysVersion>;

    /// All it knows of keys, at one moment.
    async fn key_stock(&self) -> StoreResult<KeyStock>;

    /// Carries out [`KeyChange::plan`], one process at a time, with what it holds then; the actor
    /// must hold `keys:write`. Records what the plan says, and draws another version where there was
    /// anything to do.
    async fn change_keys(
        &self,
        context: &Context,
        change: &KeyChange<'_>,
    ) -> Ruled<Plan, KeyChangeError>;

    /// Notes that the tokens which a key signs live for `seconds`, unless it knows of longer ones. Draws
    /// another version where that is news. Nothing, where there is no such key.
    async fn note_token_life(&self, kid: &str, seconds: u64) -> StoreResult<()>;

    /// Keeps those of the secrets whose names it doesn't have, and answers all it has then: of many
    /// that start at once, all have the same.
    async fn keep_secrets(&self, secrets: Vec<SealedSecret>) -> StoreResult<Vec<SealedSecret>>;

    /// How many values are sealed under which master key.
    async fn sealed_values(&self) -> StoreResult<BTreeMap<String, u64>>;

    /// Up to `limit` values that are sealed under a master key: first keys and secrets, then mail.
    async fn sealed_under(&self, master_key: &str, limit: u32) -> StoreResult<Vec<SealedValue>>;

    /// Puts values in the place of those they were sealed anew from, as far as those are there still
    /// as they were; answers how many. Records `KeysResealed` with how many of each kind, if any, and
    /// draws another version where there were others than mail.
    async fn reseal(&self, context: &Context, values: Vec<Resealed>) -> StoreResult<u64>;
}
