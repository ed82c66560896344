//! Accounts that another system had.

use serde_json::json;
use signet_core::account::DisplayName;
use signet_core::account::import::{ImportMode, ImportOutcome, ImportedAccount};
use signet_core::audit::{Action, Context};
use signet_core::ports::StoreResult;
use signet_core::role::{RoleCatalogue, RoleName};
use sqlx::SqliteConnection;

use super::changes::give_roles;
use super::{account_at, drop_registrations};
use crate::addresses;
use crate::audit::record;
use crate::db::{SqliteStore, db};
use crate::rows::seconds;

impl SqliteStore {
    pub(super) async fn import(
        &self,
        context: &Context,
        accounts: &[ImportedAccount],
        mode: ImportMode,
    ) -> StoreResult<Vec<ImportOutcome>> {
        let mut tx = self.write().await?;
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
            ImportMode::Rehearse => tx.leave(outcomes).await,
            ImportMode::Keep => {
                tx.commit().await?;
                Ok(outcomes)
            }
        }
    }
}

fn unknown_role(catalogue: &RoleCatalogue, account: &ImportedAccount) -> Option<RoleName> {
    let mut roles = account.account.roles.iter();
    roles.find(|role| catalogue.get(role).is_none()).cloned()
}

async fn import_one(
    connection: &mut SqliteConnection,
    context: &Context,
    imported: &ImportedAccount,
) -> StoreResult<ImportOutcome> {
    let account = &imported.account;
    let id = imported.id.0.as_bytes().as_slice();
    let (canonical, original) = (account.email.canonical(), account.email.original());
    let name = account.name.as_ref().map(DisplayName::as_str);
    let folded = name.map(str::to_lowercase);
    let verified = i64::from(account.email_verified);
    let (status, password) = (account.status.as_str(), account.password.expose());
    let created_at = seconds(imported.created_at);
    if addresses::is_reserved(connection, canonical, context.now).await? {
        return Ok(ImportOutcome::AddressTaken);
    }
    let inserted = sqlx::query!(
        "INSERT INTO accounts
             (id, email_canonical, email_original, email_verified, name, name_folded, status,
              version, device_epoch, password_hash, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, ?, ?)
         ON CONFLICT DO NOTHING",
        id,
        canonical,
        original,
        verified,
        name,
        folded,
        status,
        password,
        created_at
    )
    .execute(&mut *connection)
    .await
    .map_err(db)?;
    if inserted.rows_affected() == 0 {
        return Ok(match account_at(connection, canonical).await? {
            Some(_) => ImportOutcome::AddressTaken,
            None => ImportOutcome::IdTaken,
        });
    }
    drop_registrations(connection, canonical).await?;
    give_roles(connection, imported.id, &account.roles).await?;
    let kept = account.roles.iter().filter(|role| !role.is_user());
    let detail = json!({
        "roles": kept.map(RoleName::as_str).collect::<Vec<_>>(),
        "verified": account.email_verified,
        "status": status,
        "password": !account.password.is_none(),
    });
    let event = context.event(Action::AccountImported, Some(imported.id), detail);
    record(connection, event).await?;
    Ok(ImportOutcome::Imported)
}
