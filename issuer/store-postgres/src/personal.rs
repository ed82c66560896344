//! Everything about one person at once: read, or gone.

mod erase;
mod held;

use async_trait::async_trait;
use serde_json::json;
use signet_core::account::AccountId;
use signet_core::account::export::Held;
use signet_core::audit::{Action, Context};
use signet_core::email::EmailAddress;
use signet_core::limit::GuessKey;
use signet_core::ports::personal::{ErasureRight, Farewell, PersonalStore};
use signet_core::ports::{AdminRefusal, Ruled, StoreResult};

use crate::accounts::find;
use crate::db::PostgresStore;

#[async_trait]
impl PersonalStore for PostgresStore {
    async fn export(
        &self,
        context: &Context,
        id: AccountId,
        guesses: &(dyn for<'a> Fn(&'a EmailAddress) -> GuessKey + Send + Sync),
    ) -> StoreResult<Option<Held>> {
        self.attempt(|| async {
            let mut tx = self.write().await?;
            if find(&mut tx, id).await?.is_none() {
                return Ok(None);
            }
            tx.record(context.event(Action::AccountExported, Some(id), json!({})));
            tx.commit().await?;
            // A snapshot doesn't write: what is recorded is read by the next one.
            let mut tx = self.snapshot().await?;
            held::read(&mut tx, id, guesses).await
        })
        .await
    }

    async fn erase(
        &self,
        context: &Context,
        id: AccountId,
        right: &ErasureRight,
        farewell: &(dyn for<'a> Fn(&'a EmailAddress) -> Farewell + Send + Sync),
    ) -> Ruled<(), AdminRefusal> {
        self.attempt(|| self.erase_account(context, id, right, farewell))
            .await
    }
}
