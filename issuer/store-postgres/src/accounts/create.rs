//! Accounts that are made at once, and the row that every new account starts as.

use serde_json::json;
use signet_core::account::{Account, AccountId, DisplayName, NewAccount};
use signet_core::audit::{Action, Context};
use signet_core::mailed_token::{MailedTokenHash, Purpose};
use signet_core::ports::{CreateAccountError, FirstAdminError, Ruled, StoreResult};
use signet_core::time::UnixTime;

use super::changes::give_roles;
use super::{drop_registrations, existing, has_admin};
use crate::db::{Lock, PostgresStore, Transaction, db};
use crate::roles::texts;
use crate::rows::seconds;
use crate::{addresses, tokens};

impl PostgresStore {
    pub(super) async fn create(
        &self,
        context: &Context,
        account: &NewAccount,
    ) -> Ruled<Account, CreateAccountError> {
        let mut tx = self.write().await?;
        Lock::Administration.take(&mut tx).await.map_err(db)?;
        let catalogue = self.known_roles.current(&mut tx).await?;
        let mut roles = account.roles.iter();
        if let Some(unknown) = roles.find(|role| catalogue.get(role).is_none()) {
            return Ok(Err(CreateAccountError::UnknownRole(unknown.clone())));
        }
        let address = Lock::Address(account.email.canonical());
        address.take(&mut tx).await.map_err(db)?;
        if !insert(&mut tx, context.now, account).await? {
            return Ok(Err(CreateAccountError::AddressTaken));
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
        Lock::Administration.take(&mut tx).await.map_err(db)?;
        let catalogue = self.known_roles.current(&mut tx).await?;
        if has_admin(&mut tx, &catalogue).await? {
            return Ok(Err(FirstAdminError::AdminExists));
        }
        let address = Lock::Address(account.email.canonical());
        address.take(&mut tx).await.map_err(db)?;
        let used = tokens::consume(&mut tx, Purpose::Setup, token, context.now).await?;
        if used.is_none() {
            return Ok(Err(FirstAdminError::TokenUnusable));
        }
        if !insert(&mut tx, context.now, account).await? {
            return Ok(Err(FirstAdminError::AddressTaken));
        }
        sqlx::query!("DELETE FROM mailed_tokens WHERE purpose = 'setup'")
            .execute(&mut tx)
            .await
            .map_err(db)?;
        let created = created(&mut tx, context, account.id).await?;
        tx.commit().await?;
        Ok(Ok(created))
    }
}

/// Writes a new account with its roles, and drops what else waits for its address, whose lock the
/// transaction holds. False where the address is taken, or an account may get it back.
pub(super) async fn insert(
    tx: &mut Transaction,
    now: UnixTime,
    account: &NewAccount,
) -> StoreResult<bool> {
    if addresses::is_reserved(tx, account.email.canonical(), now).await?
        || !insert_row(tx, now, account, None).await?
    {
        return Ok(false);
    }
    give_roles(tx, account.id, &account.roles).await?;
    Ok(true)
}

/// Writes the row of a new account, with the hash of the secret that its registration's answer
/// carried, and drops what else waits for its address, whose lock the transaction holds. False
/// where the address is taken.
pub(super) async fn insert_row(
    tx: &mut Transaction,
    now: UnixTime,
    account: &NewAccount,
    secret_hash: Option<&[u8]>,
) -> StoreResult<bool> {
    let canonical = account.email.canonical();
    let name = account.name.as_ref().map(DisplayName::as_str);
    let inserted = sqlx::query!(
        "INSERT INTO accounts
             (id, email_canonical, email_original, email_verified, name, name_folded, status,
              version, device_epoch, password_hash, created_at, registration_hash)
         VALUES ($1, $2, $3, $4, $5, $6, 'active', 0, 0, $7, $8, $9)
         ON CONFLICT (email_canonical) DO NOTHING",
        account.id.0,
        canonical,
        account.email.original(),
        account.email_verified,
        name,
        name.map(str::to_lowercase),
        account.password.expose(),
        seconds(now),
        secret_hash
    )
    .execute(&mut *tx)
    .await
    .map_err(db)?;
    if inserted.rows_affected() == 0 {
        return Ok(false);
    }
    drop_registrations(tx, canonical).await?;
    Ok(true)
}

/// Records that an account was created, and answers it.
async fn created(tx: &mut Transaction, context: &Context, id: AccountId) -> StoreResult<Account> {
    let account = existing(tx, id).await?;
    let roles = texts(account.roles.iter());
    let detail = json!({ "roles": roles, "verified": account.email_verified });
    tx.record(context.event(Action::AccountCreated, Some(id), detail));
    Ok(account)
}
