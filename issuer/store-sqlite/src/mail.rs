//! The outbox.

use async_trait::async_trait;
use signet_core::account::{Account, AccountId};
use signet_core::mail::{NewMail, QueuedMail};
use signet_core::ports::{MailStore, StoreResult};
use signet_core::time::UnixTime;
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::accounts::find;
use crate::db::{SqliteStore, db};
use crate::rows::{seconds, signed, small, time, uuid};

/// Puts a message into the outbox, in the transaction of what it tells of.
pub(crate) async fn queue(
    connection: &mut SqliteConnection,
    now: UnixTime,
    mail: &NewMail,
) -> StoreResult<()> {
    let (id, kind) = (mail.id.as_bytes().as_slice(), mail.kind.as_str());
    let (now, expires_at) = (seconds(now), mail.expires_at.map(seconds));
    let account = mail.account.map(|account| account.0.as_bytes().to_vec());
    sqlx::query!(
        "INSERT INTO outbox
             (id, kind, sealed, master_key, created_at, due_at, expires_at, attempts, account_id)
         VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?)",
        id,
        kind,
        mail.sealed,
        mail.master_key,
        now,
        now,
        expires_at,
        account
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
}

/// Takes a request out, in the transaction of what it asks for; false where it is gone.
pub(crate) async fn take_request(
    connection: &mut SqliteConnection,
    request: Uuid,
) -> StoreResult<bool> {
    let id = request.as_bytes().as_slice();
    let deleted = sqlx::query!("DELETE FROM outbox WHERE id = ?", id)
        .execute(connection)
        .await
        .map_err(db)?;
    Ok(deleted.rows_affected() > 0)
}

/// Takes a request out that is about an account, and answers the account; `None` where either is
/// gone.
pub(crate) async fn take_request_about(
    connection: &mut SqliteConnection,
    request: Uuid,
    account: AccountId,
) -> StoreResult<Option<Account>> {
    match take_request(connection, request).await? {
        true => find(connection, account).await,
        false => Ok(None),
    }
}

#[async_trait]
impl MailStore for SqliteStore {
    async fn queue_request(&self, now: UnixTime, request: NewMail) -> StoreResult<()> {
        let mut tx = self.write().await?;
        queue(&mut tx, now, &request).await?;
        tx.commit().await
    }

    async fn claim_mail(
        &self,
        now: UnixTime,
        lease: u64,
        limit: u32,
    ) -> StoreResult<Vec<QueuedMail>> {
        let (at, limit) = (seconds(now), i64::from(limit));
        let due = sqlx::query_scalar!(
            "SELECT EXISTS (SELECT 1 FROM outbox WHERE abandoned_at IS NULL AND due_at <= ?)",
            at
        )
        .fetch_one(&self.readers)
        .await
        .map_err(db)?;
        if due == 0 {
            return Ok(Vec::new());
        }
        let leased_until = at.saturating_add(signed(lease));
        let mut tx = self.write().await?;
        let rows = sqlx::query!(
            "UPDATE outbox SET due_at = ?, attempts = attempts + 1
             WHERE id IN (
                 SELECT id FROM outbox WHERE abandoned_at IS NULL AND due_at <= ?
                 ORDER BY due_at LIMIT ?)
             RETURNING id, sealed, master_key, attempts, created_at, expires_at",
            leased_until,
            at,
            limit
        )
        .fetch_all(&mut *tx)
        .await
        .map_err(db)?;
        tx.commit().await?;
        let mut queued = rows
            .into_iter()
            .map(|row| {
                Ok(QueuedMail {
                    id: uuid(&row.id)?,
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

    async fn due_mail(&self, now: UnixTime) -> StoreResult<u64> {
        let at = seconds(now);
        let due = sqlx::query_scalar!(
            "SELECT count(*) FROM outbox WHERE abandoned_at IS NULL AND due_at <= ?",
            at
        );
        let due = due.fetch_one(&self.readers).await.map_err(db)?;
        Ok(due.unsigned_abs())
    }

    async fn mail_delivered(&self, id: Uuid) -> StoreResult<()> {
        let id = id.as_bytes().as_slice();
        let mut tx = self.write().await?;
        sqlx::query!("DELETE FROM outbox WHERE id = ?", id)
            .execute(&mut *tx)
            .await
            .map_err(db)?;
        tx.commit().await
    }

    async fn mail_deferred(&self, id: Uuid, retry_at: UnixTime, error: &str) -> StoreResult<()> {
        let (id, retry_at) = (id.as_bytes().as_slice(), seconds(retry_at));
        let mut tx = self.write().await?;
        sqlx::query!(
            "UPDATE outbox SET due_at = ?, last_error = ? WHERE id = ? AND abandoned_at IS NULL",
            retry_at,
            error,
            id
        )
        .execute(&mut *tx)
        .await
        .map_err(db)?;
        tx.commit().await
    }

    async fn mail_abandoned(&self, id: Uuid, now: UnixTime, error: &str) -> StoreResult<()> {
        let (id, now) = (id.as_bytes().as_slice(), seconds(now));
        let mut tx = self.write().await?;
        sqlx::query!(
            "UPDATE outbox SET abandoned_at = ?, last_error = ? WHERE id = ?",
            now,
            error,
            id
        )
        .execute(&mut *tx)
        .await
        .map_err(db)?;
        tx.commit().await
    }
}
