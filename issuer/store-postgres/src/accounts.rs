//! Accounts, and the registrations that become accounts.

mod changes;
mod create;
mod expired;
mod import;
mod invites;
mod registrations;
mod unproven;

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::json;
use signet_core::account::import::{ImportMode, ImportOutcome, ImportedAccount};
use signet_core::account::{Account, AccountId, AccountStatus, DisplayName, NewAccount};
use signet_core::audit::{Action, Context};
use signet_core::mail::NewMail;
use signet_core::mailed_token::{MailedTokenHash, NewMailedToken};
use signet_core::password::PasswordHash;
use signet_core::ports::addresses::FindGuesses;
use signet_core::ports::{
    AccountFilter, AccountStore, AdminRefusal, CreateAccountError, Credential, FirstAdminError,
    NewRegistration, PendingRegistration, RegistrationMail, Ruled, StoreError, StoreResult,
};
use signet_core::role::{RoleCatalogue, RoleName};
use signet_core::time::UnixTime;
use uuid::Uuid;

use crate::db::{Lock, PostgresStore, Transaction, db};
use crate::roles::texts;
use crate::rows::{AccountRow, storable};
use crate::tokens::{self, Owner};

pub(crate) use expired::remove as remove_expired;
pub(crate) use registrations::{account_at, drop_registrations};

/// The account of an id.
pub(crate) async fn find(tx: &mut Transaction, id: AccountId) -> StoreResult<Option<Account>> {
    sqlx::query_as!(
        AccountRow,
        r#"SELECT id, email_canonical, email_original, email_verified, name, status,
                  invited_at, version, device_epoch, created_at, last_login_at,
                  ARRAY(SELECT role FROM account_roles
                        WHERE account_id = accounts.id) AS "roles!"
           FROM accounts WHERE id = $1"#,
        id.0
    )
    .fetch_optional(tx)
    .await
    .map_err(db)?
    .map(Account::try_from)
    .transpose()
}

/// Waits until nobody else changes the account, its password, or its sessions as a whole. What is
/// read after that stays true until the end of the transaction.
pub(crate) async fn lock(tx: &mut Transaction, id: AccountId) -> StoreResult<()> {
    sqlx::query_scalar!(
        "SELECT id FROM accounts WHERE id = $1 FOR NO KEY UPDATE",
        id.0
    )
    .fetch_optional(tx)
    .await
    .map_err(db)?;
    Ok(())
}

/// An account that was just written.
pub(crate) async fn existing(tx: &mut Transaction, id: AccountId) -> StoreResult<Account> {
    find(tx, id)
        .await?
        .ok_or_else(|| StoreError::Corrupt("an account that was written is gone".to_owned()))
}

/// Writes what somebody is called; false where there is no such account.
pub(crate) async fn write_name(
    tx: &mut Transaction,
    id: AccountId,
    name: Option<&DisplayName>,
) -> StoreResult<bool> {
    let text = name.map(DisplayName::as_str);
    let renamed = sqlx::query!(
        "UPDATE accounts SET name = $1, name_folded = $2 WHERE id = $3",
        text,
        text.map(str::to_lowercase),
        id.0
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(renamed.rows_affected() > 0)
}

/// Whether an active, verified admin exists, where roles are what `catalogue` says.
pub(crate) async fn has_admin(
    tx: &mut Transaction,
    catalogue: &RoleCatalogue,
) -> StoreResult<bool> {
    let roles = catalogue.admin_roles();
    sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT 1 FROM accounts
               WHERE status = 'active' AND email_verified
                 AND ($1 OR id IN (SELECT account_id FROM account_roles
                                   WHERE role = ANY ($2)))) AS "found!""#,
        roles.iter().any(RoleName::is_user),
        &texts(roles.iter())
    )
    .fetch_one(tx)
    .await
    .map_err(db)
}

/// The password of an account.
pub(crate) async fn password(
    tx: &mut Transaction,
    id: AccountId,
) -> StoreResult<Option<PasswordHash>> {
    let hash = sqlx::query_scalar!("SELECT password_hash FROM accounts WHERE id = $1", id.0)
        .fetch_optional(tx)
        .await
        .map_err(db)?;
    Ok(hash.map(PasswordHash::from_stored))
}

#[async_trait]
impl AccountStore for PostgresStore {
    async fn register(
        &self,
        context: &Context,
        registration: NewRegistration,
        mail: RegistrationMail,
    ) -> StoreResult<()> {
        self.attempt(|| self.keep_registration(context, &registration, &mail))
            .await
    }

    async fn renew_verification(
        &self,
        context: &Context,
        request: Uuid,
        canonical_email: &str,
        token: NewMailedToken,
        mail: NewMail,
    ) -> StoreResult<bool> {
        self.attempt(|| self.renew_token(context, request, canonical_email, &token, &mail))
            .await
    }

    async fn pending_registration(
        &self,
        token: &MailedTokenHash,
        now: UnixTime,
    ) -> StoreResult<Option<PendingRegistration>> {
        self.attempt(|| self.registration_of(token, now)).await
    }

    async fn activate(
        &self,
        context: &Context,
        token: &MailedTokenHash,
        id: AccountId,
        guesses: FindGuesses<'_>,
    ) -> StoreResult<Option<Account>> {
        self.attempt(|| self.activate_registration(context, token, id, guesses))
            .await
    }

