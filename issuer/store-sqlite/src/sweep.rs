//! What is past its time goes, one batch at a time.

use signet_core::ports::{StoreResult, Swept};
use signet_core::session::RefreshPolicy;
use signet_core::time::UnixTime;
use sqlx::SqliteConnection;

use crate::accounts;
use crate::db::{SqliteStore, db};
use crate::rows::{seconds, signed};

/// How many rows of a kind go in one transaction.
const BATCH: u64 = 500;
/// How long sessions that are over are kept, and guesses, which count for a day; in seconds.
const DAY: u64 = 86_400;
/// How long dead letters are kept, in seconds.
const DEAD_LETTERS_KEPT: u64 = 30 * DAY;

impl SqliteStore {
    pub(crate) async fn remove_some_of_what_is_over(
        &self,
        now: UnixTime,
        policy: &RefreshPolicy,
    ) -> StoreResult<Swept> {
        let mut tx = self.write().await?;
        let [invited, unused] = accounts::remove_expired(&mut tx, now, BATCH).await?;
        let kinds = [
            invited,
            unused,
            registrations(&mut tx, now).await?,
            mailed_tokens(&mut tx, now).await?,
            sessions(&mut tx, now, policy).await?,
            guesses(&mut tx, now).await?,
            dead_letters(&mut tx, now).await?,
        ];
        tx.commit().await?;
        Ok(Swept::of(&kinds, BATCH))
    }
}

async fn registrations(connection: &mut SqliteConnection, now: UnixTime) -> StoreResult<u64> {
    let (now, batch) = (seconds(now), signed(BATCH));
    let deleted = sqlx::query!(
        "DELETE FROM registrations WHERE number IN (
             SELECT number FROM registrations WHERE expires_at <= ? LIMIT ?)",
        now,
        batch
    );
    let deleted = deleted.execute(connection).await.map_err(db)?;
    Ok(deleted.rows_affected())
}

async fn mailed_tokens(connection: &mut SqliteConnection, now: UnixTime) -> StoreResult<u64> {
    let (now, batch) = (seconds(now), signed(BATCH));
    let deleted = sqlx::query!(
        "DELETE FROM mailed_tokens WHERE hash IN (
             SELECT hash FROM mailed_tokens WHERE expires_at <= ? LIMIT ?)",
        now,
        batch
    );
    let deleted = deleted.execute(connection).await.map_err(db)?;
    Ok(deleted.rows_affected())
}

async fn sessions(
    connection: &mut SqliteConnection,
    now: UnixTime,
    policy: &RefreshPolicy,
) -> StoreResult<u64> {
    let ended = seconds(now.saturating_sub(DAY));
    let idle = seconds(now.saturating_sub(policy.idle.saturating_add(DAY)));
    let absolute = seconds(now.saturating_sub(policy.absolute.saturating_add(DAY)));
    let batch = signed(BATCH);
    let deleted = sqlx::query!(
        "DELETE FROM sessions WHERE family IN (
             SELECT family FROM sessions
             WHERE ended_at <= ? OR advanced_at <= ? OR created_at <= ? LIMIT ?)",
        ended,
        idle,
        absolute,
        batch
    );
    let deleted = deleted.execute(connection).await.map_err(db)?;
    Ok(deleted.rows_affected())
}

/// All guesses of a key count as long as the last one does.
async fn guesses(connection: &mut SqliteConnection, now: UnixTime) -> StoreResult<u64> {
    let (forgotten, batch) = (seconds(now.saturating_sub(DAY)), signed(BATCH));
    let deleted = sqlx::query!(
        "DELETE FROM guesses WHERE number IN (
             SELECT number FROM guesses AS old
             WHERE at <= ?1 AND NOT EXISTS (
                 SELECT 1 FROM guesses WHERE key = old.key AND at > ?1)
             LIMIT ?2)",
        forgotten,
        batch
    );
    let deleted = deleted.execute(connection).await.map_err(db)?;
    Ok(deleted.rows_affected())
}

async fn dead_letters(connection: &mut SqliteConnection, now: UnixTime) -> StoreResult<u64> {
    let kept_since = seconds(now.saturating_sub(DEAD_LETTERS_KEPT));
    let batch = signed(BATCH);
    let deleted = sqlx::query!(
        "DELETE FROM outbox WHERE id IN (
             SELECT id FROM outbox WHERE abandoned_at <= ? LIMIT ?)",
        kept_since,
        batch
    );
    let deleted = deleted.execute(connection).await.map_err(db)?;
    Ok(deleted.rows_affected())
}
