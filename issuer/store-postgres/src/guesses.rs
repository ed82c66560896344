//! Failed guesses at passwords.

use async_trait::async_trait;
use signet_core::limit::{Failures, Guess, GuessId, GuessKey, GuessPolicy, Judgement};
use signet_core::ports::{GuessStore, StoreResult};
use signet_core::time::UnixTime;

use crate::db::{Lock, PostgresStore, Transaction, db};
use crate::rows::{seconds, signed, small, time, unsigned};

/// Forgets the failures of a key.
pub(crate) async fn clear(tx: &mut Transaction, key: &GuessKey) -> StoreResult<()> {
    Lock::Guesses(key).take(tx).await.map_err(db)?;
    forget(tx, key).await
}

async fn forget(tx: &mut Transaction, key: &GuessKey) -> StoreResult<()> {
    sqlx::query!(
        "DELETE FROM guesses WHERE key = $1",
        key.as_bytes().as_slice()
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}

/// What there is of a key's failures.
async fn failures(tx: &mut Transaction, key: &GuessKey) -> StoreResult<Option<Failures>> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "count!", max(at) AS last_at FROM guesses WHERE key = $1"#,
        key.as_bytes().as_slice()
    )
    .fetch_one(tx)
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
impl GuessStore for PostgresStore {
    async fn begin_guess(
        &self,
        key: &GuessKey,
        now: UnixTime,
        policy: &GuessPolicy,
    ) -> StoreResult<Guess> {
        self.attempt(|| async {
            let mut tx = self.write().await?;
            Lock::Guesses(key).take(&mut tx).await.map_err(db)?;
            let failures = failures(&mut tx, key).await?;
            match policy.judge(failures, now) {
                Judgement::Wait { retry_after } => return Ok(Guess::Wait { retry_after }),
                Judgement::CountAfresh => forget(&mut tx, key).await?,
                Judgement::Count => {}
            }
            let number = sqlx::query_scalar!(
                "INSERT INTO guesses (key, at) VALUES ($1, $2) RETURNING number",
                key.as_bytes().as_slice(),
                seconds(now)
            )
            .fetch_one(&mut tx)
            .await
            .map_err(db)?;
            tx.commit().await?;
            Ok(Guess::Counted(GuessId(unsigned(number)?)))
        })
        .await
    }

    async fn withdraw_guess(&self, guess: GuessId) -> StoreResult<()> {
        self.attempt(|| async {
            let mut tx = self.write().await?;
            sqlx::query!("DELETE FROM guesses WHERE number = $1", signed(guess.0))
                .execute(&mut tx)
                .await
                .map_err(db)?;
            tx.commit().await
        })
        .await
    }

    async fn clear_guesses(&self, key: &GuessKey) -> StoreResult<()> {
        self.attempt(|| async {
            let mut tx = self.write().await?;
            clear(&mut tx, key).await?;
            tx.commit().await
        })
        .await
    }
}
