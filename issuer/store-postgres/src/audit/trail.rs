//! Reading the trail as people do.

use async_trait::async_trait;
use serde_json::json;
use signet_core::audit::read::{TrailFilter, TrailPage};
use signet_core::audit::verification::TrailHead;
use signet_core::audit::{Action, Context, Recorded};
use signet_core::ports::StoreResult;
use signet_core::ports::trail::TrailStore;

use super::{TrailRow, append, head};
use crate::db::{PostgresStore, db};
use crate::rows::{seconds, signed};

#[async_trait]
impl TrailStore for PostgresStore {
    async fn trail(
        &self,
        filter: &TrailFilter,
        before: Option<u64>,
        limit: u32,
    ) -> StoreResult<TrailPage> {
        self.attempt(|| async {
            let mut tx = self.snapshot().await?;
            let rows = select_rows!(
                "($1::text IS NULL OR actor = $1) AND ($2::text IS NULL OR subject = $2)
                     AND ($3::text IS NULL OR action = $3)
                     AND ($4::bigint IS NULL OR at >= $4) AND ($5::bigint IS NULL OR at < $5)
                     AND ($6::bigint IS NULL OR audit.sequence < $6)
                 ORDER BY audit.sequence DESC LIMIT $7",
                filter.actor.as_deref(),
                filter.subject.map(|id| id.to_string()),
                filter.action.as_deref(),
                filter.from.map(seconds),
                filter.until.map(seconds),
                before.map(signed),
                i64::from(limit)
            )
            .fetch_all(&mut tx)
            .await
            .map_err(db)?;
            let rows = rows.into_iter().map(Recorded::try_from);
            Ok(TrailPage {
                rows: rows.collect::<StoreResult<_>>()?,
                head: head(&mut tx).await?,
            })
        })
        .await
    }

    async fn record_trail_export(&self, context: &Context) -> StoreResult<TrailHead> {
        self.attempt(|| async {
            let mut tx = self.write().await?;
            append(
                &mut tx,
                vec![context.event(Action::AuditExported, None, json!({}))],
            )
            .await?;
            let head = head(&mut tx).await?;
            tx.commit().await?;
            Ok(head)
        })
        .await
    }
}
