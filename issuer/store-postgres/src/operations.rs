//! What an operator is shown.

use async_trait::async_trait;
use serde_json::json;
use signet_core::audit::Context;
use signet_core::ports::StoreResult;
use signet_core::ports::operations::{Health, OperationsStore, OutboxCounts, Part};
use signet_core::time::UnixTime;

use crate::db::{PostgresStore, db};
use crate::rows::{seconds, time, unsigned};

#[async_trait]
impl OperationsStore for PostgresStore {
    async fn outbox_counts(&self, now: UnixTime) -> StoreResult<OutboxCounts> {
        self.attempt(|| async {
            let mut tx = self.snapshot().await?;
            let row = sqlx::query!(
                r#"SELECT count(*) FILTER (WHERE abandoned_at IS NULL AND due_at <= $1) AS "due!",
                          count(*) FILTER (WHERE abandoned_at IS NULL AND due_at > $1) AS "waiting!",
                          count(*) FILTER (WHERE abandoned_at IS NOT NULL) AS "dead!",
                          min(created_at) FILTER (WHERE abandoned_at IS NULL) AS oldest
                   FROM outbox"#,
                seconds(now)
            )
            .fetch_one(&mut tx)
            .await
            .map_err(db)?;
            Ok(OutboxCounts {
                due: unsigned(row.due)?,
                waiting: unsigned(row.waiting)?,
                dead: unsigned(row.dead)?,
                oldest: row.oldest.map(time),
            })
        })
        .await
    }

    async fn note_health(&self, context: &Context, part: Part, health: Health) -> StoreResult<()> {
        self.attempt(|| async {
            let mut tx = self.write().await?;
            let detail = json!({ "part": part.as_str() });
            tx.record(context.event(health.action(), None, detail));
            tx.commit().await
        })
        .await
    }
}
