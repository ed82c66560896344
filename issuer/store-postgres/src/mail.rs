//! The outbox.

use async_trait::async_trait;
use signet_core::account::{Account, AccountId};
use signet_core::mail::{NewMail, QueuedMail};
use signet_core::ports::{MailStore, StoreResult};
use signet_core::time::UnixTime;
use uuid::Uuid;

use crate::accounts::{find, lock};
use crate::db::{PostgresStore, Transaction, db};
use crate::rows::{seconds, signed, small, storable, time};

/// Puts a message into the outbox, in the transaction of what it tells of.
pub(crate) async fn queue(tx: &mut Transaction, now: UnixTime, mail: &NewMail) -> StoreResult<()> {
    let (now, expires_at) = (seconds(now), mail.expires_at.map(seconds));
    sqlx::query!(
        "INSERT INTO outbox
             (id, kind, sealed, master_key, created_at, due_at, expires_at, attempts, account_id)
         VALUES ($1, $2, $3, $4, $5, $5, $6, 0, $7)",
        mail.id,
        mail.kind.as_str(),
        mail.sealed,
        mail.master_key,
        now,
        expires_at,
        mail.account.map(|account| account.0)
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}

/// Takes a request out, in the transaction of what it asks for; false where it is gone.
pub(crate) async fn take_request(tx: &mut Transaction, request: Uuid) -> StoreResult<bool> {
    let deleted = sqlx::query!("DELETE FROM outbox WHERE id = $1", request)
        .execute(tx)
        .await
        .map_err(db)?;
    Ok(deleted.rows_affected() > 0)
}

/// Takes a request out that is about an account, and answers the account as it stays until the end
/// of the transaction; `None` where either is gone.
pub(crate) async fn take_request_about(
    tx: &mut Transaction,
    request: Uuid,
    account: AccountId,
) -> StoreResult<Option<Account>> {
    if !take_request(tx, request).await? {
        return Ok(None);
    }
    lock(tx, account).await?;
    find(tx, account).await
}

#[async_trait]
impl MailStore for PostgresStore {
    async fn queue_request(&self, now: UnixTime, request: NewMail) -> StoreResult<()> {
        self.attempt(|| async {
            let mut tx = self.write().await?;
            queue(&mut tx, now, &request).await?;
            tx.commit().await
        })
        .await
    }

    async fn claim_mail(
        &self,
        now: UnixTime,
        lease: u64,
        limit: u32,
    ) -> StoreResult<Vec<QueuedMail>> {
        self.attempt(|| self.claim(now, lease, limit)).await
    }

    async fn due_mail(&self, now: UnixTime) -> StoreResult<u64> {
        self.attempt(|| async {
            let mut tx = self.snapshot().await?;
            let due = sqlx::query_scalar!(
                r#"SELECT count(*) AS "due!" FROM outbox
                 WHERE abandoned_at IS NULL AND due_at <= $1"#,
                seconds(now)
            );
            let due = due.fetch_one(&mut tx).await.map_err(db)?;
            Ok(due.unsigned_abs())
        })
        .await
    }

    async fn mail_delivered(&self, id: Uuid) -> StoreResult<()> {
        self.attempt(|| async {
            let mut tx = self.write().await?;
            take_request(&mut tx, id).await?;
            tx.commit().await
        })
        .await
    }

    async fn mail_deferred(&self, id: Uuid, retry_at: UnixTime, error: &str) -> StoreResult<()> {
        self.attempt(|| async {
            let error = storable(error);
            let mut tx = self.write().await?;
            sqlx::query!(
                "UPDATE outbox SET due_at = $1, last_error = $2
                 WHERE id = $3 AND abandoned_at IS NULL",
                seconds(retry_at),
                error.as_ref(),
                id
            )
            .execute(&mut tx)
            .await
            .map_err(db)?;
            tx.commit().await
        })
        .await
    }

    async fn mail_abandoned(&self, id: Uuid, now: UnixTime, error: &str) -> StoreResult<()> {
        self.attempt(|| async {
            let error = storable(error);
            let mut tx = self.write().await?;
            sqlx::query!(
                "UPDATE outbox SET abandoned_at = $1, last_error = $2 WHERE id = $3",
                seconds(now),
                error.as_ref(),
                id
            )
            .execute(&mut tx)
            .await
            .map_err(db)?;
            tx.commit().await
        })
        .await
    }
}

impl PostgresStore {
    /// What another worker is claiming at the moment is passed over.
    async fn claim(&self, now: UnixTime, lease: u64, limit: u32) -> StoreResult<Vec<QueuedMail>> {
        let at = seconds(now);
        let mut tx = self.write().await?;
        let rows = sqlx::query!(
            "UPDATE outbox SET due_at = $1, attempts = attempts + 1
             WHERE id IN (
                 SELECT id FROM outbox WHERE abandoned_at IS NULL AND due_at <= $2
                 ORDER BY due_at LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED)
             RETURNING id, sealed, master_key, attempts, created_at, expires_at",
            at.saturating_add(signed(lease)),
            at,
            i64::from(limit)
        )
        .fetch_all(&mut tx)
        .await
        .map_err(db)?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        tx.commit().await?;
        let mut queued = rows
            .into_iter()
            .map(|row| {
                Ok(QueuedMail {
                    id: row.id,
                    sealed: row.sealed,
                    master_key: row.master_key,
                    attempts: small(row.attempts.saturating_sub(1))?,
                    created_at: time(row.created_at),
                    expires_at: row.expires_at.map(time),
                })
            })
            .collect::<StoreResult<Vec<_>>>()?;
        queued.sort_by_key(|mail| mail.created_at);
        Ok(queued)
    }
}
