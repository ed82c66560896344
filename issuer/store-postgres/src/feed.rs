//! What the revocation feed says. The migrations' triggers write it; here it is read, dated, and
//! kept small.
//!
//! Whoever changes entries holds the row of `feed` first, which orders them among each other, and
//! takes no lock after it: the triggers run at the commit.

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

use crate::db::{Lock, PostgresStore, Transaction, db};
use crate::rows::{seconds, signed, time, unsigned};

/// For how long after a head advanced its predecessor may be answered, and more: a token may be that
/// much younger than its row says.
const YOUNGER: u64 = 120;
/// How far ahead a clock is believed to be by which a token was made, in seconds.
const AHEAD: u64 = 86_400;

#[async_trait]
impl FeedStore for PostgresStore {
    async fn feed_position(&self) -> StoreResult<FeedPosition> {
        self.attempt(|| async { position(&mut self.snapshot().await?).await })
            .await
    }

    async fn revoked(&self, limit: u32) -> StoreResult<Revoked> {
        self.attempt(|| async {
            let mut tx = self.snapshot().await?;
            let limit = i64::from(limit);
            let position = position(&mut tx).await?;
            let sessions =
                sqlx::query!("SELECT session_id, seq FROM ended_sessions LIMIT $1", limit)
                    .fetch_all(&mut tx)
                    .await
                    .map_err(db)?
                    .into_iter()
                    .map(|row| {
                        Ok(EndedSession {
                            session: SessionId(row.session_id),
                            seq: unsigned(row.seq)?,
                        })
                    });
            let sessions = sessions.collect::<StoreResult<Vec<_>>>()?;
            let accounts = sqlx::query!(
                "SELECT account_id, version, seq FROM raised_versions LIMIT $1",
                limit
            )
            .fetch_all(&mut tx)
            .await
            .map_err(db)?
            .into_iter()
            .map(|row| {
                Ok(RaisedVersion {
                    account: AccountId(row.account_id),
                    version: unsigned(row.version)?,
                    seq: unsigned(row.seq)?,
                })
            });
            let accounts = accounts.collect::<StoreResult<Vec<_>>>()?;
            let kids = sqlx::query!(
                r#"SELECT kid, seq FROM refused_kids ORDER BY kid COLLATE "C" LIMIT $1"#,
                limit
            )
            .fetch_all(&mut tx)
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
                r#"SELECT min(leaves_at) AS leaves_at,
                          count(*) > count(leaves_at) AS "is_undated!"
                   FROM (SELECT leaves_at FROM ended_sessions
                         UNION ALL SELECT leaves_at FROM raised_versions
                         UNION ALL SELECT refused_until FROM refused_kids) AS entries"#
            )
            .fetch_one(&mut tx)
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
        })
        .await
    }

    async fn settle_feed(&self, now: UnixTime, policy: &FeedPolicy) -> StoreResult<FeedSettled> {
        self.attempt(|| async {
            let most = u64::from(policy.most);
            let left = self.remove_some_of_the_feed(now, policy).await?;
            let mut tx = self.write().await?;
            // One at a time: a version is raised once for what one look finds.
            Lock::Feed.take(&mut tx).await.map_err(db)?;
            let [sessions, _] = count(&mut tx).await?;
            if sessions <= most {
                return Ok(FeedSettled { left, folded: 0 });
            }
            let folded = fold(&mut tx).await?;
            tx.commit().await?;
            Ok(FeedSettled { left, folded })
        })
        .await
    }
}

impl PostgresStore {
    async fn remove_some_of_the_feed(
        &self,
        now: UnixTime,
        policy: &FeedPolicy,
    ) -> StoreResult<u64> {
        let mut tx = self.write().await?;
        hold(&mut tx).await?;
        let lifetime = lifetime(&mut tx, policy).await?;
        date(&mut tx, now, lifetime).await?;
        let left = match policy.leaving {
            Leaving::Due => remove(&mut tx, now, lifetime, policy.most.into()).await?,
            Leaving::Held => 0,
        };
        if left > 0 {
            draw(&mut tx).await?;
        }
        tx.commit().await?;
        Ok(left)
    }
}

async fn position(tx: &mut Transaction) -> StoreResult<FeedPosition> {
    let row = sqlx::query!(
        "SELECT meta.feed_epoch, feed.seq FROM meta JOIN feed ON feed.id = meta.id
         WHERE meta.id = 1"
    )
    .fetch_one(tx)
    .await
    .map_err(db)?;
    Ok(FeedPosition {
        epoch: unsigned(row.feed_epoch)?,
        seq: unsigned(row.seq)?,
    })
}

/// Keeps others from changing entries until the end of the transaction.
async fn hold(tx: &mut Transaction) -> StoreResult<()> {
    sqlx::query_scalar!("SELECT seq FROM feed WHERE id = 1 FOR NO KEY UPDATE")
        .fetch_one(tx)
        .await
        .map_err(db)?;
    Ok(())
}

/// What the feed says changes.
async fn draw(tx: &mut Transaction) -> StoreResult<()> {
    sqlx::query_scalar!("SELECT feed_draw()")
        .fetch_one(tx)
        .await
        .map_err(db)?;
    Ok(())
}

/// How long entries live. Whatever ended did so after its tokens were made, and so after their key
/// was told how long they live: it is read while no entry can come.
async fn lifetime(tx: &mut Transaction, policy: &FeedPolicy) -> StoreResult<u64> {
    let longest = sqlx::query_scalar!(
        r#"SELECT coalesce(max(token_life), 0) AS "longest!" FROM signing_keys"#
    )
    .fetch_one(tx)
    .await
    .map_err(db)?;
    Ok(entry_life(unsigned(longest)?).max(policy.lifetime))
}

