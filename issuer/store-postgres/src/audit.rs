//! The audit trail: rows in the transaction of what they tell of, each chained to the one before.

use async_trait::async_trait;
use signet_core::audit::{Event, Recorded, chain};
use signet_core::ports::{AuditStore, StoreResult};

use crate::db::{Lock, PostgresStore, Transaction, db};
use crate::rows::{array, seconds, signed, time, unsigned};

/// Adds rows to the trail, one process at a time, from here to the commit.
pub(crate) async fn append(tx: &mut Transaction, events: Vec<Event>) -> StoreResult<()> {
    Lock::Trail.take(tx).await.map_err(db)?;
    let last = sqlx::query!("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1")
        .fetch_optional(&mut *tx)
        .await
        .map_err(db)?;
    let (mut previous, mut sequence) = match last {
        Some(last) => (array(&last.hash)?, last.sequence),
        None => ([0; 32], 0),
    };
    for event in events {
        sequence = sequence.saturating_add(1);
        previous = chain(&previous, unsigned(sequence)?, &event);
        insert(tx, sequence, &event, &previous).await?;
    }
    Ok(())
}

async fn insert(
    tx: &mut Transaction,
    sequence: i64,
    event: &Event,
    hash: &[u8; 32],
) -> StoreResult<()> {
    sqlx::query!(
        "INSERT INTO audit (sequence, at, actor, action, subject, detail, ip, request_id, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        sequence,
        seconds(event.at),
        event.actor,
        event.action,
        event.subject,
        event.detail,
        event.ip,
        event.request_id,
        hash.as_slice()
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}

#[async_trait]
impl AuditStore for PostgresStore {
    async fn recorded(&self, after: u64, limit: u32) -> StoreResult<Vec<Recorded>> {
        self.attempt(|| async {
            let mut tx = self.snapshot().await?;
            let rows = sqlx::query!(
                "SELECT sequence, at, actor, action, subject, detail, ip, request_id, hash
                 FROM audit WHERE sequence > $1 ORDER BY sequence LIMIT $2",
                signed(after),
                i64::from(limit)
            )
            .fetch_all(&mut tx)
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
        })
        .await
    }
}
