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
use crate::audit::record;
use crate::db::SqliteStore;

#[async_trait]
impl PersonalStore for SqliteStore {
    async fn export(
        &self,
        context: &Context,
        id: AccountId,
        guesses: &(dyn for<'a> Fn(&'a EmailAddress) -> GuessKey + Send + Sync),
    ) -> StoreResult<Option<Held>> {
        let mut tx = self.write().await?;
        if find(&mut tx, id).await?.is_none() {
            return tx.leave(None).await;
        }
        let event = context.event(Action::AccountExported, Some(id), json!({}));
        record(&mut tx, event).await?;
        tx.commit().await?;
        // Others go on writing while it is read.
        let mut tx = self.snapshot().await?;
        held::read(&mut tx, id, guesses).await
    }

    async fn erase(
        &self,
        context: &Context,
        id: AccountId,
        right: &ErasureRight,
        farewell: &(dyn for<'a> Fn(&'a EmailAddress) -> Farewell + Send + Sync),
    ) -> Ruled<(), AdminRefusal> {
        self.erase_account(context, id, right, farewell).await
    }
}
