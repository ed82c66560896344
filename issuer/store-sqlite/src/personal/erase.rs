//! Letting an account go with everything about its person.

use serde_json::json;
use signet_core::account::{Account, AccountId};
use signet_core::audit::chain::Redaction;
use signet_core::audit::{Action, Context};
use signet_core::email::EmailAddress;
use signet_core::ports::personal::{ErasureRight, Farewell};
use signet_core::ports::{AdminRefusal, Ruled, StoreResult};
use signet_core::role::grant::may_act_on;
use signet_core::session::SessionId;
use sqlx::SqliteConnection;

use crate::accounts::{drop_registrations, find, has_admin, password};
use crate::actor::is_live;
use crate::audit::{forget_addresses, record};
use crate::db::{SqliteStore, db};
use crate::{guesses, mail};

const WRITE: &str = "users:write";

impl SqliteStore {
    pub(super) async fn erase_account(
        &self,
        context: &Context,
        id: AccountId,
        right: &ErasureRight,
        farewell: &(dyn for<'a> Fn(&'a EmailAddress) -> Farewell + Send + Sync),
    ) -> Ruled<(), AdminRefusal> {
        let mut tx = self.write().await?;
        let Some(target) = find(&mut tx, id).await? else {
            return tx.leave(Err(AdminRefusal::NotFound)).await;
        };
        if let Err(refusal) = self.may_erase(&mut tx, context, &target, right).await? {
            return tx.leave(Err(refusal)).await;
        }
        let catalogue = self.known_roles.current(&mut tx).await?;
        let was_admin = catalogue.authority(&target.roles).is_admin() && is_live(&target);
        let Farewell { clears, mail } = farewell(&target.email);
        guesses::clear(&mut tx, &clears).await?;
        delete(&mut tx, &target).await?;
        if was_admin && !has_admin(&mut tx, &catalogue).await? {
            return tx.leave(Err(AdminRefusal::LastAdmin)).await;
        }
        mail::queue(&mut tx, context.now, &mail).await?;
        let taken_out = forget_addresses(&mut tx, id).await?;
        record(&mut tx, event(context, id, &taken_out)).await?;
        self.note_erasure();
        tx.commit().await?;
        Ok(Ok(()))
    }

    async fn may_erase(
        &self,
        connection: &mut SqliteConnection,
        context: &Context,
        target: &Account,
        right: &ErasureRight,
    ) -> Ruled<(), AdminRefusal> {
        match right {
            ErasureRight::Authority => {
                let actor = match self.permitted(connection, context, WRITE).await? {
                    Ok(actor) => actor,
                    Err(refusal) => return Ok(Err(refusal)),
                };
                let authority = actor.catalogue.authority(&target.roles);
                Ok(may_act_on(&actor.authority, &authority).map_err(Into::into))
            }
            ErasureRight::Owner { session, checked } => {
                let is_same = password(connection, target.id).await?.as_ref() == Some(checked);
                if is_same && is_open(connection, target.id, *session).await? {
                    Ok(Ok(()))
                } else {
                    Ok(Err(AdminRefusal::NotFound))
                }
            }
        }
    }
}

/// What the trail says: whose it was, and what was taken out of rows of the release before.
fn event(context: &Context, id: AccountId, taken_out: &Redaction) -> signet_core::audit::Event {
    let detail = match taken_out.rows() {
        0 => json!({}),
        rows => json!({ "rows": rows, "taken_out": taken_out.digest() }),
    };
    context.event(Action::AccountErased, Some(id), detail)
}

async fn is_open(
    connection: &mut SqliteConnection,
    account: AccountId,
    session: SessionId,
) -> StoreResult<bool> {
    let (account, session) = (
        account.0.as_bytes().as_slice(),
        session.0.as_bytes().as_slice(),
    );
    let found = sqlx::query_scalar!(
        "SELECT EXISTS (SELECT 1 FROM sessions
                        WHERE id = ? AND account_id = ? AND ended_at IS NULL)",
        session,
        account
    );
    Ok(found.fetch_one(connection).await.map_err(db)? != 0)
}

/// Its roles, sessions, mailed tokens and unsent mail go with the row.
async fn delete(connection: &mut SqliteConnection, account: &Account) -> StoreResult<()> {
    drop_registrations(connection, account.email.canonical()).await?;
    let id = account.id.0.as_bytes().as_slice();
    sqlx::query!("DELETE FROM accounts WHERE id = ?", id)
        .execute(connection)
        .await
        .map_err(db)?;
    Ok(())
}
