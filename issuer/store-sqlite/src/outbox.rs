//! The outbox as operators see it, and what of it is put back.

use async_trait::async_trait;
use serde_json::json;
use signet_core::account::AccountId;
use signet_core::audit::{Action, Context};
use signet_core::mail::QueuedMail;
use signet_core::mail::outbox::{OutboxEntry, OutboxFilter, OutboxPlace, OutboxState};
use signet_core::mailed_token::MailedTokenHash;
use signet_core::ports::outbox::{OutboxStore, RetryRefusal};
use signet_core::ports::{Ruled, StoreResult};
use signet_core::time::UnixTime;
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::audit::record;
use crate::db::{SqliteStore, db};
use crate::rows::{seconds, small, time, uuid};

const WRITE: &str = "mail:write";

#[async_trait]
impl OutboxStore for SqliteStore {
    async fn outbox(
        &self,
        filter: &OutboxFilter,
        after: Option<OutboxPlace>,
        limit: u32,
    ) -> StoreResult<Vec<OutboxEntry>> {
        let is_dead = filter.state.map(|state| state == OutboxState::Dead);
        let kind = filter.kind.map(|kind| kind.as_str());
        let created_at = after.map(|place| seconds(place.created_at));
        let id = after.map(|place| place.id.as_bytes().to_vec());
        let limit = i64::from(limit);
        let rows = sqlx::query!(
            "SELECT id, account_id, kind, created_at, due_at, expires_at, attempts, abandoned_at,
                    last_error
             FROM outbox
             WHERE (?1 IS NULL OR (abandoned_at IS NOT NULL) = ?1)
               AND (?2 IS NULL OR kind = ?2)
               AND (?3 IS NULL OR (created_at, id) < (?3, ?4))
             ORDER BY created_at DESC, id DESC LIMIT ?5",
            is_dead,
            kind,
            created_at,
            id,
            limit
        )
        .fetch_all(&self.readers)
        .await
        .map_err(db)?;
        rows.into_iter()
            .map(|row| {
                Ok(OutboxEntry {
                    id: uuid(&row.id)?,
                    account: row
                        .account_id
                        .as_deref()
                        .map(uuid)
                        .transpose()?
                        .map(AccountId),
                    kind: row.kind,
                    state: match row.abandoned_at {
                        Some(_) => OutboxState::Dead,
                        None => OutboxState::Waiting,
                    },
                    created_at: time(row.created_at),
                    due_at: time(row.due_at),
                    expires_at: row.expires_at.map(time),
                    attempts: small(row.attempts)?,
                    last_error: row.last_error,
                })
            })
            .collect()
    }

    async fn waiting_or_dead(&self, id: Uuid) -> StoreResult<Option<QueuedMail>> {
        let bytes = id.as_bytes().as_slice();
        let row = sqlx::query!(
            "SELECT sealed, master_key, attempts, created_at, expires_at FROM outbox WHERE id = ?",
            bytes
        )
        .fetch_optional(&self.readers)
        .await
        .map_err(db)?;
        row.map(|row| {
            Ok(QueuedMail {
                id,
                sealed: row.sealed,
                master_key: row.master_key,
                attempts: small(row.attempts)?,
                created_at: time(row.created_at),
                expires_at: row.expires_at.map(time),
            })
        })
        .transpose()
    }

    async fn retry_mail(
        &self,
        context: &Context,
        id: Uuid,
        token: Option<&MailedTokenHash>,
    ) -> Ruled<(), RetryRefusal> {
        let mut tx = self.write().await?;
        if self.permitted(&mut tx, context, WRITE).await?.is_err() {
            return tx.leave(Err(RetryRefusal::Forbidden)).await;
        }
        let (bytes, now) = (id.as_bytes().as_slice(), seconds(context.now));
        let found = sqlx::query!(
            "SELECT account_id, kind, expires_at FROM outbox WHERE id = ?",
            bytes
        )
        .fetch_optional(&mut *tx)
        .await
        .map_err(db)?;
        let Some(found) = found else {
            return tx.leave(Err(RetryRefusal::NotFound)).await;
        };
        if found.expires_at.is_some_and(|expiry| expiry <= now) {
            return tx.leave(Err(RetryRefusal::Expired)).await;
        }
        if let Some(token) = token
            && !is_good(&mut tx, token, now).await?
        {
            return tx.leave(Err(RetryRefusal::TokenVoid)).await;
        }
        sqlx::query!(
            "UPDATE outbox SET due_at = ?, attempts = 0, abandoned_at = NULL WHERE id = ?",
            now,
            bytes
        )
        .execute(&mut *tx)
        .await
        .map_err(db)?;
        let account = found
            .account_id
            .as_deref()
            .map(uuid)
            .transpose()?
            .map(AccountId);
        let detail = json!({ "mail": id, "kind": found.kind });
        record(&mut tx, context.event(Action::MailRetried, account, detail)).await?;
        tx.commit().await?;
        Ok(Ok(()))
    }

    async fn mail_postponed(&self, ids: &[Uuid], due_at: UnixTime, error: &str) -> StoreResult<()> {
        let due_at = seconds(due_at);
        let mut tx = self.write().await?;
        for id in ids {
            let id = id.as_bytes().as_slice();
            sqlx::query!(
                "UPDATE outbox SET due_at = ?, attempts = max(attempts - 1, 0), last_error = ?
                 WHERE id = ? AND abandoned_at IS NULL",
                due_at,
                error,
                id
            )
            .execute(&mut *tx)
            .await
            .map_err(db)?;
        }
        tx.commit().await
    }

    async fn outbox_holds(&self, most: u32) -> StoreResult<bool> {
        let most = i64::from(most);
        let held = sqlx::query_scalar!(
            "SELECT count(*) FROM (SELECT 1 FROM outbox WHERE abandoned_at IS NULL LIMIT ?)",
            most
        )
        .fetch_one(&self.readers)
        .await
        .map_err(db)?;
        Ok(held >= most)
    }
}

/// Whether a mailed token could be used now.
async fn is_good(
    connection: &mut SqliteConnection,
    token: &MailedTokenHash,
    now: i64,
) -> StoreResult<bool> {
    let hash = token.as_bytes();
    let found = sqlx::query_scalar!(
        "SELECT EXISTS (SELECT 1 FROM mailed_tokens WHERE hash = ? AND expires_at > ?)",
        hash,
        now
    )
    .fetch_one(connection)
    .await
    .map_err(db)?;
    Ok(found != 0)
}
