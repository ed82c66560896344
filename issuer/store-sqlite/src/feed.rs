//! What the revocation feed says. The migrations' triggers write it; here it is read, dated, and
//! kept small.

use async_trait::async_trait;
use signet_core::account::AccountId;
use signet_core::feed::entry_life;
use signet_core::ports::StoreResult;
use signet_core::ports::feed::{
    EndedSession, FeedPolicy, FeedPosition, FeedSettled, FeedStore, Leaving, RaisedVersion,
    RefusedKey, Revoked,
};
use signet_core::session::SessionId;
use signet_core::session::detached::MOST_BEHIND;
use signet_core::time::UnixTime;
use sqlx::SqliteConnection;

use crate::db::{SqliteStore, db};
use crate::rows::{seconds, signed, time, unsigned, uuid};

/// For how long after a head advanced its predecessor may be answered, and more: a token may be that
/// much younger than its row says.
const YOUNGER: u64 = 120;
/// How far ahead a clock is believed to be by which a token was made, in seconds.
const AHEAD: u64 = 86_400;

#[async_trait]
impl FeedStore for SqliteStore {
    async fn feed_position(&self) -> StoreResult<FeedPosition> {
        position(&mut *self.snapshot().await?).await
    }

    async fn revoked(&self, limit: u32) -> StoreResult<Revoked> {
        let mut tx = self.snapshot().await?;
        let limit = i64::from(limit);
        let position = position(&mut tx).await?;
        let sessions = sqlx::query!("SELECT session_id, seq FROM ended_sessions LIMIT ?", limit)
            .fetch_all(&mut *tx)
            .await
            .map_err(db)?
            .into_iter()
            .map(|row| {
                Ok(EndedSession {
                    session: SessionId(uuid(&row.session_id)?),
                    seq: unsigned(row.seq)?,
                })
            });
        let sessions = sessions.collect::<StoreResult<Vec<_>>>()?;
        let accounts = sqlx::query!(
            "SELECT account_id, version, seq FROM raised_versions LIMIT ?",
            limit
        )
        .fetch_all(&mut *tx)
        .await
        .map_err(db)?
        .into_iter()
        .map(|row| {
            Ok(RaisedVersion {
                account: AccountId(uuid(&row.account_id)?),
                version: unsigned(row.version)?,
                seq: unsigned(row.seq)?,
            })
        });
        let accounts = accounts.collect::<StoreResult<Vec<_>>>()?;
        let kids = sqlx::query!(
            "SELECT kid, seq FROM refused_kids ORDER BY kid LIMIT ?",
            limit
        )
        .fetch_all(&mut *tx)
        .await
        .map_err(db)?
        .into_iter()
        .map(|row| {
            Ok(RefusedKey {
                kid: row.kid,
                seq: unsigned(row.seq)?,
            })
        });
        let kids = kids.collect::<StoreResult<Vec<_>>>()?;
        let dates = sqlx::query!(
            r#"SELECT min(leaves_at) AS "leaves_at: i64",
                      count(*) > count(leaves_at) AS "is_undated!: bool"
               FROM (SELECT leaves_at FROM ended_sessions
                     UNION ALL SELECT leaves_at FROM raised_versions
                     UNION ALL SELECT refused_until FROM refused_kids)"#
        )
        .fetch_one(&mut *tx)
        .await
        .map_err(db)?;
        Ok(Revoked {
            position,
            sessions,
            accounts,
            kids,
            is_undated: dates.is_undated,
            leaves_at: dates.leaves_at.map(time),
        })
    }

    async fn settle_feed(&self, now: UnixTime, policy: &FeedPolicy) -> StoreResult<FeedSettled> {
        let mut tx = self.write().await?;
        let lifetime = lifetime(&mut tx, policy).await?;
        date(&mut tx, now, lifetime).await?;
        let most = u64::from(policy.most);
        let mut settled = FeedSettled {
            left: match policy.leaving {
                Leaving::Due => remove(&mut tx, now, lifetime, most).await?,
                Leaving::Held => 0,
            },
            folded: 0,
        };
        if settled.left > 0 {
            draw(&mut tx).await?;
        }
        let [sessions, _] = count(&mut tx).await?;
        if sessions > most {
            settled.folded = fold(&mut tx).await?;
        }
        tx.commit().await?;
        Ok(settled)
    }
}

async fn position(connection: &mut SqliteConnection) -> StoreResult<FeedPosition> {
    let row = sqlx::query!(
        "SELECT meta.feed_epoch, feed.seq FROM meta JOIN feed ON feed.id = meta.id
         WHERE meta.id = 1"
    )
    .fetch_one(connection)
    .await
    .map_err(db)?;
    Ok(FeedPosition {
        epoch: unsigned(row.feed_epoch)?,
        seq: unsigned(row.seq)?,
    })
}

/// What the feed says changes.
async fn draw(connection: &mut SqliteConnection) -> StoreResult<()> {
    sqlx::query!("UPDATE feed SET seq = seq + 1 WHERE id = 1")
        .execute(connection)
        .await
        .map_err(db)?;
    Ok(())
}