    async fn credential(&self, canonical_email: &str, now: UnixTime) -> StoreResult<Credential> {
        self.attempt(|| self.credential_of(canonical_email, now))
            .await
    }

    async fn account_with_password(
        &self,
        id: AccountId,
    ) -> StoreResult<Option<(Account, PasswordHash)>> {
        self.attempt(|| async {
            let mut tx = self.snapshot().await?;
            let account = find(&mut tx, id).await?;
            Ok(account.zip(password(&mut tx, id).await?))
        })
        .await
    }

    async fn account(&self, id: AccountId) -> StoreResult<Option<Account>> {
        self.attempt(|| async { find(&mut self.snapshot().await?, id).await })
            .await
    }

    async fn accounts(
        &self,
        filter: &AccountFilter,
        after: Option<AccountId>,
        limit: u32,
    ) -> StoreResult<Vec<Account>> {
        self.attempt(|| self.list(filter, after, limit)).await
    }

    async fn rename(
        &self,
        context: &Context,
        id: AccountId,
        name: Option<DisplayName>,
    ) -> StoreResult<Option<Account>> {
        self.attempt(|| self.set_name(context, id, name.as_ref()))
            .await
    }

    async fn create_account(
        &self,
        context: &Context,
        account: NewAccount,
    ) -> Ruled<Account, CreateAccountError> {
        self.attempt(|| self.create(context, &account)).await
    }

    async fn import_accounts(
        &self,
        context: &Context,
        accounts: &[ImportedAccount],
        mode: ImportMode,
    ) -> StoreResult<Vec<ImportOutcome>> {
        self.import(context, accounts, mode).await
    }

    async fn admin_exists(&self) -> StoreResult<bool> {
        self.attempt(|| async {
            let mut tx = self.snapshot().await?;
            let catalogue = self.known_roles.current(&mut tx).await?;
            has_admin(&mut tx, &catalogue).await
        })
        .await
    }

    async fn issue_setup(&self, context: &Context, token: NewMailedToken) -> StoreResult<()> {
        self.attempt(|| async {
            let mut tx = self.write().await?;
            Lock::Administration.take(&mut tx).await.map_err(db)?;
            tokens::keep(&mut tx, Owner::Nobody, &token).await?;
            tx.record(context.event(Action::SetupLinkIssued, None, json!({})));
            tx.commit().await
        })
        .await
    }

    async fn create_first_admin(
        &self,
        context: &Context,
        token: &MailedTokenHash,
        account: NewAccount,
    ) -> Ruled<Account, FirstAdminError> {
        self.attempt(|| self.set_up(context, token, &account)).await
    }

    async fn set_status(
        &self,
        context: &Context,
        id: AccountId,
        status: AccountStatus,
    ) -> Ruled<Account, AdminRefusal> {
        self.attempt(|| self.change_status(context, id, status))
            .await
    }

    async fn set_roles(
        &self,
        context: &Context,
        id: AccountId,
        roles: BTreeSet<RoleName>,
    ) -> Ruled<Account, AdminRefusal> {
        self.attempt(|| self.change_roles(context, id, &roles))
            .await
    }
}

impl PostgresStore {
    async fn list(
        &self,
        filter: &AccountFilter,
        after: Option<AccountId>,
        limit: u32,
    ) -> StoreResult<Vec<Account>> {
        let text = filter.text.as_ref().map(|text| text.to_lowercase());
        let text = text.as_deref().map(storable);
        let mut tx = self.snapshot().await?;
        let rows = sqlx::query_as!(
            AccountRow,
            r#"SELECT id, email_canonical, email_original, email_verified, name, status,
                      invited_at, version, device_epoch, created_at, last_login_at,
                      ARRAY(SELECT role FROM account_roles
                            WHERE account_id = accounts.id) AS "roles!"
               FROM accounts
               WHERE ($1::text IS NULL OR strpos(email_canonical, $1) > 0
                      OR strpos(name_folded, $1) > 0)
                 AND ($2::text IS NULL OR $2 = CASE
                      WHEN status = 'suspended' AND invited_at IS NOT NULL THEN 'invited'
                      ELSE status END)
                 AND ($3::text IS NULL OR $3 = 'user' OR EXISTS (
                      SELECT 1 FROM account_roles
                      WHERE account_id = accounts.id AND role = $3))
                 AND ($4::uuid IS NULL OR (created_at, id) > (
                      SELECT created_at, id FROM accounts WHERE id = $4))
               ORDER BY created_at, id LIMIT $5"#,
            text.as_deref(),
            filter.status.map(AccountStatus::as_str),
            filter.role.as_ref().map(RoleName::as_str),
            after.map(|id| id.0),
            i64::from(limit)
        )
        .fetch_all(&mut tx)
        .await
        .map_err(db)?;
        rows.into_iter().map(Account::try_from).collect()
    }

    async fn set_name(
        &self,
        context: &Context,
        id: AccountId,
        name: Option<&DisplayName>,
    ) -> StoreResult<Option<Account>> {
        let mut tx = self.write().await?;
        if !write_name(&mut tx, id, name).await? {
            return Ok(None);
        }
        let account = existing(&mut tx, id).await?;
        tx.record(context.event(Action::AccountRenamed, Some(id), json!({})));
        tx.commit().await?;
        Ok(Some(account))
    }
}
