//! Ending sessions: one, all, all but one, those too many.

use serde_json::json;
use signet_core::account::AccountId;
use signet_core::audit::{Action, Context};
use signet_core::ports::StoreResult;
use signet_core::session::refresh_token::Presented;
use signet_core::session::{NewSession, SessionId};
use signet_core::time::UnixTime;
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::live::{self, LiveRow};
use crate::audit::record;
use crate::db::{SqliteStore, db};
use crate::rows::{seconds, uuid};

/// Why a session ended, in the trail.
#[derive(Clone, Copy)]
enum Reason {
    AskedFor,
    TooMany,
    HeadGone,
    Expired,
}

impl SqliteStore {
    pub(super) async fn end_one(
        &self,
        context: &Context,
        account: AccountId,
        session: SessionId,
    ) -> StoreResult<bool> {
        let mut tx = self.write().await?;
        if !end_one_of(&mut tx, context, account, session).await? {
            return tx.leave(false).await;
        }
        tx.commit().await?;
        Ok(true)
    }

    pub(super) async fn end_all_but(
        &self,
        context: &Context,
        account: AccountId,
        keep: SessionId,
    ) -> StoreResult<u64> {
        let mut tx = self.write().await?;
        let ended = end_others(&mut tx, account, keep, context.now).await?;
        record_ends(&mut tx, context, account, &ended, Reason::AskedFor).await?;
        tx.commit().await?;
        Ok(u64::try_from(ended.len()).unwrap_or(u64::MAX))
    }

    pub(super) async fn end_by_token(
        &self,
        context: &Context,
        presented: &Presented,
    ) -> StoreResult<bool> {
        let mut tx = self.write().await?;
        let Some(row) = live::by_family(&mut tx, &presented.family).await? else {
            return tx.leave(false).await;
        };
        if !live::end(&mut tx, &row, context.now).await? {
            return tx.leave(false).await;
        }
        let (account, session) = (row.account_id()?, row.session_id()?);
        record_ends(&mut tx, context, account, &[session.0], Reason::AskedFor).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Ends one session of an account, and records it; false where there was none.
pub(crate) async fn end_one_of(
    connection: &mut SqliteConnection,
    context: &Context,
    account: AccountId,
    session: SessionId,
) -> StoreResult<bool> {
    let (id, owner) = (
        session.0.as_bytes().as_slice(),
        account.0.as_bytes().as_slice(),
    );
    let now = seconds(context.now);
    let ended = sqlx::query!(
        "UPDATE sessions SET ended_at = ?
         WHERE id = ? AND account_id = ? AND ended_at IS NULL",
        now,
        id,
        owner
    )
    .execute(&mut *connection)
    .await
    .map_err(db)?;
    if ended.rows_affected() == 0 {
        return Ok(false);
    }
    record_ends(connection, context, account, &[session.0], Reason::AskedFor).await?;
    Ok(true)
}

/// Ends every session of an account, and records each; answers how many.
pub(crate) async fn end_each_of(
    connection: &mut SqliteConnection,
    context: &Context,
    account: AccountId,
) -> StoreResult<u64> {
    // No session has the nil id.
    let none = SessionId(Uuid::nil());
    let ended = end_others(connection, account, none, context.now).await?;
    record_ends(connection, context, account, &ended, Reason::AskedFor).await?;
    Ok(u64::try_from(ended.len()).unwrap_or(u64::MAX))
}

/// Ends every session of an account.
pub(crate) async fn end_all(
    connection: &mut SqliteConnection,
    account: AccountId,
    now: UnixTime,
) -> StoreResult<()> {
    let (account, now) = (account.0.as_bytes().as_slice(), seconds(now));
    sqlx::query!(
        "UPDATE sessions SET ended_at = ? WHERE account_id = ? AND ended_at IS NULL",
        now,
        account
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
}

/// Ends every session of an account but one; answers which.
pub(crate) async fn end_others(
    connection: &mut SqliteConnection,
    account: AccountId,
    keep: SessionId,
    now: UnixTime,
) -> StoreResult<Vec<Uuid>> {
    let (account, keep) = (
        account.0.as_bytes().as_slice(),
        keep.0.as_bytes().as_slice(),
    );
    let now = seconds(now);
    let ended = sqlx::query_scalar!(
        "UPDATE sessions SET ended_at = ?
         WHERE account_id = ? AND id <> ? AND ended_at IS NULL RETURNING id",
        now,
        account,
        keep
    )
    .fetch_all(connection)
    .await
    .map_err(db)?;
    ended.iter().map(|id| uuid(id)).collect()
}

/// Ends what an account has beyond a new session and the most recently refreshed others.
pub(super) async fn end_excess(
    connection: &mut SqliteConnection,
    context: &Context,
    new: &NewSession,
    most: u32,
) -> StoreResult<()> {
    let (account, id) = (
        new.account.0.as_bytes().as_slice(),
        new.id.0.as_bytes().as_slice(),
    );
    let (now, others) = (seconds(context.now), i64::from(most.saturating_sub(1)));
    let ended = sqlx::query_scalar!(
        "UPDATE sessions SET ended_at = ? WHERE id IN (
             SELECT id FROM sessions WHERE account_id = ? AND id <> ? AND ended_at IS NULL
             ORDER BY advanced_at DESC, created_at DESC LIMIT -1 OFFSET ?)
         RETURNING id",
        now,
        account,
        id,
        others
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(db)?;
    let ended = ended
        .iter()
        .map(|id| uuid(id))
        .collect::<StoreResult<Vec<_>>>()?;
    record_ends(connection, context, new.account, &ended, Reason::TooMany).await
}

/// Ends a detached session whose head nobody has; false where it had ended.
pub(super) async fn end_headless(
    connection: &mut SqliteConnection,
    context: &Context,
    row: &LiveRow,
) -> StoreResult<bool> {
    end_because(connection, context, row, Reason::HeadGone).await
}

/// Ends a session whose time is up; false where it had ended.
pub(super) async fn end_expired(
    connection: &mut SqliteConnection,
    context: &Context,
    row: &LiveRow,
) -> StoreResult<bool> {
    end_because(connection, context, row, Reason::Expired).await
}

async fn end_because(
    connection: &mut SqliteConnection,
    context: &Context,
    row: &LiveRow,
    reason: Reason,
) -> StoreResult<bool> {
    if !live::end(&mut *connection, row, context.now).await? {
        return Ok(false);
    }
    let (account, session) = (row.account_id()?, row.session_id()?);
    record_ends(connection, context, account, &[session.0], reason).await?;
    Ok(true)
}

async fn record_ends(
    connection: &mut SqliteConnection,
    context: &Context,
    account: AccountId,
    sessions: &[Uuid],
    reason: Reason,
) -> StoreResult<()> {
    let reason = match reason {
        Reason::AskedFor => "asked_for",
        Reason::TooMany => "too_many",
        Reason::HeadGone => "head_gone",
        Reason::Expired => "expired",
    };
    for session in sessions {
        let detail = json!({ "session": session.to_string(), "reason": reason });
        let event = context.event(Action::SessionEnded, Some(account), detail);
        record(connection, event).await?;
    }
    Ok(())
}
