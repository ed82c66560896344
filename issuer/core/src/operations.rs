//! What an operator is shown, and what the trail is told of the service itself.

use crate::audit::{Actor, Context};
use crate::issuer::Issuer;
use crate::ports::StoreResult;
use crate::ports::operations::{Health, OutboxCounts, Part};

impl Issuer {
    /// How many messages are in the outbox, and since when.
    ///
    /// # Errors
    /// When the store doesn't answer.
    pub async fn outbox_counts(&self) -> StoreResult<OutboxCounts> {
        self.store.outbox_counts(self.now()).await
    }

    /// Keeps in the trail that a part of this process fails, or does its work again.
    ///
    /// # Errors
    /// When the store doesn't answer.
    pub async fn note_health(&self, part: Part, health: Health) -> StoreResult<()> {
        let context = Context::internal(self.now(), Actor::System);
        self.store.note_health(&context, part, health).await
    }
}
