//! A new life after going back in time.

use async_trait::async_trait;
use serde_json::json;
use signet_core::account::Account;
use signet_core::audit::{Action, Context};
use signet_core::ports::StoreResult;
use signet_core::ports::recovery::{NewLife, RecoveryStore};
use signet_core::signing::InitialKeys;
use signet_core::time::UnixTime;

use crate::db::{Lock, PostgresStore, Transaction, db};

use crate::rows::{AccountRow, seconds, unsigned};
use crate::{feed, keys};

#[async_trait]
impl RecoveryStore for PostgresStore {
    async fn begin_new_life(&self, context: &Context, keys: InitialKeys) -> StoreResult<NewLife> {
        let mut tx = self.write_everything().await?;
        Lock::Keys.take(&mut tx).await.map_err(db)?;
        Lock::Administration.take(&mut tx).await.map_err(db)?;
        let life = NewLife {
            review: holders_of_roles(&mut tx).await?,
            sessions: end_sessions(&mut tx, context.now).await?,
            mailed_tokens: void_mailed_tokens(&mut tx).await?,
            mail: drop_mail(&mut tx).await?,
            feed_epoch: raise_feed_epoch(&mut tx, context.now).await?,
        };
        keys::replace(&mut tx, &keys, context.now).await?;
        let detail = json!({
            "kid": keys.signing.kid,
            "feed_epoch": life.feed_epoch,
            "sessions": life.sessions,
            "mailed_tokens": life.mailed_tokens,
            "mail": life.mail,
        });
        tx.record(context.event(Action::StoreRestored, None, detail));
        feed::clear(&mut tx).await?;
        tx.commit().await?;
        Ok(life)
    }
}

async fn raise_feed_epoch(tx: &mut Transaction, now: UnixTime) -> StoreResult<u64> {
    let epoch = sqlx::query_scalar!(
        "UPDATE meta SET feed_epoch = greatest(feed_epoch + 1, $1)
         WHERE id = 1 RETURNING feed_epoch",
        seconds(now)
    )
    .fetch_one(tx)
    .await
    .map_err(db)?;
    unsigned(epoch)
}

async fn end_sessions(tx: &mut Transaction, now: UnixTime) -> StoreResult<u64> {
    let ended = sqlx::query!(
        "UPDATE sessions SET ended_at = $1 WHERE ended_at IS NULL",
        seconds(now)
    );
    Ok(ended.execute(tx).await.map_err(db)?.rows_affected())
}

async fn void_mailed_tokens(tx: &mut Transaction) -> StoreResult<u64> {
    let voided = sqlx::query!("DELETE FROM mailed_tokens");
    Ok(voided.execute(tx).await.map_err(db)?.rows_affected())
}

async fn drop_mail(tx: &mut Transaction) -> StoreResult<u64> {
    let dropped = sqlx::query!("DELETE FROM outbox");
    Ok(dropped.execute(tx).await.map_err(db)?.rows_affected())
}

async fn holders_of_roles(tx: &mut Transaction) -> StoreResult<Vec<Account>> {
    sqlx::query_as!(
        AccountRow,
        r#"SELECT id, email_canonical, email_original, email_verified, name, status,
                  invited_at, version, device_epoch, created_at, last_login_at,
                  ARRAY(SELECT role FROM account_roles
                        WHERE account_id = accounts.id) AS "roles!"
           FROM accounts
           WHERE EXISTS (SELECT 1 FROM account_roles WHERE account_id = accounts.id)
           ORDER BY email_canonical COLLATE "C""#
    )
    .fetch_all(tx)
    .await
    .map_err(db)?
    .into_iter()
    .map(Account::try_from)
    .collect()
}
