//! Ending sessions: one, all, all but one, those too many.

use serde_json::json;
use signet_core::account::AccountId;
use signet_core::audit::{Action, Context};
use signet_core::ports::StoreResult;
use signet_core::session::refresh_token::Presented;
use signet_core::session::{NewSession, SessionId};
use signet_core::time::UnixTime;
use uuid::Uuid;

use super::live::{self, LiveRow};
use crate::accounts::lock;
use crate::db::{PostgresStore, Transaction, db};
use crate::rows::seconds;

/// Why a session ended, in the trail.
#[derive(Clone, Copy)]
enum Reason {
    AskedFor,
    TooMany,
    HeadGone,
    Expired,
}

impl PostgresStore {
    pub(super) async fn end_one(
        &self,
        context: &Context,
        account: AccountId,
        session: SessionId,
    ) -> StoreResult<bool> {
        let mut tx = self.write().await?;
        if !end_one_of(&mut tx, context, account, session).await? {
            return Ok(false);
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
        lock(&mut tx, account).await?;
        let ended = end_others(&mut tx, account, keep, context.now).await?;
        record_ends(&mut tx, context, account, &ended, Reason::AskedFor);
        tx.commit().await?;
        Ok(u64::try_from(ended.len()).unwrap_or(u64::MAX))
    }

    pub(super) async fn end_by_token(
        &self,
        context: &Context,
        presented: &Presented,
    ) -> StoreResult<bool> {
        let mut tx = self.write().await?;
        let Some(row) = live::lock_family(&mut tx, &presented.family).await? else {
            return Ok(false);
        };
        if !live::end(&mut tx, &row, context.now).await? {
            return Ok(false);
        }
        let (account, session) = (row.account_id(), row.session_id());
        record_ends(&mut tx, context, account, &[session.0], Reason::AskedFor);
        tx.commit().await?;
        Ok(true)
    }
}

/// Ends one session of an account, and records it; false where there was none.
pub(crate) async fn end_one_of(
    tx: &mut Transaction,
    context: &Context,
    account: AccountId,
    session: SessionId,
) -> StoreResult<bool> {
    let ended = sqlx::query!(
        "UPDATE sessions SET ended_at = $1
         WHERE id = $2 AND account_id = $3 AND ended_at IS NULL",
        seconds(context.now),
        session.0,
        account.0
    )
    .execute(&mut *tx)
    .await
    .map_err(db)?;
    if ended.rows_affected() == 0 {
        return Ok(false);
    }
    record_ends(tx, context, account, &[session.0], Reason::AskedFor);
    Ok(true)
}

/// Ends every session of an account, whose lock the transaction takes, and records each; answers
/// how many.
pub(crate) async fn end_each_of(
    tx: &mut Transaction,
    context: &Context,
    account: AccountId,
) -> StoreResult<u64> {
    lock(tx, account).await?;
    // No session has the nil id.
    let none = SessionId(Uuid::nil());
    let ended = end_others(tx, account, none, context.now).await?;
    record_ends(tx, context, account, &ended, Reason::AskedFor);
    Ok(u64::try_from(ended.len()).unwrap_or(u64::MAX))
}

/// Ends every session of an account. The transaction holds the account's lock, here and below:
/// who locks several sessions of one account doesn't meet another one who does.
pub(crate) async fn end_all(
    tx: &mut Transaction,
    account: AccountId,
    now: UnixTime,
) -> StoreResult<()> {
    sqlx::query!(
        "UPDATE sessions SET ended_at = $1 WHERE account_id = $2 AND ended_at IS NULL",
        seconds(now),
        account.0
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}

/// Ends every session of an account but one; answers which.
pub(crate) async fn end_others(
    tx: &mut Transaction,
    account: AccountId,
    keep: SessionId,
    now: UnixTime,
) -> StoreResult<Vec<Uuid>> {
    sqlx::query_scalar!(
        "UPDATE sessions SET ended_at = $1
         WHERE account_id = $2 AND id <> $3 AND ended_at IS NULL RETURNING id",
        seconds(now),
        account.0,
        keep.0
    )
    .fetch_all(tx)
    .await
    .map_err(db)
}

/// Ends what an account has beyond a new session and the most recently refreshed others.
pub(super) async fn end_excess(
    tx: &mut Transaction,
    context: &Context,
    new: &NewSession,
    most: u32,
) -> StoreResult<()> {
    let ended = sqlx::query_scalar!(
        "UPDATE sessions SET ended_at = $1 WHERE id IN (
             SELECT id FROM sessions WHERE account_id = $2 AND id <> $3 AND ended_at IS NULL
             ORDER BY advanced_at DESC, created_at DESC OFFSET $4)
         AND ended_at IS NULL RETURNING id",
        seconds(context.now),
        new.account.0,
        new.id.0,
        i64::from(most.saturating_sub(1))
    )
    .fetch_all(&mut *tx)
    .await
    .map_err(db)?;
    record_ends(tx, context, new.account, &ended, Reason::TooMany);
    Ok(())
}

/// Ends a detached session whose head nobody has; false where it had ended.
pub(super) async fn end_headless(
    tx: &mut Transaction,
    context: &Context,
    row: &LiveRow,
) -> StoreResult<bool> {
    end_because(tx, context, row, Reason::HeadGone).await
}

/// Ends a session whose time is up; false where it had ended.
pub(super) async fn end_expired(
    tx: &mut Transaction,
    context: &Context,
    row: &LiveRow,
) -> StoreResult<bool> {
    end_because(tx, context, row, Reason::Expired).await
}

async fn end_because(
    tx: &mut Transaction,
    context: &Context,
    row: &LiveRow,
    reason: Reason,
) -> StoreResult<bool> {
    if !live::end(tx, row, context.now).await? {
        return Ok(false);
    }
    let (account, session) = (row.account_id(), row.session_id());
    record_ends(tx, context, account, &[session.0], reason);
    Ok(true)
}

fn record_ends(
    tx: &mut Transaction,
    context: &Context,
    account: AccountId,
    sessions: &[Uuid],
    reason: Reason,
) {
    let reason = match reason {
        Reason::AskedFor => "asked_for",
        Reason::TooMany => "too_many",
        Reason::HeadGone => "head_gone",
        Reason::Expired => "expired",
    };
    for session in sessions {
        let detail = json!({ "session": session.to_string(), "reason": reason });
        tx.record(context.event(Action::SessionEnded, Some(account), detail));
    }
}
