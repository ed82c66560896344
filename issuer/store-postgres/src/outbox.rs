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
use uuid::Uuid;

use crate::db::{PostgresStore, Transaction, db};
use crate::rows::{seconds, small, storable, time};

const WRITE: &str = "mail:write";

#[async_trait]
impl OutboxStore for PostgresStore {
    async fn outbox(
        &self,
        filter: &OutboxFilter,
        after: Option<OutboxPlace>,
        limit: u32,
    ) -> StoreResult<Vec<OutboxEntry>> {
        self.attempt(|| self.outbox_list(filter, after, limit))
            .await
    }

    async fn waiting_or_dead(&self, id: Uuid) -> StoreResult<Option<QueuedMail>> {
        self.attempt(|| async {
            let mut tx = self.snapshot().await?;
            let row = sqlx::query!(
                "SELECT sealed, master_key, attempts, created_at, expires_at
                 FROM outbox WHERE id = $1",
                id
            )
            .fetch_optional(&mut tx)
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
        })
        .await
    }

    async fn retry_mail(
        &self,
        context: &Context,
        id: Uuid,
        token: Option<&MailedTokenHash>,
    ) -> Ruled<(), RetryRefusal> {
        self.attempt(|| self.retry(context, id, token)).await
    }

    async fn mail_postponed(&self, ids: &[Uuid], due_at: UnixTime, error: &str) -> StoreResult<()> {
        self.attempt(|| async {
            let error = storable(error);
            let mut tx = self.write().await?;
            sqlx::query!(
                "UPDATE outbox SET due_at = $1, attempts = greatest(attempts - 1, 0),
                        last_error = $2
                 WHERE id = ANY($3) AND abandoned_at IS NULL",
                seconds(due_at),
                error.as_ref(),
                ids
            )
            .execute(&mut tx)
            .await
            .map_err(db)?;
            tx.commit().await
        })
        .await
    }

    async fn outbox_holds(&self, most: u32) -> StoreResult<bool> {
        self.attempt(|| async {
            let mut tx = self.snapshot().await?;
            let held = sqlx::query_scalar!(
                r#"SELECT count(*) AS "held!"
                 FROM (SELECT 1 FROM outbox WHERE abandoned_at IS NULL LIMIT $1) AS waiting"#,
                i64::from(most)
            )
            .fetch_one(&mut tx)
            .await
            .map_err(db)?;
            Ok(held >= i64::from(most))
        })
        .await
    }
}

impl PostgresStore {
    async fn outbox_list(
        &self,
        filter: &OutboxFilter,
        after: Option<OutboxPlace>,
        limit: u32,
    ) -> StoreResult<Vec<OutboxEntry>> {
        let is_dead = filter.state.map(|state| state == OutboxState::Dead);
        let kind = filter.kind.map(|kind| kind.as_str());
        let created_at = after.map(|place| seconds(place.created_at));
        let id = after.map(|place| place.id);
        let mut tx = self.snapshot().await?;
        let rows = sqlx::query!(
            "SELECT id, account_id, kind, created_at, due_at, expires_at, attempts, abandoned_at,
                    last_error
             FROM outbox
             WHERE ($1::boolean IS NULL OR (abandoned_at IS NOT NULL) = $1)
               AND ($2::text IS NULL OR kind = $2)
               AND ($3::bigint IS NULL OR (created_at, id) < ($3, $4::uuid))
             ORDER BY created_at DESC, id DESC LIMIT $5",
            is_dead,
            kind,
            created_at,
            id,
            i64::from(limit)
        )
        .fetch_all(&mut tx)
        .await
        .map_err(db)?;
        rows.into_iter()
            .map(|row| {
                Ok(OutboxEntry {
                    id: row.id,
                    account: row.account_id.map(AccountId),
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

    async fn retry(
        &self,
        context: &Context,
        id: Uuid,
        token: Option<&MailedTokenHash>,
    ) -> Ruled<(), RetryRefusal> {
        let mut tx = self.write().await?;
        if self.permitted(&mut tx, context, WRITE).await?.is_err() {
            return Ok(Err(RetryRefusal::Forbidden));
        }
        let now = seconds(context.now);
        // Nobody sends or marks it until the end of the transaction.
        let found = sqlx::query!(
            "SELECT account_id, kind, expires_at FROM outbox WHERE id = $1 FOR NO KEY UPDATE",
            id
        )
        .fetch_optional(&mut tx)
        .await
        .map_err(db)?;
        let Some(found) = found else {
            return Ok(Err(RetryRefusal::NotFound));
        };
        if found.expires_at.is_some_and(|expiry| expiry <= now) {
            return Ok(Err(RetryRefusal::Expired));
        }
        if let Some(token) = token
            && !is_good(&mut tx, token, now).await?
        {
            return Ok(Err(RetryRefusal::TokenVoid));
        }
        sqlx::query!(
            "UPDATE outbox SET due_at = $1, attempts = 0, abandoned_at = NULL WHERE id = $2",
            now,
            id
        )
        .execute(&mut tx)
        .await
        .map_err(db)?;
        let account = found.account_id.map(AccountId);
        let detail = json!({ "mail": id, "kind": found.kind });
        tx.record(context.event(Action::MailRetried, account, detail));
        tx.commit().await?;
        Ok(Ok(()))
    }
}

/// Whether a mailed token could be used now.
async fn is_good(tx: &mut Transaction, token: &MailedTokenHash, now: i64) -> StoreResult<bool> {
    let hash = token.as_bytes();
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM mailed_tokens
                          WHERE hash = $1 AND expires_at > $2) AS "good!""#,
        hash,
        now
    )
    .fetch_one(tx)
    .await
    .map_err(db)
}
