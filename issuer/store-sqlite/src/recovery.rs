//! A new life after going back in time.

use async_trait::async_trait;
use serde_json::json;
use signet_core::account::Account;
use signet_core::audit::{Action, Context};
use signet_core::ports::StoreResult;
use signet_core::ports::recovery::{NewLife, RecoveryStore};
use signet_core::signing::InitialKeys;
use signet_core::time::UnixTime;
use sqlx::SqliteConnection;

use crate::audit::record;
use crate::db::{SqliteStore, db};

use crate::rows::{AccountRow, seconds, unsigned};
use crate::{feed, keys};

#[async_trait]
impl RecoveryStore for SqliteStore {
    async fn begin_new_life(&self, context: &Context, keys: InitialKeys) -> StoreResult<NewLife> {
        let mut tx = self.write().await?;
        let life = NewLife {
            feed_epoch: raise_feed_epoch(&mut tx, context.now).await?,
            sessions: end_sessions(&mut tx, context.now).await?,
            mailed_tokens: void_mailed_tokens(&mut tx).await?,
            mail: drop_mail(&mut tx).await?,
            review: holders_of_roles(&mut tx).await?,
        };
        keys::replace(&mut tx, &keys, context.now).await?;
        feed::clear(&mut tx).await?;
        let detail = json!({
            "kid": keys.signing.kid,
            "feed_epoch": life.feed_epoch,
            "sessions": life.sessions,
            "mailed_tokens": life.mailed_tokens,
            "mail": life.mail,
        });
        record(&mut tx, context.event(Action::StoreRestored, None, detail)).await?;
        tx.commit().await?;
        Ok(life)
    }
}

async fn raise_feed_epoch(connection: &mut SqliteConnection, now: UnixTime) -> StoreResult<u64> {
    let now = seconds(now);
    let epoch = sqlx::query_scalar!(
        "UPDATE meta SET feed_epoch = max(feed_epoch + 1, ?) WHERE id = 1 RETURNING feed_epoch",
        now
    )
    .fetch_one(connection)
    .await
    .map_err(db)?;
    unsigned(epoch)
}

async fn end_sessions(connection: &mut SqliteConnection, now: UnixTime) -> StoreResult<u64> {
    let now = seconds(now);
    let ended = sqlx::query!(
        "UPDATE sessions SET ended_at = ? WHERE ended_at IS NULL",
        now
    );
    Ok(ended.execute(connection).await.map_err(db)?.rows_affected())
}

async fn void_mailed_tokens(connection: &mut SqliteConnection) -> StoreResult<u64> {
    let voided = sqlx::query!("DELETE FROM mailed_tokens");
    Ok(voided
        .execute(connection)
        .await
        .map_err(db)?
        .rows_affected())
}

async fn drop_mail(connection: &mut SqliteConnection) -> StoreResult<u64> {
    let dropped = sqlx::query!("DELETE FROM outbox");
    Ok(dropped
        .execute(connection)
        .await
        .map_err(db)?
        .rows_affected())
}

async fn holders_of_roles(connection: &mut SqliteConnection) -> StoreResult<Vec<Account>> {
    sqlx::query_as!(
        AccountRow,
        r#"SELECT id, email_canonical, email_original, email_verified, name, status,
                  invited_at, version, device_epoch, created_at, last_login_at,
                  (SELECT group_concat(role) FROM account_roles
                   WHERE account_id = accounts.id) AS "roles: String"
           FROM accounts
           WHERE EXISTS (SELECT 1 FROM account_roles WHERE account_id = accounts.id)
           ORDER BY email_canonical"#
    )
    .fetch_all(connection)
    .await
    .map_err(db)?
    .into_iter()
    .map(Account::try_from)
    .collect()
}
