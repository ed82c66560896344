//! What admins change about accounts, decided in the transaction of the change.

use std::collections::BTreeSet;

use serde_json::json;
use signet_core::account::{Account, AccountId, AccountStatus};
use signet_core::audit::{Action, Context};
use signet_core::mailed_token::Purpose;
use signet_core::ports::{AdminRefusal, Ruled, StoreResult};
use signet_core::role::RoleName;
use signet_core::role::grant::{may_act_on, may_set_roles};
use sqlx::SqliteConnection;

use crate::accounts::{existing, find, has_admin};
use crate::actor::is_live;
use crate::audit::record;
use crate::db::{SqliteStore, db};
use crate::{sessions, tokens};

const WRITE: &str = "users:write";

impl SqliteStore {
    pub(super) async fn change_status(
        &self,
        context: &Context,
        id: AccountId,
        status: AccountStatus,
    ) -> Ruled<Account, AdminRefusal> {
        let mut tx = self.write().await?;
        let actor = match self.permitted(&mut tx, context, WRITE).await? {
            Ok(actor) => actor,
            Err(refusal) => return tx.leave(Err(refusal)).await,
        };
        let Some(target) = find(&mut tx, id).await? else {
            return tx.leave(Err(AdminRefusal::NotFound)).await;
        };
        let authority = actor.catalogue.authority(&target.roles);
        if let Err(refusal) = may_act_on(&actor.authority, &authority) {
            return tx.leave(Err(refusal.into())).await;
        }
        let action = match (target.status, status) {
            (AccountStatus::Invited, AccountStatus::Active) => {
                return tx.leave(Err(AdminRefusal::Invited)).await;
            }
            // Only an invite does that.
            (_, AccountStatus::Invited) => {
                return tx.leave(Err(AdminRefusal::Forbidden)).await;
            }
            (_, AccountStatus::Active) => Action::AccountActivated,
            (_, AccountStatus::Suspended) => Action::AccountSuspended,
        };
        if target.status == status {
            return tx.leave(Ok(target)).await;
        }
        let was_admin = authority.is_admin() && is_live(&target);
        write_status(&mut tx, id, status).await?;
        if status == AccountStatus::Suspended {
            sessions::end_all(&mut tx, id, context.now).await?;
            tokens::void_purpose(&mut tx, id, Purpose::EmailChange).await?;
        }
        if was_admin && !has_admin(&mut tx, &actor.catalogue).await? {
            return tx.leave(Err(AdminRefusal::LastAdmin)).await;
        }
        record(&mut tx, context.event(action, Some(id), json!({}))).await?;
        let changed = existing(&mut tx, id).await?;
        tx.commit().await?;
        Ok(Ok(changed))
    }

    pub(super) async fn change_roles(
        &self,
        context: &Context,
        id: AccountId,
        roles: BTreeSet<RoleName>,
    ) -> Ruled<Account, AdminRefusal> {
        let mut tx = self.write().await?;
        let actor = match self.permitted(&mut tx, context, WRITE).await? {
            Ok(actor) => actor,
            Err(refusal) => return tx.leave(Err(refusal)).await,
        };
        let Some(target) = find(&mut tx, id).await? else {
            return tx.leave(Err(AdminRefusal::NotFound)).await;
        };
        let authority = actor.catalogue.authority(&target.roles);
        let rule = may_set_roles(&actor.catalogue, &actor.authority, &authority, &roles);
        if let Err(refusal) = rule {
            return tx.leave(Err(refusal.into())).await;
        }
        let was_admin = authority.is_admin() && is_live(&target);
        let bytes = id.0.as_bytes().as_slice();
        sqlx::query!("DELETE FROM account_roles WHERE account_id = ?", bytes)
            .execute(&mut *tx)
            .await
            .map_err(db)?;
        give_roles(&mut tx, id, &roles).await?;
        sqlx::query!(
            "UPDATE accounts SET version = version + 1 WHERE id = ?",
            bytes
        )
        .execute(&mut *tx)
        .await
        .map_err(db)?;
        if was_admin && !has_admin(&mut tx, &actor.catalogue).await? {
            return tx.leave(Err(AdminRefusal::LastAdmin)).await;
        }
        let changed = existing(&mut tx, id).await?;
        let detail = json!({ "before": texts(&target.roles), "after": texts(&changed.roles) });
        let event = context.event(Action::AccountRolesSet, Some(id), detail);
        record(&mut tx, event).await?;
        tx.commit().await?;
        Ok(Ok(changed))
    }
}

/// Suspending also raises what voids tokens and devices, and takes an invite back.
async fn write_status(
    connection: &mut SqliteConnection,
    id: AccountId,
    status: AccountStatus,
) -> StoreResult<()> {
    let raised = i64::from(status == AccountStatus::Suspended);
    let (id, status) = (id.0.as_bytes().as_slice(), status.as_str());
    sqlx::query!(
        "UPDATE accounts SET status = ?1, invited_at = NULL, version = version + ?2,
             device_epoch = device_epoch + ?2
         WHERE id = ?3",
        status,
        raised,
        id
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
}

/// Gives an account roles that exist. `user` is everyone's and isn't kept.
pub(super) async fn give_roles(
    connection: &mut SqliteConnection,
    id: AccountId,
    roles: &BTreeSet<RoleName>,
) -> StoreResult<()> {
    let id = id.0.as_bytes().as_slice();
    for role in roles.iter().filter(|role| !role.is_user()) {
        let role = role.as_str();
        sqlx::query!(
            "INSERT INTO account_roles (account_id, role) VALUES (?, ?)",
            id,
            role
        )
        .execute(&mut *connection)
        .await
        .map_err(db)?;
    }
    Ok(())
}

pub(super) fn texts(roles: &BTreeSet<RoleName>) -> Vec<&str> {
    roles.iter().map(RoleName::as_str).collect()
}
