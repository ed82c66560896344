//! What admins do to accounts beside suspending them and setting roles.

use async_trait::async_trait;
use serde_json::json;
use signet_core::account::{Account, AccountId, AccountStatus, DisplayName};
use signet_core::audit::{Action, Context};
use signet_core::mail::NewMail;
use signet_core::mailed_token::NewMailedToken;
use signet_core::ports::administration::AdministrationStore;
use signet_core::ports::{AdminRefusal, Ruled};
use signet_core::role::grant::may_act_on;
use signet_core::session::SessionId;
use sqlx::SqliteConnection;

use crate::accounts::{existing, find, write_name};
use crate::audit::record;
use crate::db::SqliteStore;
use crate::tokens::{self, Owner};
use crate::{mail, sessions};

const USERS: &str = "users:write";
const SESSIONS: &str = "sessions:write";

impl SqliteStore {
    /// The account that an actor may act on.
    async fn subject(
        &self,
        connection: &mut SqliteConnection,
        context: &Context,
        permission: &str,
        id: AccountId,
    ) -> Ruled<Account, AdminRefusal> {
        let actor = match self.permitted(connection, context, permission).await? {
            Ok(actor) => actor,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let Some(account) = find(connection, id).await? else {
            return Ok(Err(AdminRefusal::NotFound));
        };
        let authority = actor.catalogue.authority(&account.roles);
        Ok(match may_act_on(&actor.authority, &authority) {
            Ok(()) => Ok(account),
            Err(refusal) => Err(refusal.into()),
        })
    }
}

/// Whether somebody could use a new password.
fn in_use(account: &Account) -> Result<(), AdminRefusal> {
    match account.status {
        AccountStatus::Active => Ok(()),
        AccountStatus::Suspended => Err(AdminRefusal::NotActive),
        AccountStatus::Invited => Err(AdminRefusal::Invited),
    }
}

#[async_trait]
impl AdministrationStore for SqliteStore {
    async fn rename_account(
        &self,
        context: &Context,
        id: AccountId,
        name: Option<DisplayName>,
    ) -> Ruled<Account, AdminRefusal> {
        let mut tx = self.write().await?;
        if let Err(refusal) = self.subject(&mut tx, context, USERS, id).await? {
            return tx.leave(Err(refusal)).await;
        }
        write_name(&mut tx, id, name.as_ref()).await?;
        let account = existing(&mut tx, id).await?;
        let event = context.event(Action::AccountRenamed, Some(id), json!({}));
        record(&mut tx, event).await?;
        tx.commit().await?;
        Ok(Ok(account))
    }

    async fn send_reset(
        &self,
        context: &Context,
        id: AccountId,
        token: NewMailedToken,
        letter: &(dyn for<'a> Fn(&'a Account) -> NewMail + Send + Sync),
    ) -> Ruled<(), AdminRefusal> {
        let mut tx = self.write().await?;
        let account = match self.subject(&mut tx, context, USERS, id).await? {
            Ok(account) => account,
            Err(refusal) => return tx.leave(Err(refusal)).await,
        };
        if let Err(refusal) = in_use(&account) {
            return tx.leave(Err(refusal)).await;
        }
        tokens::keep(&mut tx, Owner::Account(id), &token).await?;
        mail::queue(&mut tx, context.now, &letter(&account)).await?;
        let event = context.event(Action::ResetRequested, Some(id), json!({}));
        record(&mut tx, event).await?;
        tx.commit().await?;
        Ok(Ok(()))
    }

    async fn end_session_of(
        &self,
        context: &Context,
        id: AccountId,
        session: SessionId,
    ) -> Ruled<bool, AdminRefusal> {
        let mut tx = self.write().await?;
        if let Err(refusal) = self.subject(&mut tx, context, SESSIONS, id).await? {
            return tx.leave(Err(refusal)).await;
        }
        if !sessions::end_one_of(&mut tx, context, id, session).await? {
            return tx.leave(Ok(false)).await;
        }
        tx.commit().await?;
        Ok(Ok(true))
    }

    async fn end_sessions_of(&self, context: &Context, id: AccountId) -> Ruled<u64, AdminRefusal> {
        let mut tx = self.write().await?;
        if let Err(refusal) = self.subject(&mut tx, context, SESSIONS, id).await? {
            return tx.leave(Err(refusal)).await;
        }
        let ended = sessions::end_each_of(&mut tx, context, id).await?;
        tx.commit().await?;
        Ok(Ok(ended))
    }
}
