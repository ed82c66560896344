//! Reading the trail as people do.

use async_trait::async_trait;
use serde_json::json;
use signet_core::audit::read::{TrailFilter, TrailPage};
use signet_core::audit::verification::TrailHead;
use signet_core::audit::{Action, Context, Recorded};
use signet_core::ports::StoreResult;
use signet_core::ports::trail::TrailStore;

use super::{TrailRow, head, record};
use crate::db::{SqliteStore, db};
use crate::rows::{seconds, signed};

#[async_trait]
impl TrailStore for SqliteStore {
    async fn trail(
        &self,
        filter: &TrailFilter,
        before: Option<u64>,
        limit: u32,
    ) -> StoreResult<TrailPage> {
        let mut tx = self.snapshot().await?;
        let subject = filter.subject.map(|id| id.to_string());
        let (from, until) = (filter.from.map(seconds), filter.until.map(seconds));
        let (before, limit) = (before.map(signed), i64::from(limit));
        let rows = select_rows!(
            "(?1 IS NULL OR actor = ?1) AND (?2 IS NULL OR subject = ?2)
                 AND (?3 IS NULL OR action = ?3)
                 AND (?4 IS NULL OR at >= ?4) AND (?5 IS NULL OR at < ?5)
                 AND (?6 IS NULL OR audit.sequence < ?6)
             ORDER BY audit.sequence DESC LIMIT ?7",
            filter.actor,
            subject,
            filter.action,
            from,
            until,
            before,
            limit
        )
        .fetch_all(&mut *tx)
        .await
        .map_err(db)?;
        let rows = rows.into_iter().map(Recorded::try_from);
        Ok(TrailPage {
            rows: rows.collect::<StoreResult<_>>()?,
            head: head(&mut tx).await?,
        })
    }

    async fn record_trail_export(&self, context: &Context) -> StoreResult<TrailHead> {
        let mut tx = self.write().await?;
        let event = context.event(Action::AuditExported, None, json!({}));
        record(&mut tx, event).await?;
        let head = head(&mut tx).await?;
        tx.commit().await?;
        Ok(head)
    }
}
