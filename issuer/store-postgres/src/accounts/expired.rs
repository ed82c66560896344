//! Accounts that go by themselves: nobody accepted their invite, or nobody ever used them.

use serde_json::json;
use signet_core::account::AccountId;
use signet_core::audit::{Action, Actor, Context};
use signet_core::ports::StoreResult;
use signet_core::ports::invites::INVITED_ACCOUNTS_KEPT;
use signet_core::ports::unproven::UNUSED_ACCOUNTS_KEPT;
use signet_core::time::UnixTime;
use uuid::Uuid;

use crate::audit::forget_kept_addresses;
use crate::db::{Transaction, db};
use crate::rows::{seconds, signed};

/// Removes up to `limit` of each kind; answers how many of each went.
pub(crate) async fn remove(
    tx: &mut Transaction,
    now: UnixTime,
    limit: u64,
) -> StoreResult<[u64; 2]> {
    let invited = invited(tx, now, limit).await?;
    let unused = unused(tx, now, limit).await?;
    Ok([
        tell(tx, now, &invited, "invited").await?,
        tell(tx, now, &unused, "registered").await?,
    ])
}

/// Records that accounts went; answers how many.
async fn tell(
    tx: &mut Transaction,
    now: UnixTime,
    accounts: &[Uuid],
    was: &str,
) -> StoreResult<u64> {
    let context = Context::internal(now, Actor::System);
    for id in accounts {
        forget_kept_addresses(tx, AccountId(*id)).await?;
        let subject = Some(AccountId(*id));
        tx.record(context.event(Action::AccountExpired, subject, json!({ "was": was })));
    }
    Ok(u64::try_from(accounts.len()).unwrap_or(u64::MAX))
}

async fn invited(tx: &mut Transaction, now: UnixTime, limit: u64) -> StoreResult<Vec<Uuid>> {
    sqlx::query_scalar!(
        "DELETE FROM accounts WHERE id IN (
             SELECT id FROM accounts
             WHERE invited_at <= $1 AND status = 'suspended' LIMIT $2
             FOR UPDATE SKIP LOCKED)
         RETURNING id",
        seconds(now.saturating_sub(INVITED_ACCOUNTS_KEPT)),
        signed(limit)
    )
    .fetch_all(tx)
    .await
    .map_err(db)
}

/// An account to which somebody gave a role is meant for somebody, and stays.
async fn unused(tx: &mut Transaction, now: UnixTime, limit: u64) -> StoreResult<Vec<Uuid>> {
    sqlx::query_scalar!(
        "DELETE FROM accounts WHERE id IN (
             SELECT id FROM accounts
             WHERE registration_hash IS NOT NULL AND last_login_at IS NULL
               AND created_at <= $1 AND NOT email_verified AND status = 'active'
               AND NOT EXISTS (SELECT 1 FROM account_roles WHERE account_id = accounts.id)
             LIMIT $2
             FOR UPDATE SKIP LOCKED)
         RETURNING id",
        seconds(now.saturating_sub(UNUSED_ACCOUNTS_KEPT)),
        signed(limit)
    )
    .fetch_all(tx)
    .await
    .map_err(db)
}