/// A token may have been made by a clock that is ahead of this one, which shows in its session's row.
async fn date(tx: &mut Transaction, now: UnixTime, lifetime: u64) -> StoreResult<()> {
    let (latest, now) = (seconds(now.saturating_add(AHEAD)), seconds(now));
    let lifetime = signed(lifetime);
    sqlx::query!(
        "UPDATE ended_sessions
         SET leaves_at = $3::BIGINT + greatest($1::BIGINT, least($2::BIGINT, coalesce((
             SELECT advanced_at FROM sessions WHERE sessions.id = ended_sessions.session_id), 0)))
         WHERE leaves_at IS NULL",
        now,
        latest,
        lifetime
    )
    .execute(&mut *tx)
    .await
    .map_err(db)?;
    sqlx::query!(
        "UPDATE raised_versions
         SET leaves_at = $3::BIGINT + greatest($1::BIGINT, least($2::BIGINT, coalesce((
             SELECT max(advanced_at) FROM sessions
             WHERE sessions.account_id = raised_versions.account_id), 0)))
         WHERE leaves_at IS NULL",
        now,
        latest,
        lifetime
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}

/// Removes what is over, and where more than `most` are left of a kind, what has no token.
async fn remove(tx: &mut Transaction, now: UnixTime, lifetime: u64, most: u64) -> StoreResult<u64> {
    let over = remove_what_is_over(tx, now).await?;
    if count(tx).await?.iter().all(|count| *count <= most) {
        return Ok(over);
    }
    let unused = remove_what_has_no_token(tx, now, lifetime).await?;
    Ok(over.saturating_add(unused))
}

async fn remove_what_is_over(tx: &mut Transaction, now: UnixTime) -> StoreResult<u64> {
    let now = seconds(now);
    let sessions = sqlx::query!("DELETE FROM ended_sessions WHERE leaves_at <= $1", now)
        .execute(&mut *tx)
        .await
        .map_err(db)?;
    let accounts = sqlx::query!("DELETE FROM raised_versions WHERE leaves_at <= $1", now)
        .execute(&mut *tx)
        .await
        .map_err(db)?;
    let kids = sqlx::query!("DELETE FROM refused_kids WHERE refused_until <= $1", now)
        .execute(tx)
        .await
        .map_err(db)?;
    Ok(sessions
        .rows_affected()
        .saturating_add(accounts.rows_affected())
        .saturating_add(kids.rows_affected()))
}

/// How many sessions and accounts are listed.
async fn count(tx: &mut Transaction) -> StoreResult<[u64; 2]> {
    let row = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM ended_sessions) AS "sessions!",
                  (SELECT count(*) FROM raised_versions) AS "accounts!""#
    )
    .fetch_one(tx)
    .await
    .map_err(db)?;
    Ok([unsigned(row.sessions)?, unsigned(row.accounts)?])
}

/// Rows of detached sessions may be behind. An account that is gone has no sessions to ask.
async fn remove_what_has_no_token(
    tx: &mut Transaction,
    now: UnixTime,
    lifetime: u64,
) -> StoreResult<u64> {
    let out = seconds(now.saturating_sub(lifetime.saturating_add(YOUNGER)));
    let behind = signed(MOST_BEHIND);
    let sessions = sqlx::query!(
        "DELETE FROM ended_sessions WHERE session_id IN (
             SELECT id FROM sessions
             WHERE advanced_at + CASE WHEN detached THEN $1::BIGINT ELSE 0 END < $2)",
        behind,
        out
    )
    .execute(&mut *tx)
    .await
    .map_err(db)?;
    let accounts = sqlx::query!(
        "DELETE FROM raised_versions
         WHERE account_id IN (SELECT id FROM accounts) AND NOT EXISTS (
             SELECT 1 FROM sessions WHERE sessions.account_id = raised_versions.account_id
                 AND advanced_at + CASE WHEN detached THEN $1::BIGINT ELSE 0 END >= $2)",
        behind,
        out
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(sessions
        .rows_affected()
        .saturating_add(accounts.rows_affected()))
}

/// One entry in place of several. The triggers do the rest.
async fn fold(tx: &mut Transaction) -> StoreResult<u64> {
    let raised = sqlx::query!(
        "UPDATE accounts SET version = version + 1 WHERE id IN (
             SELECT id FROM accounts WHERE id IN (
                 SELECT account_id FROM ended_sessions GROUP BY account_id HAVING count(*) > 1)
             ORDER BY id FOR NO KEY UPDATE)"
    );
    Ok(raised.execute(tx).await.map_err(db)?.rows_affected())
}

/// A new life's feed is empty: no token of the one before has a key that is still there. What the
/// triggers have yet to write, they write before.
pub(crate) async fn clear(tx: &mut Transaction) -> StoreResult<()> {
    // The trail comes before the feed, wherever both are held.
    Lock::Trail.take(tx).await.map_err(db)?;
    sqlx::query!("SET CONSTRAINTS ALL IMMEDIATE")
        .execute(&mut *tx)
        .await
        .map_err(db)?;
    draw(tx).await?;
    sqlx::query!("DELETE FROM ended_sessions")
        .execute(&mut *tx)
        .await
        .map_err(db)?;
    sqlx::query!("DELETE FROM raised_versions")
        .execute(tx)
        .await
        .map_err(db)?;
    Ok(())
}
