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
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::audit::record;
use crate::db::{SqliteStore, db};
use crate::rows::AccountRow;
use crate::tokens::{self, Owner};

pub(crate) use expired::remove as remove_expired;
pub(crate) use registrations::{account_at, drop_registrations};

/// The account of an id.
pub(crate) async fn find(
    connection: &mut SqliteConnection,
    id: AccountId,
) -> StoreResult<Option<Account>> {
    let id = id.0.as_bytes().as_slice();
    sqlx::query_as!(
        AccountRow,
        r#"SELECT id, email_canonical, email_original, email_verified, name, status,
                  invited_at, version, device_epoch, created_at, last_login_at,
                  (SELECT group_concat(role) FROM account_roles
                   WHERE account_id = accounts.id) AS "roles: String"
           FROM accounts WHERE id = ?"#,
        id
    )
    .fetch_optional(connection)
    .await
    .map_err(db)?
    .map(Account::try_from)
    .transpose()
}

/// An account that was just written.
pub(crate) async fn existing(
    connection: &mut SqliteConnection,
    id: AccountId,
) -> StoreResult<Account> {
    find(connection, id)
        .await?
        .ok_or_else(|| StoreError::Corrupt("an account that was written is gone".to_owned()))
}

/// Writes what somebody is called; false where there is no such account.
pub(crate) async fn write_name(
    connection: &mut SqliteConnection,
    id: AccountId,
    name: Option<&DisplayName>,
) -> StoreResult<bool> {
    let bytes = id.0.as_bytes().as_slice();
    let text = name.map(DisplayName::as_str);
    let folded = text.map(str::to_lowercase);
    let renamed = sqlx::query!(
        "UPDATE accounts SET name = ?, name_folded = ? WHERE id = ?",
        text,
        folded,
        bytes
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(renamed.rows_affected() > 0)
}

/// Whether an active, verified admin exists, where roles are what `catalogue` says.
pub(crate) async fn has_admin(
    connection: &mut SqliteConnection,
    catalogue: &RoleCatalogue,
) -> StoreResult<bool> {
    let roles = catalogue.admin_roles();
    let everyone = roles.iter().any(RoleName::is_user);
    let names: Vec<&str> = roles.iter().map(RoleName::as_str).collect();
    let names = json!(names).to_string();
    let found = sqlx::query_scalar!(
        "SELECT EXISTS (
             SELECT 1 FROM accounts
             WHERE status = 'active' AND email_verified = 1
               AND (?1 OR id IN (SELECT account_id FROM account_roles
                                 WHERE role IN (SELECT value FROM json_each(?2)))))",
        everyone,
        names
    )
    .fetch_one(connection)
    .await
    .map_err(db)?;
    Ok(found != 0)
}

/// The password of an account.
pub(crate) async fn password(
    connection: &mut SqliteConnection,
    id: AccountId,
) -> StoreResult<Option<PasswordHash>> {
    let id = id.0.as_bytes().as_slice();
    let hash = sqlx::query_scalar!("SELECT password_hash FROM accounts WHERE id = ?", id)
        .fetch_optional(connection)
        .await
        .map_err(db)?;
    Ok(hash.map(PasswordHash::from_stored))
}

#[async_trait]
impl AccountStore for SqliteStore {
    async fn register(
        &self,
        context: &Context,
        registration: NewRegistration,
        mail: RegistrationMail,
    ) -> StoreResult<()> {
        self.keep_registration(context, registration, mail).await
    }

    async fn renew_verification(
        &self,
        context: &Context,
        request: Uuid,
        canonical_email: &str,
        token: NewMailedToken,
        mail: NewMail,
    ) -> StoreResult<bool> {
        self.renew_token(context, request, canonical_email, token, mail)
            .await
    }

    async fn pending_registration(
        &self,
        token: &MailedTokenHash,
        now: UnixTime,
    ) -> StoreResult<Option<PendingRegistration>> {
        self.registration_of(token, now).await
    }

    async fn activate(
        &self,
        context: &Context,
        token: &MailedTokenHash,
        id: AccountId,
        guesses: FindGuesses<'_>,
    ) -> StoreResult<Option<Account>> {
        self.activate_registration(context, token, id, guesses)
            .await
    }

