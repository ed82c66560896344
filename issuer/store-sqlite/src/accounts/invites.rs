//! Invites.

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::json;
use signet_core::account::{Account, AccountId, AccountStatus, DisplayName, NewAccount};
use signet_core::audit::{Action, Context};
use signet_core::mail::NewMail;
use signet_core::mailed_token::{MailedTokenHash, Purpose};
use signet_core::password::PasswordHash;
use signet_core::ports::invites::{Acceptance, InviteError, InviteStore, NewInvite};
use signet_core::ports::{AdminRefusal, Ruled, StoreResult};
use signet_core::role::RoleName;
use signet_core::role::grant::may_set_roles;
use signet_core::time::UnixTime;
use sqlx::SqliteConnection;

use super::changes::give_roles;
use super::create::insert;
use super::{account_at, existing};
use crate::audit::record;
use crate::db::{SqliteStore, db};
use crate::rows::seconds;
use crate::tokens::{self, Owner};
use crate::{guesses, mail};

const WRITE: &str = "users:write";
/// The answer tells whether an address has an account.
const READ: &str = "users:read";

/// Who has the address of an invite.
enum Holder {
    Nobody,
    /// Somebody who was invited before.
    Invited(Account),
    /// Somebody else.
    Taken,
}

#[async_trait]
impl InviteStore for SqliteStore {
    async fn invite(&self, context: &Context, invite: NewInvite) -> Ruled<Account, InviteError> {
        let mut tx = self.write().await?;
        let actor = match self.permitted(&mut tx, context, WRITE).await? {
            Ok(actor) if actor.authority.permits(READ) => actor,
            Ok(_) => return tx.leave(Err(AdminRefusal::Forbidden.into())).await,
            Err(refusal) => return tx.leave(Err(refusal.into())).await,
        };
        let holder = holder(&mut tx, invite.email.canonical()).await?;
        let held = match &holder {
            Holder::Invited(account) => account.roles.clone(),
            Holder::Nobody | Holder::Taken => BTreeSet::new(),
        };
        let held = actor.catalogue.authority(&held);
        let rule = may_set_roles(&actor.catalogue, &actor.authority, &held, &invite.roles);
        if let Err(refusal) = rule {
            return tx.leave(Err(AdminRefusal::from(refusal).into())).await;
        }
        let id = match holder {
            Holder::Nobody => {
                if !insert(&mut tx, context.now, &account_of_invite(&invite)).await? {
                    return tx.leave(Err(InviteError::AddressTaken)).await;
                }
                invite.id
            }
            Holder::Invited(account) => {
                replace_roles(&mut tx, account.id, &invite.roles).await?;
                account.id
            }
            Holder::Taken => return tx.leave(Err(InviteError::AddressTaken)).await,
        };
        mark(&mut tx, id, context.now, invite.name.as_ref()).await?;
        tokens::keep(&mut tx, Owner::Account(id), &invite.token).await?;
        let letter = NewMail {
            account: Some(id),
            ..invite.mail
        };
        mail::queue(&mut tx, context.now, &letter).await?;
        let invited = existing(&mut tx, id).await?;
        let roles: Vec<&str> = invited.roles.iter().map(RoleName::as_str).collect();
        let detail = json!({ "roles": roles, "again": id != invite.id });
        let event = context.event(Action::AccountInvited, Some(id), detail);
        record(&mut tx, event).await?;
        tx.commit().await?;
        Ok(Ok(invited))
    }

    async fn invited(
        &self,
        token: &MailedTokenHash,
        now: UnixTime,
    ) -> StoreResult<Option<Account>> {
        let mut tx = self.snapshot().await?;
        let subject = tokens::subject(&mut tx, Purpose::Invite, token, now).await?;
        Ok(subject.filter(|account| account.status == AccountStatus::Invited))
    }

    async fn accept_invite(
        &self,
        context: &Context,
        token: &MailedTokenHash,
        acceptance: Acceptance,
    ) -> StoreResult<Option<Account>> {
        let mut tx = self.write().await?;
        let used = tokens::consume_of_account(&mut tx, Purpose::Invite, token, context.now).await?;
        let Some(id) = used else {
            return tx.leave(None).await;
        };
        let (bytes, password) = (id.0.as_bytes().as_slice(), acceptance.password.expose());
        let name = acceptance.name.as_ref().map(DisplayName::as_str);
        let folded = name.map(str::to_lowercase);
        let updated = sqlx::query!(
            "UPDATE accounts SET status = 'active', invited_at = NULL, email_verified = 1,
                 password_hash = ?, name = coalesce(?, name),
                 name_folded = coalesce(?, name_folded), device_epoch = device_epoch + 1
             WHERE id = ? AND status = 'suspended' AND invited_at IS NOT NULL",
            password,
            name,
            folded,
            bytes
        )
        .execute(&mut *tx)
        .await
        .map_err(db)?;
        if updated.rows_affected() == 0 {
            return tx.leave(None).await;
        }
        guesses::clear(&mut tx, &acceptance.clears).await?;
        let account = existing(&mut tx, id).await?;
        let event = context.event(Action::InviteAccepted, Some(id), json!({}));
        record(&mut tx, event).await?;
        tx.commit().await?;
        Ok(Some(account))
    }
}

async fn holder(connection: &mut SqliteConnection, canonical_email: &str) -> StoreResult<Holder> {
    let Some(id) = account_at(connection, canonical_email).await? else {
        return Ok(Holder::Nobody);
    };
    let account = existing(connection, id).await?;
    Ok(match account.status {
        AccountStatus::Invited => Holder::Invited(account),
        AccountStatus::Active | AccountStatus::Suspended => Holder::Taken,
    })
}

fn account_of_invite(invite: &NewInvite) -> NewAccount {
    NewAccount {
        id: invite.id,
        email: invite.email.clone(),
        email_verified: false,
        name: None,
        password: PasswordHash::none(),
        roles: invite.roles.clone(),
    }
}

async fn replace_roles(
    connection: &mut SqliteConnection,
    id: AccountId,
    roles: &BTreeSet<RoleName>,
) -> StoreResult<()> {
    let bytes = id.0.as_bytes().as_slice();
    sqlx::query!("DELETE FROM account_roles WHERE account_id = ?", bytes)
        .execute(&mut *connection)
        .await
        .map_err(db)?;
    give_roles(connection, id, roles).await
}

/// Makes a new account, or one that is invited, an account that was invited at `now`.
async fn mark(
    connection: &mut SqliteConnection,
    id: AccountId,
    now: UnixTime,
    name: Option<&DisplayName>,
) -> StoreResult<()> {
    let (id, now) = (id.0.as_bytes().as_slice(), seconds(now));
    let name = name.map(DisplayName::as_str);
    let folded = name.map(str::to_lowercase);
    sqlx::query!(
        "UPDATE accounts SET status = 'suspended', invited_at = ?, name = coalesce(?, name),
             name_folded = coalesce(?, name_folded)
         WHERE id = ?",
        now,
        name,
        folded,
        id
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
}