/// How long entries live. Whatever ended did so after its tokens were made, and so after their key
/// was told how long they live.
async fn lifetime(connection: &mut SqliteConnection, policy: &FeedPolicy) -> StoreResult<u64> {
    let longest = sqlx::query_scalar!(
        r#"SELECT coalesce(max(token_life), 0) AS "longest!: i64" FROM signing_keys"#
    )
    .fetch_one(connection)
    .await
    .map_err(db)?;
    Ok(entry_life(unsigned(longest)?).max(policy.lifetime))
}

/// A token may have been made by a clock that is ahead of this one, which shows in its session's row.
async fn date(connection: &mut SqliteConnection, now: UnixTime, lifetime: u64) -> StoreResult<()> {
    let (latest, now) = (seconds(now.saturating_add(AHEAD)), seconds(now));
    let lifetime = signed(lifetime);
    sqlx::query!(
        "UPDATE ended_sessions
         SET leaves_at = ?3 + max(?1, min(?2, coalesce((
             SELECT advanced_at FROM sessions WHERE sessions.id = ended_sessions.session_id), 0)))
         WHERE leaves_at IS NULL",
        now,
        latest,
        lifetime
    )
    .execute(&mut *connection)
    .await
    .map_err(db)?;
    sqlx::query!(
        "UPDATE raised_versions
         SET leaves_at = ?3 + max(?1, min(?2, coalesce((
             SELECT max(advanced_at) FROM sessions
             WHERE sessions.account_id = raised_versions.account_id), 0)))
         WHERE leaves_at IS NULL",
        now,
        latest,
        lifetime
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
}

/// Removes what is over, and where more than `most` are left of a kind, what has no token.
async fn remove(
    connection: &mut SqliteConnection,
    now: UnixTime,
    lifetime: u64,
    most: u64,
) -> StoreResult<u64> {
    let over = remove_what_is_over(connection, now).await?;
    if count(connection).await?.iter().all(|count| *count <= most) {
        return Ok(over);
    }
    let unused = remove_what_has_no_token(connection, now, lifetime).await?;
    Ok(over.saturating_add(unused))
}

async fn remove_what_is_over(connection: &mut SqliteConnection, now: UnixTime) -> StoreResult<u64> {
    let now = seconds(now);
    let sessions = sqlx::query!("DELETE FROM ended_sessions WHERE leaves_at <= ?", now)
        .execute(&mut *connection)
        .await
        .map_err(db)?;
    let accounts = sqlx::query!("DELETE FROM raised_versions WHERE leaves_at <= ?", now)
        .execute(&mut *connection)
        .await
        .map_err(db)?;
    let kids = sqlx::query!("DELETE FROM refused_kids WHERE refused_until <= ?", now)
        .execute(connection)
        .await
        .map_err(db)?;
    Ok(sessions
        .rows_affected()
        .saturating_add(accounts.rows_affected())
        .saturating_add(kids.rows_affected()))
}

/// How many sessions and accounts are listed.
async fn count(connection: &mut SqliteConnection) -> StoreResult<[u64; 2]> {
    let row = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM ended_sessions) AS "sessions!: i64",
                  (SELECT count(*) FROM raised_versions) AS "accounts!: i64""#
    )
    .fetch_one(connection)
    .await
    .map_err(db)?;
    Ok([unsigned(row.sessions)?, unsigned(row.accounts)?])
}

/// Rows of detached sessions may be behind. An account that is gone has no sessions to ask.
async fn remove_what_has_no_token(
    connection: &mut SqliteConnection,
    now: UnixTime,
    lifetime: u64,
) -> StoreResult<u64> {
    let out = seconds(now.saturating_sub(lifetime.saturating_add(YOUNGER)));
    let behind = signed(MOST_BEHIND);
    let sessions = sqlx::query!(
        "DELETE FROM ended_sessions WHERE session_id IN (
             SELECT id FROM sessions WHERE advanced_at + detached * ?1 < ?2)",
        behind,
        out
    )
    .execute(&mut *connection)
    .await
    .map_err(db)?;
    let accounts = sqlx::query!(
        "DELETE FROM raised_versions
         WHERE account_id IN (SELECT id FROM accounts) AND NOT EXISTS (
             SELECT 1 FROM sessions WHERE sessions.account_id = raised_versions.account_id
                 AND advanced_at + detached * ?1 >= ?2)",
        behind,
        out
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(sessions
        .rows_affected()
        .saturating_add(accounts.rows_affected()))
}

/// One entry in place of several. The triggers do the rest.
async fn fold(connection: &mut SqliteConnection) -> StoreResult<u64> {
    let raised = sqlx::query!(
        "UPDATE accounts SET version = version + 1 WHERE id IN (
             SELECT account_id FROM ended_sessions GROUP BY account_id HAVING count(*) > 1)"
    );
    Ok(raised
        .execute(connection)
        .await
        .map_err(db)?
        .rows_affected())
}

/// A new life's feed is empty: no token of the one before has a key that is still there.
pub(crate) async fn clear(connection: &mut SqliteConnection) -> StoreResult<()> {
    sqlx::query!("DELETE FROM ended_sessions")
        .execute(&mut *connection)
        .await
        .map_err(db)?;
    sqlx::query!("DELETE FROM raised_versions")
        .execute(&mut *connection)
        .await
        .map_err(db)?;
    draw(connection).await
}
