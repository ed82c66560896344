//! What an operator is shown.

use async_trait::async_trait;
use serde_json::json;
use signet_core::audit::Context;
use signet_core::ports::StoreResult;
use signet_core::ports::operations::{Health, OperationsStore, OutboxCounts, Part};
use signet_core::time::UnixTime;

use crate::audit::record;
use crate::db::{SqliteStore, db};
use crate::rows::{seconds, time, unsigned};

#[async_trait]
impl OperationsStore for SqliteStore {
    async fn outbox_counts(&self, now: UnixTime) -> StoreResult<OutboxCounts> {
        let at = seconds(now);
        let row = sqlx::query!(
            r#"SELECT count(*) FILTER (WHERE abandoned_at IS NULL AND due_at <= ?1) AS "due!: i64",
                      count(*) FILTER (WHERE abandoned_at IS NULL AND due_at > ?1) AS "waiting!: i64",
                      count(*) FILTER (WHERE abandoned_at IS NOT NULL) AS "dead!: i64",
                      min(created_at) FILTER (WHERE abandoned_at IS NULL) AS "oldest?: i64"
               FROM outbox"#,
            at
        )
        .fetch_one(&self.readers)
        .await
        .map_err(db)?;
        Ok(OutboxCounts {
            due: unsigned(row.due)?,
            waiting: unsigned(row.waiting)?,
            dead: unsigned(row.dead)?,
            oldest: row.oldest.map(time),
        })
    }

    async fn note_health(&self, context: &Context, part: Part, health: Health) -> StoreResult<()> {
        let mut tx = self.write().await?;
        let detail = json!({ "part": part.as_str() });
        record(&mut tx, context.event(health.action(), None, detail)).await?;
        tx.commit().await
    }
}
