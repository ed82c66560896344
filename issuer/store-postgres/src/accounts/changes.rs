//! What admins change about accounts, decided in the transaction of the change.

use std::collections::BTreeSet;

use serde_json::json;
use signet_core::account::{Account, AccountId, AccountStatus};
use signet_core::audit::{Action, Context};
use signet_core::mailed_token::Purpose;
use signet_core::ports::{AdminRefusal, Ruled, StoreResult};
use signet_core::role::RoleName;
use signet_core::role::grant::{may_act_on, may_set_roles};

use crate::accounts::{existing, find, has_admin};
use crate::actor::is_live;
use crate::db::{PostgresStore, Transaction, db};
use crate::roles::texts;
use crate::{sessions, tokens};

const WRITE: &str = "users:write";

impl PostgresStore {
    pub(super) async fn change_status(
        &self,
        context: &Context,
        id: AccountId,
        status: AccountStatus,
    ) -> Ruled<Account, AdminRefusal> {
        let mut tx = self.write().await?;
        let actor = match self.permitted(&mut tx, context, WRITE).await? {
            Ok(actor) => actor,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let Some(target) = find(&mut tx, id).await? else {
            return Ok(Err(AdminRefusal::NotFound));
        };
        let authority = actor.catalogue.authority(&target.roles);
        if let Err(refusal) = may_act_on(&actor.authority, &authority) {
            return Ok(Err(refusal.into()));
        }
        let action = match (target.status, status) {
            (AccountStatus::Invited, AccountStatus::Active) => {
                return Ok(Err(AdminRefusal::Invited));
            }
            // Only an invite does that.
            (_, AccountStatus::Invited) => return Ok(Err(AdminRefusal::Forbidden)),
            (_, AccountStatus::Active) => Action::AccountActivated,
            (_, AccountStatus::Suspended) => Action::AccountSuspended,
        };
        if target.status == status {
            return Ok(Ok(target));
        }
        let was_admin = authority.is_admin() && is_live(&target);
        write_status(&mut tx, id, status).await?;
        if status == AccountStatus::Suspended {
            sessions::end_all(&mut tx, id, context.now).await?;
            tokens::void_purpose(&mut tx, id, Purpose::EmailChange).await?;
        }
        if was_admin && !has_admin(&mut tx, &actor.catalogue).await? {
            return Ok(Err(AdminRefusal::LastAdmin));
        }
        tx.record(context.event(action, Some(id), json!({})));
        let changed = existing(&mut tx, id).await?;
        tx.commit().await?;
        Ok(Ok(changed))
    }

    pub(super) async fn change_roles(
        &self,
        context: &Context,
        id: AccountId,
        roles: &BTreeSet<RoleName>,
    ) -> Ruled<Account, AdminRefusal> {
        let mut tx = self.write().await?;
        let actor = match self.permitted(&mut tx, context, WRITE).await? {
            Ok(actor) => actor,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let Some(target) = find(&mut tx, id).await? else {
            return Ok(Err(AdminRefusal::NotFound));
        };
        let authority = actor.catalogue.authority(&target.roles);
        let rule = may_set_roles(&actor.catalogue, &actor.authority, &authority, roles);
        if let Err(refusal) = rule {
            return Ok(Err(refusal.into()));
        }
        let was_admin = authority.is_admin() && is_live(&target);
        // The account before its roles: a refresh that read the old ones has read the old version.
        sqlx::query!(
            "UPDATE accounts SET version = version + 1 WHERE id = $1",
            id.0
        )
        .execute(&mut tx)
        .await
        .map_err(db)?;
        sqlx::query!("DELETE FROM account_roles WHERE account_id = $1", id.0)
            .execute(&mut tx)
            .await
            .map_err(db)?;
        give_roles(&mut tx, id, roles).await?;
        if was_admin && !has_admin(&mut tx, &actor.catalogue).await? {
            return Ok(Err(AdminRefusal::LastAdmin));
        }
        let changed = existing(&mut tx, id).await?;
        let (before, after) = (texts(target.roles.iter()), texts(changed.roles.iter()));
        let detail = json!({ "before": before, "after": after });
        tx.record(context.event(Action::AccountRolesSet, Some(id), detail));
        tx.commit().await?;
        Ok(Ok(changed))
    }
}

/// Suspending also raises what voids tokens and devices, and takes an invite back.
async fn write_status(
    tx: &mut Transaction,
    id: AccountId,
    status: AccountStatus,
) -> StoreResult<()> {
    let raised = i64::from(status == AccountStatus::Suspended);
    sqlx::query!(
        "UPDATE accounts SET status = $1, invited_at = NULL, version = version + $2,
             device_epoch = device_epoch + $2
         WHERE id = $3",
        status.as_str(),
        raised,
        id.0
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}

/// Gives an account roles that exist. `user` is everyone's and isn't kept.
pub(super) async fn give_roles(
    tx: &mut Transaction,
    id: AccountId,
    roles: &BTreeSet<RoleName>,
) -> StoreResult<()> {
    let kept = texts(roles.iter().filter(|role| !role.is_user()));
    sqlx::query!(
        "INSERT INTO account_roles (account_id, role)
         SELECT $1, role FROM unnest($2::text[]) AS role",
        id.0,
        &kept
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}
