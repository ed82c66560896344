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

use crate::accounts::{existing, find, lock, write_name};
use crate::db::{PostgresStore, Transaction};
use crate::tokens::{self, Owner};
use crate::{mail, sessions};

const USERS: &str = "users:write";
const SESSIONS: &str = "sessions:write";

impl PostgresStore {
    /// The account that an actor may act on, whose lock the transaction holds from here on.
    async fn subject(
        &self,
        tx: &mut Transaction,
        context: &Context,
        permission: &str,
        id: AccountId,
    ) -> Ruled<Account, AdminRefusal> {
        let actor = match self.permitted(tx, context, permission).await? {
            Ok(actor) => actor,
            Err(refusal) => return Ok(Err(refusal)),
        };
        lock(tx, id).await?;
        let Some(account) = find(tx, id).await? else {
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
impl AdministrationStore for PostgresStore {
    async fn rename_account(
        &self,
        context: &Context,
        id: AccountId,
        name: Option<DisplayName>,
    ) -> Ruled<Account, AdminRefusal> {
        self.attempt(|| async {
            let mut tx = self.write().await?;
            if let Err(refusal) = self.subject(&mut tx, context, USERS, id).await? {
                return Ok(Err(refusal));
            }
            write_name(&mut tx, id, name.as_ref()).await?;
            let account = existing(&mut tx, id).await?;
            tx.record(context.event(Action::AccountRenamed, Some(id), json!({})));
            tx.commit().await?;
            Ok(Ok(account))
        })
        .await
    }

    async fn send_reset(
        &self,
        context: &Context,
        id: AccountId,
        token: NewMailedToken,
        letter: &(dyn for<'a> Fn(&'a Account) -> NewMail + Send + Sync),
    ) -> Ruled<(), AdminRefusal> {
        self.attempt(|| async {
            let mut tx = self.write().await?;
            let account = match self.subject(&mut tx, context, USERS, id).await? {
                Ok(account) => account,
                Err(refusal) => return Ok(Err(refusal)),
            };
            if let Err(refusal) = in_use(&account) {
                return Ok(Err(refusal));
            }
            tokens::keep(&mut tx, Owner::Account(id), &token).await?;
            mail::queue(&mut tx, context.now, &letter(&account)).await?;
            tx.record(context.event(Action::ResetRequested, Some(id), json!({})));
            tx.commit().await?;
            Ok(Ok(()))
        })
        .await
    }

    async fn end_session_of(
        &self,
        context: &Context,
        id: AccountId,
        session: SessionId,
    ) -> Ruled<bool, AdminRefusal> {
        self.attempt(|| async {
            let mut tx = self.write().await?;
            if let Err(refusal) = self.subject(&mut tx, context, SESSIONS, id).await? {
                return Ok(Err(refusal));
            }
            if !sessions::end_one_of(&mut tx, context, id, session).await? {
                return Ok(Ok(false));
            }
            tx.commit().await?;
            Ok(Ok(true))
        })
        .await
    }

    async fn end_sessions_of(&self, context: &Context, id: AccountId) -> Ruled<u64, AdminRefusal> {
        self.attempt(|| async {
            let mut tx = self.write().await?;
            if let Err(refusal) = self.subject(&mut tx, context, SESSIONS, id).await? {
                return Ok(Err(refusal));
            }
            let ended = sessions::end_each_of(&mut tx, context, id).await?;
            tx.commit().await?;
            Ok(Ok(ended))
        })
        .await
    }
}
