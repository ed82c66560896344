//! Failed guesses at passwords.

use async_trait::async_trait;
use signet_core::limit::{Failures, Guess, GuessKey, GuessPolicy};
use signet_core::ports::{GuessStore, StoreResult};
use signet_core::time::UnixTime;
use sqlx::SqliteConnection;

use crate::db::{SqliteStore, db};
use crate::rows::{seconds, small, time};

/// Forgets the failures of a key.
pub(crate) async fn clear(connection: &mut SqliteConnection, key: &GuessKey) -> StoreResult<()> {
    let key = key.as_bytes().as_slice();
    sqlx::query!("DELETE FROM guesses WHERE key = ?", key)
        .execute(connection)
        .await
        .map_err(db)?;
    Ok(())
}

#[async_trait]
impl GuessStore for SqliteStore {
    async fn begin_guess(
        &self,
        key: &GuessKey,
        now: UnixTime,
        policy: &GuessPolicy,
    ) -> StoreResult<Guess> {
        let key = key.as_bytes().as_slice();
        let mut tx = self.write().await?;
        let row = sqlx::query!(
            "SELECT count, first_at, last_at FROM guesses WHERE key = ?",
            key
        )
        .fetch_optional(&mut *tx)
        .await
        .map_err(db)?;
        let failures = match row {
            Some(row) => Some(Failures {
                count: small(row.count)?,
                first_at: time(row.first_at),
                last_at: time(row.last_at),
            }),
            None => None,
        };
        let (guess, counted) = policy.judge(failures, now);
        if guess == Guess::Allowed {
            let count = i64::from(counted.count);
            let (first_at, last_at) = (seconds(counted.first_at), seconds(counted.last_at));
            sqlx::query!(
                "INSERT INTO guesses (key, count, first_at, last_at) VALUES (?, ?, ?, ?)
                 ON CONFLICT (key) DO UPDATE SET count = excluded.count,
                     first_at = excluded.first_at, last_at = excluded.last_at",
                key,
                count,
                first_at,
                last_at
            )
            .execute(&mut *tx)
            .await
            .map_err(db)?;
            tx.commit().await?;
        }
        Ok(guess)
    }

    async fn clear_guesses(&self, key: &GuessKey) -> StoreResult<()> {
        let mut tx = self.write().await?;
        clear(&mut tx, key).await?;
        tx.commit().await
    }
}