    async fn credential(&self, canonical_email: &str, now: UnixTime) -> StoreResult<Credential> {
        self.credential_of(canonical_email, now).await
    }

    async fn account_with_password(
        &self,
        id: AccountId,
    ) -> StoreResult<Option<(Account, PasswordHash)>> {
        let mut tx = self.snapshot().await?;
        let account = find(&mut tx, id).await?;
        Ok(account.zip(password(&mut tx, id).await?))
    }

    async fn account(&self, id: AccountId) -> StoreResult<Option<Account>> {
        let mut connection = self.readers.acquire().await.map_err(db)?;
        find(&mut connection, id).await
    }

    async fn accounts(
        &self,
        filter: &AccountFilter,
        after: Option<AccountId>,
        limit: u32,
    ) -> StoreResult<Vec<Account>> {
        let text = filter.text.as_ref().map(|text| text.to_lowercase());
        let status = filter.status.map(AccountStatus::as_str);
        let role = filter.role.as_ref().map(RoleName::as_str);
        let after = after.map(|id| id.0.as_bytes().to_vec());
        let limit = i64::from(limit);
        let rows = sqlx::query_as!(
            AccountRow,
            r#"SELECT id, email_canonical, email_original, email_verified, name, status,
                      invited_at, version, device_epoch, created_at, last_login_at,
                      (SELECT group_concat(role) FROM account_roles
                       WHERE account_id = accounts.id) AS "roles: String"
               FROM accounts
               WHERE (?1 IS NULL OR instr(email_canonical, ?1) > 0
                      OR instr(name_folded, ?1) > 0)
                 AND (?2 IS NULL OR ?2 = CASE
                      WHEN status = 'suspended' AND invited_at IS NOT NULL THEN 'invited'
                      ELSE status END)
                 AND (?3 IS NULL OR ?3 = 'user' OR EXISTS (
                      SELECT 1 FROM account_roles
                      WHERE account_id = accounts.id AND role = ?3))
                 AND (?4 IS NULL OR (created_at, id) > (
                      SELECT created_at, id FROM accounts WHERE id = ?4))
               ORDER BY created_at, id LIMIT ?5"#,
            text,
            status,
            role,
            after,
            limit
        )
        .fetch_all(&self.readers)
        .await
        .map_err(db)?;
        rows.into_iter().map(Account::try_from).collect()
    }

    async fn rename(
        &self,
        context: &Context,
        id: AccountId,
        name: Option<DisplayName>,
    ) -> StoreResult<Option<Account>> {
        let mut tx = self.write().await?;
        if !write_name(&mut tx, id, name.as_ref()).await? {
            return tx.leave(None).await;
        }
        let account = existing(&mut tx, id).await?;
        let event = context.event(Action::AccountRenamed, Some(id), json!({}));
        record(&mut tx, event).await?;
        tx.commit().await?;
        Ok(Some(account))
    }

    async fn create_account(
        &self,
        context: &Context,
        account: NewAccount,
    ) -> Ruled<Account, CreateAccountError> {
        self.create(context, &account).await
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
        let mut connection = self.snapshot().await?;
        let catalogue = self.known_roles.current(&mut connection).await?;
        has_admin(&mut connection, &catalogue).await
    }

    async fn issue_setup(&self, context: &Context, token: NewMailedToken) -> StoreResult<()> {
        let mut tx = self.write().await?;
        tokens::keep(&mut tx, Owner::Nobody, &token).await?;
        let event = context.event(Action::SetupLinkIssued, None, json!({}));
        record(&mut tx, event).await?;
        tx.commit().await
    }

    async fn create_first_admin(
        &self,
        context: &Context,
        token: &MailedTokenHash,
        account: NewAccount,
    ) -> Ruled<Account, FirstAdminError> {
        self.set_up(context, token, &account).await
    }

    async fn set_status(
        &self,
        context: &Context,
        id: AccountId,
        status: AccountStatus,
    ) -> Ruled<Account, AdminRefusal> {
        self.change_status(context, id, status).await
    }

    async fn set_roles(
        &self,
        context: &Context,
        id: AccountId,
        roles: BTreeSet<RoleName>,
    ) -> Ruled<Account, AdminRefusal> {
        self.change_roles(context, id, roles).await
    }
}
