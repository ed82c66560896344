//! Accounts that another system had.

use serde_json::json;
use signet_core::account::DisplayName;
use signet_core::account::import::{ImportMode, ImportOutcome, ImportedAccount};
use signet_core::audit::{Action, Context};
use signet_core::ports::StoreResult;
use signet_core::role::{RoleCatalogue, RoleName};

use super::changes::give_roles;
use super::{account_at, drop_registrations};
use crate::addresses;
use crate::db::{Lock, PostgresStore, Transaction, db};
use crate::roles::texts;
use crate::rows::seconds;

impl PostgresStore {
    /// Takes a few round trips for each account, which to a server far away is more time than other
    /// operations have.
    pub(super) async fn import(
        &self,
        context: &Context,
        accounts: &[ImportedAccount],
        mode: ImportMode,
    ) -> StoreResult<Vec<ImportOutcome>> {
        let mut tx = self.write_everything().await?;
        Lock::Administration.take(&mut tx).await.map_err(db)?;
        let catalogue = self.known_roles.current(&mut tx).await?;
        let mut outcomes = Vec::with_capacity(accounts.len());
        for account in accounts {
            let outcome = match unknown_role(&catalogue, account) {
                Some(unknown) => ImportOutcome::UnknownRole(unknown),
                None => import_one(&mut tx, context, account).await?,
            };
            outcomes.push(outcome);
        }
        match mode {
            ImportMode::Rehearse => tx.roll_back().await?,
            ImportMode::Keep => tx.commit().await?,
        }
        Ok(outcomes)
    }
}

fn unknown_role(catalogue: &RoleCatalogue, account: &ImportedAccount) -> Option<RoleName> {
    let mut roles = account.account.roles.iter();
    roles.find(|role| catalogue.get(role).is_none()).cloned()
}

async fn import_one(
    tx: &mut Transaction,
    context: &Context,
    imported: &ImportedAccount,
) -> StoreResult<ImportOutcome> {
    let account = &imported.account;
    let canonical = account.email.canonical();
    // Two imports can't wait for each other's addresses: only one holds `Administration`.
    Lock::Address(canonical).take(tx).await.map_err(db)?;
    let name = account.name.as_ref().map(DisplayName::as_str);
    if addresses::is_reserved(tx, canonical, context.now).await? {
        return Ok(ImportOutcome::AddressTaken);
    }
    let inserted = sqlx::query!(
        "INSERT INTO accounts
             (id, email_canonical, email_original, email_verified, name, name_folded, status,
              version, device_epoch, password_hash, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, $8, $9)
         ON CONFLICT DO NOTHING",
        imported.id.0,
        canonical,
        account.email.original(),
        account.email_verified,
        name,
        name.map(str::to_lowercase),
        account.status.as_str(),
        account.password.expose(),
        seconds(imported.created_at)
    )
    .execute(&mut *tx)
    .await
    .map_err(db)?;
    if inserted.rows_affected() == 0 {
        return Ok(match account_at(tx, canonical).await? {
            Some(_) => ImportOutcome::AddressTaken,
            None => ImportOutcome::IdTaken,
        });
    }
    drop_registrations(tx, canonical).await?;
    give_roles(tx, imported.id, &account.roles).await?;
    let detail = json!({
        "roles": texts(account.roles.iter().filter(|role| !role.is_user())),
        "verified": account.email_verified,
        "status": account.status.as_str(),
        "password": !account.password.is_none(),
    });
    tx.record(context.event(Action::AccountImported, Some(imported.id), detail));
    Ok(ImportOutcome::Imported)
}
