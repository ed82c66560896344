//! Reading the audit trail otherwise than row by row.

use async_trait::async_trait;

use super::StoreResult;
use crate::audit::Context;
use crate::audit::read::{TrailFilter, TrailPage};
use crate::audit::verification::TrailHead;

/// The trail as people read it.
#[async_trait]
pub trait TrailStore: Send + Sync {
    /// Up to `limit` rows that match, the newest first, those before the place `before` only; and
    /// the end of the whole trail at the same moment.
    async fn trail(
        &self,
        filter: &TrailFilter,
        before: Option<u64>,
        limit: u32,
    ) -> StoreResult<TrailPage>;

    /// Records `AuditExported` and answers the end of the trail with it.
    async fn record_trail_export(&self, context: &Context) -> StoreResult<TrailHead>;
}
