//! Accounts that go by themselves: nobody accepted their invite, or nobody ever used them.

use serde_json::json;
use signet_core::account::AccountId;
use signet_core::audit::{Action, Actor, Context};
use signet_core::ports::StoreResult;
use signet_core::ports::invites::INVITED_ACCOUNTS_KEPT;
use signet_core::ports::unproven::UNUSED_ACCOUNTS_KEPT;
use signet_core::time::UnixTime;
use sqlx::SqliteConnection;

use crate::audit::{forget_kept_addresses, record};
use crate::db::db;
use crate::rows::{seconds, signed, uuid};

/// Removes up to `limit` of each kind; answers how many of each went.
pub(crate) async fn remove(
    connection: &mut SqliteConnection,
    now: UnixTime,
    limit: u64,
) -> StoreResult<[u64; 2]> {
    let invited = invited(connection, now, limit).await?;
    let unused = unused(connection, now, limit).await?;
    Ok([
        tell(connection, now, &invited, "invited").await?,
        tell(connection, now, &unused, "registered").await?,
    ])
}

/// Records that accounts went; answers how many.
async fn tell(
    connection: &mut SqliteConnection,
    now: UnixTime,
    accounts: &[Vec<u8>],
    was: &str,
) -> StoreResult<u64> {
    let context = Context::internal(now, Actor::System);
    for id in accounts {
        let id = AccountId(uuid(id)?);
        forget_kept_addresses(connection, id).await?;
        let event = context.event(Action::AccountExpired, Some(id), json!({ "was": was }));
        record(connection, event).await?;
    }
    Ok(u64::try_from(accounts.len()).unwrap_or(u64::MAX))
}

async fn invited(
    connection: &mut SqliteConnection,
    now: UnixTime,
    limit: u64,
) -> StoreResult<Vec<Vec<u8>>> {
    let kept_since = seconds(now.saturating_sub(INVITED_ACCOUNTS_KEPT));
    let limit = signed(limit);
    sqlx::query_scalar!(
        "DELETE FROM accounts WHERE id IN (
             SELECT id FROM accounts
             WHERE invited_at <= ? AND status = 'suspended' LIMIT ?)
         RETURNING id",
        kept_since,
        limit
    )
    .fetch_all(connection)
    .await
    .map_err(db)
}

/// An account to which somebody gave a role is meant for somebody, and stays.
async fn unused(
    connection: &mut SqliteConnection,
    now: UnixTime,
    limit: u64,
) -> StoreResult<Vec<Vec<u8>>> {
    let kept_since = seconds(now.saturating_sub(UNUSED_ACCOUNTS_KEPT));
    let limit = signed(limit);
    sqlx::query_scalar!(
        "DELETE FROM accounts WHERE id IN (
             SELECT id FROM accounts
             WHERE registration_hash IS NOT NULL AND last_login_at IS NULL
               AND created_at <= ? AND email_verified = 0 AND status = 'active'
               AND NOT EXISTS (SELECT 1 FROM account_roles WHERE account_id = accounts.id)
             LIMIT ?)
         RETURNING id",
        kept_since,
        limit
    )
    .fetch_all(connection)
    .await
    .map_err(db)
}
