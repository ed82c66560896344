//! The audit trail: rows in the transaction of what they tell of, each chained to the one before.

use async_trait::async_trait;
use signet_core::audit::{Event, Recorded, chain};
use signet_core::ports::{AuditStore, StoreResult};
use sqlx::SqliteConnection;

use crate::db::{SqliteStore, db};
use crate::rows::{array, seconds, signed, time, unsigned};

/// Adds a row to the trail.
pub(crate) async fn record(connection: &mut SqliteConnection, event: Event) -> StoreResult<()> {
    let last = sqlx::query!("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1")
        .fetch_optional(&mut *connection)
        .await
        .map_err(db)?;
    let (previous, sequence) = match last {
        Some(last) => (array(&last.hash)?, last.sequence.saturating_add(1)),
        None => ([0; 32], 1),
    };
    let hash = chain(&previous, unsigned(sequence)?, &event).to_vec();
    let at = seconds(event.at);
    sqlx::query!(
        "INSERT INTO audit (sequence, at, actor, action, subject, detail, ip, request_id, hash)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        sequence,
        at,
        event.actor,
        event.action,
        event.subject,
        event.detail,
        event.ip,
        event.request_id,
        hash
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
}

#[async_trait]
impl AuditStore for SqliteStore {
    async fn recorded(&self, after: u64, limit: u32) -> StoreResult<Vec<Recorded>> {
        let after = signed(after);
        let limit = i64::from(limit);
        let rows = sqlx::query!(
            "SELECT sequence, at, actor, action, subject, detail, ip, request_id, hash
             FROM audit WHERE sequence > ? ORDER BY sequence LIMIT ?",
            after,
            limit
        )
        .fetch_all(&self.readers)
        .await
        .map_err(db)?;
        rows.into_iter()
            .map(|row| {
                Ok(Recorded {
                    sequence: unsigned(row.sequence)?,
                    event: Event {
                        at: time(row.at),
                        actor: row.actor,
                        action: row.action,
                        subject: row.subject,
                        detail: row.detail,
                        ip: row.ip,
                        request_id: row.request_id,
                    },
                    hash: array(&row.hash)?,
                })
            })
            .collect()
    }
}
