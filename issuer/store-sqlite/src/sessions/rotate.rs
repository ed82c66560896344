//! Refresh: one row read, one row written, and what [`judge`] says in between.

use signet_core::account::{Account, AccountId};
use signet_core::audit::{Action, Context};
use signet_core::mail::NewMail;
use signet_core::ports::{Rotation, StoreResult};
use signet_core::session::family::{RefreshPolicy, Verdict, judge};
use signet_core::session::refresh_token::Presented;
use sqlx::SqliteConnection;

use super::live::{self, LiveRow};
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
        let state = row.family_state()?;
        let rotation = match judge(&state, presented.generation, context.now, policy) {
            Verdict::Dead => return tx.leave(Rotation::Dead).await,
            Verdict::Advance { next } => {
                let row = live::advance(&mut tx, row, next, context.now).await?;
                Rotation::Advanced(Box::new(self.head(&mut tx, row, policy).await?))
            }
            Verdict::Repeat => {
                let (account, detail) = (row.account_id()?, row.describe()?);
                let event = context.event(Action::RefreshRepeated, Some(account), detail);
                record(&mut tx, event).await?;
                Rotation::Repeated(Box::new(self.head(&mut tx, row, policy).await?))
            }
            Verdict::Replay => {
                let account = end(&mut tx, context, &row, Action::RefreshReplayed).await?;
                if let Some(owner) = accounts::find(&mut tx, account).await? {
                    mail::queue(&mut tx, context.now, &notice(&owner)).await?;
                }
                Rotation::Replayed(account)
            }
            Verdict::FromFuture => {
                let account = end(&mut tx, context, &row, Action::RefreshFromFuture).await?;
                Rotation::FromFuture(account)
            }
        };
        tx.commit().await?;
        Ok(rotation)
    }
}

/// Ends a family because of what was presented; answers whose it was.
async fn end(
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
