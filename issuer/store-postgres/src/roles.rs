//! Roles.

mod known;

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use signet_core::audit::{Action, Context};
use signet_core::ports::{AdminRefusal, RoleStore, Ruled, StoreResult};
use signet_core::role::grant::{GrantError, may_create, may_delete, may_replace};
use signet_core::role::{Permission, Role, RoleCatalogue, RoleName};

use crate::accounts::has_admin;
use crate::db::{PostgresStore, Transaction, db};

pub(crate) use known::KnownRoles;

const WRITE: &str = "roles:write";

#[async_trait]
impl RoleStore for PostgresStore {
    async fn role_catalogue(&self) -> StoreResult<Arc<RoleCatalogue>> {
        self.attempt(|| async {
            let mut tx = self.snapshot().await?;
            self.known_roles.current(&mut tx).await
        })
        .await
    }

    async fn create_role(&self, context: &Context, role: Role) -> Ruled<(), AdminRefusal> {
        self.attempt(|| async {
            let mut tx = self.write().await?;
            let actor = match self.permitted(&mut tx, context, WRITE).await? {
                Ok(actor) => actor,
                Err(refusal) => return Ok(Err(refusal)),
            };
            if let Err(refusal) = may_create(&actor.catalogue, &actor.authority, &role) {
                return Ok(Err(refusal.into()));
            }
            sqlx::query!(
                "INSERT INTO roles (name, description) VALUES ($1, $2)",
                role.name.as_str(),
                role.description
            )
            .execute(&mut tx)
            .await
            .map_err(db)?;
            define(&mut tx, &role).await?;
            draw_roles_version(&mut tx).await?;
            tx.record(context.event(Action::RoleCreated, None, describe(&role)));
            tx.commit().await?;
            Ok(Ok(()))
        })
        .await
    }

    async fn replace_role(&self, context: &Context, role: Role) -> Ruled<(), AdminRefusal> {
        self.attempt(|| async {
            let mut tx = self.write().await?;
            let actor = match self.permitted(&mut tx, context, WRITE).await? {
                Ok(actor) => actor,
                Err(refusal) => return Ok(Err(refusal)),
            };
            if let Err(refusal) = may_replace(&actor.catalogue, &actor.authority, &role) {
                return Ok(Err(refusal.into()));
            }
            let before = actor.catalogue.get(&role.name).map(describe);
            redefine(&mut tx, &role).await?;
            draw_roles_version(&mut tx).await?;
            let catalogue = known::load(&mut tx).await?;
            if leaves_no_admin(&mut tx, &actor.catalogue, &catalogue).await? {
                return Ok(Err(AdminRefusal::LastAdmin));
            }
            raise_account_versions(&mut tx, &actor.catalogue, &catalogue).await?;
            let detail = json!({ "before": before, "after": describe(&role) });
            tx.record(context.event(Action::RoleReplaced, None, detail));
            tx.commit().await?;
            Ok(Ok(()))
        })
        .await
    }

    async fn delete_role(&self, context: &Context, name: &RoleName) -> Ruled<(), AdminRefusal> {
        self.attempt(|| async {
            let mut tx = self.write().await?;
            let actor = match self.permitted(&mut tx, context, WRITE).await? {
                Ok(actor) => actor,
                Err(refusal) => return Ok(Err(refusal)),
            };
            if let Err(refusal) = may_delete(&actor.catalogue, &actor.authority, name) {
                return Ok(Err(refusal.into()));
            }
            let deleted = sqlx::query!(
                "DELETE FROM roles WHERE name = $1
                 AND NOT EXISTS (SELECT 1 FROM account_roles WHERE role = $1)",
                name.as_str()
            )
            .execute(&mut tx)
            .await
            .map_err(db)?;
            if deleted.rows_affected() == 0 {
                return Ok(Err(GrantError::InUse.into()));
            }
            draw_roles_version(&mut tx).await?;
            let detail = json!({ "role": name.as_str() });
            tx.record(context.event(Action::RoleDeleted, None, detail));
            tx.commit().await?;
            Ok(Ok(()))
        })
        .await
    }
}

fn describe(role: &Role) -> Value {
    let permissions: Vec<&str> = role.permissions.iter().map(Permission::as_str).collect();
    let inherits: Vec<&str> = role.inherits.iter().map(RoleName::as_str).collect();
    json!({
        "role": role.name.as_str(),
        "permissions": permissions,
        "inherits": inherits,
    })
}

/// Writes what a role grants.
async fn define(tx: &mut Transaction, role: &Role) -> StoreResult<()> {
    let name = role.name.as_str();
    let permissions = role.permissions.iter().map(|held| held.as_str().to_owned());
    sqlx::query!(
        "INSERT INTO role_permissions (role, permission)
         SELECT $1, permission FROM unnest($2::text[]) AS permission",
        name,
        &permissions.collect::<Vec<_>>()
    )
    .execute(&mut *tx)
    .await
    .map_err(db)?;
    sqlx::query!(
        "INSERT INTO role_inherits (role, inherits)
         SELECT $1, inherits FROM unnest($2::text[]) AS inherits",
        name,
        &texts(role.inherits.iter())
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}

/// Writes what a role grants in place of what it granted.
async fn redefine(tx: &mut Transaction, role: &Role) -> StoreResult<()> {
    let name = role.name.as_str();
    sqlx::query!(
        "UPDATE roles SET description = $1 WHERE name = $2",
        role.description,
        name
    )
    .execute(&mut *tx)
    .await
    .map_err(db)?;
    sqlx::query!("DELETE FROM role_permissions WHERE role = $1", name)
        .execute(&mut *tx)
        .await
        .map_err(db)?;
    sqlx::query!("DELETE FROM role_inherits WHERE role = $1", name)
        .execute(&mut *tx)
        .await
        .map_err(db)?;
    define(tx, role).await
}

/// Tells every process that its roles are old, by a number that never was the version before: 122
/// random bits of the server's, hashed to a positive number.
async fn draw_roles_version(tx: &mut Transaction) -> StoreResult<()> {
    sqlx::query!(
        "UPDATE meta SET roles_version =
             (hashtextextended(gen_random_uuid()::text, 0) & 9223372036854775807) | 1
         WHERE id = 1"
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}

/// Whether there was an admin before the roles changed, and there is none after it.
async fn leaves_no_admin(
    tx: &mut Transaction,
    before: &RoleCatalogue,
    after: &RoleCatalogue,
) -> StoreResult<bool> {
    Ok(has_admin(tx, before).await? && !has_admin(tx, after).await?)
}

/// Raises the version of every account that holds a role which grants less than it did `before`.
/// Rows are locked in the order of their ids.
async fn raise_account_versions(
    tx: &mut Transaction,
    before: &RoleCatalogue,
    after: &RoleCatalogue,
) -> StoreResult<()> {
    let shrunk = before.shrunk_in(after);
    if shrunk.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE accounts SET version = version + 1
         WHERE id IN (SELECT id FROM accounts
                      WHERE $1 OR id IN (SELECT account_id FROM account_roles
                                         WHERE role = ANY ($2))
                      ORDER BY id FOR NO KEY UPDATE)",
        shrunk.iter().any(RoleName::is_user),
        &texts(shrunk.iter())
    )
    .execute(tx)
    .await
    .map_err(db)?;
    Ok(())
}

/// Names as the database takes them.
pub(crate) fn texts<'a>(names: impl Iterator<Item = &'a RoleName>) -> Vec<String> {
    names.map(|name| name.as_str().to_owned()).collect()
}
