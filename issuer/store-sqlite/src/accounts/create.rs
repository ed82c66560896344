//! Accounts that are made at once, and the row that every new account starts as.

use serde_json::json;
use signet_core::account::{Account, AccountId, DisplayName, NewAccount};
use signet_core::audit::{Action, Context};
use signet_core::mailed_token::{MailedTokenHash, Purpose};
use signet_core::ports::{CreateAccountError, FirstAdminError, Ruled, StoreResult};
use signet_core::time::UnixTime;
use sqlx::SqliteConnection;

use super::changes::{give_roles, texts};
use super::{drop_registrations, existing, has_admin};
use crate::audit::record;
use crate::db::{SqliteStore, db};
use crate::rows::seconds;
use crate::{addresses, tokens};

impl SqliteStore {
    pub(super) async fn create(
        &self,
        context: &Context,
        account: &NewAccount,
    ) -> Ruled<Account, CreateAccountError> {
        let mut tx = self.write().await?;
        let catalogue = self.known_roles.current(&mut tx).await?;
        let mut roles = account.roles.iter();
        if let Some(unknown) = roles.find(|role| catalogue.get(role).is_none()) {
            let refusal = CreateAccountError::UnknownRole(unknown.clone());
            return tx.leave(Err(refusal)).await;
        }
        if !insert(&mut tx, context.now, account).await? {
            return tx.leave(Err(CreateAccountError::AddressTaken)).await;
        }
        let created = created(&mut tx, context, account.id).await?;
        tx.commit().await?;
        Ok(Ok(created))
    }

    pub(super) async fn set_up(
        &self,
        context: &Context,
        token: &MailedTokenHash,
        account: &NewAccount,
    ) -> Ruled<Account, FirstAdminError> {
        let mut tx = self.write().await?;
        let catalogue = self.known_roles.current(&mut tx).await?;
        if has_admin(&mut tx, &catalogue).await? {
            return tx.leave(Err(FirstAdminError::AdminExists)).await;
        }
        let used = tokens::consume(&mut tx, Purpose::Setup, token, context.now).await?;
        if used.is_none() {
            return tx.leave(Err(FirstAdminError::TokenUnusable)).await;
        }
        if !insert(&mut tx, context.now, account).await? {
            return tx.leave(Err(FirstAdminError::AddressTaken)).await;
        }
        sqlx::query!("DELETE FROM mailed_tokens WHERE purpose = 'setup'")
            .execute(&mut *tx)
            .await
            .map_err(db)?;
        let created = created(&mut tx, context, account.id).await?;
        tx.commit().await?;
        Ok(Ok(created))
    }
}

/// Writes a new account with its roles, and drops what else waits for its address. False where
/// the address is taken, or an account may get it back.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    now: UnixTime,
    account: &NewAccount,
) -> StoreResult<bool> {
    let canonical = account.email.canonical();
    if addresses::is_reserved(connection, canonical, now).await?
        || !insert_row(connection, now, account, None).await?
    {
        return Ok(false);
    }
    give_roles(connection, account.id, &account.roles).await?;
    Ok(true)
}

/// Writes the row of a new account, with the hash of the secret that its registration's answer
/// carried, and drops what else waits for its address. False where the address is taken.
pub(super) async fn insert_row(
    connection: &mut SqliteConnection,
    now: UnixTime,
    account: &NewAccount,
    secret_hash: Option<&[u8]>,
) -> StoreResult<bool> {
    let id = account.id.0.as_bytes().as_slice();
    let (canonical, original) = (account.email.canonical(), account.email.original());
    let name = account.name.as_ref().map(DisplayName::as_str);
    let folded = name.map(str::to_lowercase);
    let verified = i64::from(account.email_verified);
    let (password, created_at) = (account.password.expose(), seconds(now));
    let inserted = sqlx::query!(
        "INSERT INTO accounts
             (id, email_canonical, email_original, email_verified, name, name_folded, status,
              version, device_epoch, password_hash, created_at, registration_hash)
         VALUES (?, ?, ?, ?, ?, ?, 'active', 0, 0, ?, ?, ?)
         ON CONFLICT (email_canonical) DO NOTHING",
        id,
        canonical,
        original,
        verified,
        name,
        folded,
        password,
        created_at,
        secret_hash
    )
    .execute(&mut *connection)
    .await
    .map_err(db)?;
    if inserted.rows_affected() == 0 {
        return Ok(false);
    }
    drop_registrations(connection, canonical).await?;
    Ok(true)
}

/// Records that an account was created, and answers it.
async fn created(
    connection: &mut SqliteConnection,
    context: &Context,
    id: AccountId,
) -> StoreResult<Account> {
    let account = existing(connection, id).await?;
    let detail = json!({ "roles": texts(&account.roles), "verified": account.email_verified });
    let event = context.event(Action::AccountCreated, Some(id), detail);
    record(connection, event).await?;
    Ok(account)
}
