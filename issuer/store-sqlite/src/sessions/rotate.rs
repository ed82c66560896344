//! Refresh: one row read, one row written, and what [`judge`] says in between.

use signet_core::account::{Account, AccountId};
use signet_core::audit::{Action, Context};
use signet_core::mail::NewMail;
use signet_core::ports::{Rotation, StoreResult};
use signet_core::session::family::{RefreshPolicy, Verdict, judge};
use signet_core::session::refresh_token::Presented;
use sqlx::SqliteConnection;

use super::end::{end_expired, end_headless};
use super::live::{self, HeadAt, LiveRow};
use crate::audit::record;
use crate::db::SqliteStore;
use crate::{accounts, mail};

impl SqliteStore {
    pub(super) async fn rotate_family(
        &self,
        context: &Context,
        presented: &Presented,
        policy: &RefreshPolicy,
        notice: &(dyn for<'a> Fn(&'a Account) -> NewMail + Send + Sync),
    ) -> StoreResult<Rotation> {
        let mut tx = self.write().await?;
        let Some(row) = live::by_family(&mut tx, &presented.family).await? else {
            return tx.leave(Rotation::Dead).await;
        };
        if row.head_at() == HeadAt::Elsewhere {
            // Whatever the row's generation is, it isn't the head's.
            if !end_headless(&mut tx, context, &row).await? {
                return tx.leave(Rotation::Dead).await;
            }
            tx.commit().await?;
            return Ok(Rotation::Dead);
        }
        let state = row.family_state()?;
        let rotation = match judge(&state, presented.generation, context.now, policy) {
            Verdict::Dead => return tx.leave(Rotation::Dead).await,
            Verdict::Advance { next } => {
                let row = live::advance(&mut tx, row, next, context.now).await?;
                Rotation::Advanced(Box::new(self.head(&mut tx, row, policy).await?))
            }
            Verdict::Repeat => {
                repeat(&mut tx, context, &row).await?;
                Rotation::Repeated(Box::new(self.head(&mut tx, row, policy).await?))
            }
            Verdict::Replay => {
                let account = end_for(&mut tx, context, &row, Action::RefreshReplayed).await?;
                if let Some(owner) = accounts::find(&mut tx, account).await? {
                    mail::queue(&mut tx, context.now, &notice(&owner)).await?;
                }
                Rotation::Replayed(account)
            }
            Verdict::FromFuture => {
                let account = end_for(&mut tx, context, &row, Action::RefreshFromFuture).await?;
                Rotation::FromFuture(account)
            }
            Verdict::Over => {
                end_expired(&mut tx, context, &row).await?;
                Rotation::Dead
            }
        };
        tx.commit().await?;
        Ok(rotation)
    }
}

/// Records that a token was answered once more, and shows it in the list of sessions.
pub(super) async fn repeat(
    connection: &mut SqliteConnection,
    context: &Context,
    row: &LiveRow,
) -> StoreResult<()> {
    live::count_repeat(connection, row, context.now).await?;
    let (account, detail) = (row.account_id()?, row.describe()?);
    let event = context.event(Action::RefreshRepeated, Some(account), detail);
    record(connection, event).await
}

/// Ends a family because of what was presented; answers whose it was.
pub(super) async fn end_for(
    connection: &mut SqliteConnection,
    context: &Context,
    row: &LiveRow,
    action: Action,
) -> StoreResult<AccountId> {
    live::end(connection, row, context.now).await?;
    let account = row.account_id()?;
    let event = context.event(action, Some(account), row.describe()?);
    record(connection, event).await?;
    Ok(account)
}
