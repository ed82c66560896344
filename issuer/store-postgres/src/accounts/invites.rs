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

use super::changes::give_roles;
use super::create::insert;
use super::{account_at, existing, find, lock};
use crate::db::{Lock, PostgresStore, Transaction, db};
use crate::roles::texts;
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
impl InviteStore for PostgresStore {
    async fn invite(&self, context: &Context, invite: NewInvite) -> Ruled<Account, InviteError> {
        self.attempt(|| self.keep_invite(context, &invite)).await
    }

    async fn invited(
        &self,
        token: &MailedTokenHash,
        now: UnixTime,
    ) -> StoreResult<Option<Account>> {
        self.attempt(|| async {
            let mut tx = self.snapshot().await?;
            let subject = tokens::subject(&mut tx, Purpose::Invite, token, now).await?;
            Ok(subject.filter(|account| account.status == AccountStatus::Invited))
        })
        .await
    }

    async fn accept_invite(
        &self,
        context: &Context,
        token: &MailedTokenHash,
        acceptance: Acceptance,
    ) -> StoreResult<Option<Account>> {
        self.attempt(|| self.accept(context, token, &acceptance))
            .await
    }
}

impl PostgresStore {
    async fn keep_invite(
        &self,
        context: &Context,
        invite: &NewInvite,
    ) -> Ruled<Account, InviteError> {
        let mut tx = self.write().await?;
        let actor = match self.permitted(&mut tx, context, WRITE).await? {
            Ok(actor) if actor.authority.permits(READ) => actor,
            Ok(_) => return Ok(Err(AdminRefusal::Forbidden.into())),
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        let canonical = invite.email.canonical();
        Lock::Address(canonical).take(&mut tx).await.map_err(db)?;
        let holder = holder(&mut tx, canonical).await?;
        let held = match &holder {
            Holder::Invited(account) => account.roles.clone(),
            Holder::Nobody | Holder::Taken => BTreeSet::new(),
        };
        let held = actor.catalogue.authority(&held);
        let rule = may_set_roles(&actor.catalogue, &actor.authority, &held, &invite.roles);
        if let Err(refusal) = rule {
            return Ok(Err(AdminRefusal::from(refusal).into()));
        }
        let id = match holder {
            Holder::Nobody => {
                if !insert(&mut tx, context.now, &account_of_invite(invite)).await? {
                    return Ok(Err(InviteError::AddressTaken));
                }
                invite.id
            }
            Holder::Invited(account) => {
                replace_roles(&mut tx, account.id, &invite.roles).await?;
                account.id
            }
            Holder::Taken => return Ok(Err(InviteError::AddressTaken)),
        };
        mark(&mut tx, id, context.now, invite.name.as_ref()).await?;
        tokens::keep(&mut tx, Owner::Account(id), &invite.token).await?;
        let letter = NewMail {
            account: Some(id),
            ..invite.mail.clone()
        };
        mail::queue(&mut tx, context.now, &letter).await?;
        let invited = existing(&mut tx, id).await?;
        let detail = json!({ "roles": texts(invited.roles.iter()), "again": id != invite.id });
        tx.record(context.event(Action::AccountInvited, Some(id), detail));
        tx.commit().await?;
        Ok(Ok(invited))
    }

    async fn accept(
        &self,
        context: &Context,
        token: &MailedTokenHash,
        acceptance: &Acceptance,
    ) -> StoreResult<Option<Account>> {
        let mut tx = self.write().await?;
        let used = tokens::consume_of_account(&mut tx, Purpose::Invite, token, context.now).await?;
        let Some(id) = used else {
            return Ok(None);
        };
        let name = acceptance.name.as_ref().map(DisplayName::as_str);
        let updated = sqlx::query!(
            "UPDATE accounts SET status = 'active', invited_at = NULL, email_verified = true,
                 password_hash = $1, name = coalesce($2, name),
                 name_folded = coalesce($3, name_folded), device_epoch = device_epoch + 1
             WHERE id = $4 AND status = 'suspended' AND invited_at IS NOT NULL",
            acceptance.password.expose(),
            name,
            name.map(str::to_lowercase),
            id.0
        )
        .execute(&mut tx)
        .await
        .map_err(db)?;
        if updated.rows_affected() == 0 {
            return Ok(None);
        }
        guesses::clear(&mut tx, &acceptance.clears).await?;
        let account = existing(&mut tx, id).await?;
        tx.record(context.event(Action::InviteAccepted, Some(id), json!({})));
        tx.commit().await?;
        Ok(Some(account))
    }
}

/// Who has an address, whose lock the transaction holds; it holds an invited account's as well
/// then, so that nobody accepts meanwhile.
async fn holder(tx: &mut Transaction, canonical_email: &str) -> StoreResult<Holder> {
    let Some(id) = account_at(tx, canonical_email).await? else {
        return Ok(Holder::Nobody);
    };
    lock(tx, id).await?;
    let Some(account) = find(tx, id).await? else {
        // It was removed while this waited for it.
        return Ok(Holder::Nobody);
    };
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
    tx: &mut Transaction,
    id: AccountId,
    roles: &BTreeSet<RoleName>,
) -> StoreResult<()> {
    sqlx::query!("DELETE FROM account_roles WHERE account_id = $1", id.0)
        .execute(&mut *tx)
        .await
        .map_err(db)?;
    give_roles(tx, id, roles).await
}

/// Makes a new account, or one that is invited, an account that was invited at `now`.
async fn mark(
    tx: &mut Transaction,
    id: AccountId,
    now: UnixTime,
    name: Option<&DisplayName>,
) -> StoreResult<()> {
    let name = name.map(DisplayName::as_str);
    sqlx::query!(
        "UPDATE accounts SET status = 'suspended', invited_at = $1, name = coalesce($2, name),
             name_folded = coalesce($3, name_folded)
         WHERE id = $4",
        seconds(now),
        name,
        name.map(str::to_lowercase),
        id.0
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}
