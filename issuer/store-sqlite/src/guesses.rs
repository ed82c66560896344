//! Failed guesses at passwords.

use async_trait::async_trait;
use signet_core::limit::{Failures, Guess, GuessId, GuessKey, GuessPolicy, Judgement};
use signet_core::ports::{GuessStore, StoreResult};
use signet_core::time::UnixTime;
use sqlx::SqliteConnection;

use crate::db::{SqliteStore, db};
use crate::rows::{seconds, signed, small, time, unsigned};

/// Forgets the failures of a key.
pub(crate) async fn clear(connection: &mut SqliteConnection, key: &GuessKey) -> StoreResult<()> {
    let key = key.as_bytes().as_slice();
    sqlx::query!("DELETE FROM guesses WHERE key = ?", key)
        .execute(connection)
        .await
        .map_err(db)?;
    Ok(())
}

/// What there is of a key's failures.
async fn failures(
    connection: &mut SqliteConnection,
    key: &GuessKey,
) -> StoreResult<Option<Failures>> {
    let key = key.as_bytes().as_slice();
    let row = sqlx::query!(
        "SELECT count(*) AS count, max(at) AS last_at FROM guesses WHERE key = ?",
        key
    )
    .fetch_one(connection)
    .await
    .map_err(db)?;
    row.last_at
        .map(|last_at| {
            Ok(Failures {
                count: small(row.count)?,
                last_at: time(last_at),
            })
        })
        .transpose()
}

#[async_trait]
impl GuessStore for SqliteStore {
    async fn begin_guess(
        &self,
        key: &GuessKey,
        now: UnixTime,
        policy: &GuessPolicy,
    ) -> StoreResult<Guess> {
        let mut tx = self.write().await?;
        let failures = failures(&mut tx, key).await?;
        match policy.judge(failures, now) {
            Judgement::Wait { retry_after } => return tx.leave(Guess::Wait { retry_after }).await,
            Judgement::CountAfresh => clear(&mut tx, key).await?,
            Judgement::Count => {}
        }
        let (key, at) = (key.as_bytes().as_slice(), seconds(now));
        let number = sqlx::query_scalar!(
            "INSERT INTO guesses (key, at) VALUES (?, ?) RETURNING number",
            key,
            at
        )
        .fetch_one(&mut *tx)
        .await
        .map_err(db)?;
        tx.commit().await?;
        Ok(Guess::Counted(GuessId(unsigned(number)?)))
    }

    async fn withdraw_guess(&self, guess: GuessId) -> StoreResult<()> {
        let number = signed(guess.0);
        let mut tx = self.write().await?;
        sqlx::query!("DELETE FROM guesses WHERE number = ?", number)
            .execute(&mut *tx)
            .await
            .map_err(db)?;
        tx.commit().await
    }

    async fn clear_guesses(&self, key: &GuessKey) -> StoreResult<()> {
        let mut tx = self.write().await?;
        clear(&mut tx, key).await?;
        tx.commit().await
    }
}
