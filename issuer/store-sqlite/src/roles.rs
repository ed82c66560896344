//! Roles.

mod known;

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use signet_core::audit::{Action, Context};
use signet_core::ports::{AdminRefusal, RoleStore, Ruled, StoreResult};
use signet_core::role::grant::{GrantError, may_create, may_delete, may_replace};
use signet_core::role::{Permission, Role, RoleCatalogue, RoleName};
use sqlx::SqliteConnection;

use crate::accounts::has_admin;
use crate::audit::record;
use crate::db::{SqliteStore, db};

pub(crate) use known::KnownRoles;

const WRITE: &str = "roles:write";

#[async_trait]
impl RoleStore for SqliteStore {
    async fn role_catalogue(&self) -> StoreResult<Arc<RoleCatalogue>> {
        let mut connection = self.readers.acquire().await.map_err(db)?;
        self.known_roles.current(&mut connection).await
    }

    async fn create_role(&self, context: &Context, role: Role) -> Ruled<(), AdminRefusal> {
        let mut tx = self.write().await?;
        let actor = match self.permitted(&mut tx, context, WRITE).await? {
            Ok(actor) => actor,
            Err(refusal) => return tx.leave(Err(refusal)).await,
        };
        if let Err(refusal) = may_create(&actor.catalogue, &actor.authority, &role) {
            return tx.leave(Err(refusal.into())).await;
        }
        let name = role.name.as_str();
        sqlx::query!(
            "INSERT INTO roles (name, description) VALUES (?, ?)",
            name,
            role.description
        )
        .execute(&mut *tx)
        .await
        .map_err(db)?;
        define(&mut tx, &role).await?;
        draw_roles_version(&mut tx).await?;
        let event = context.event(Action::RoleCreated, None, describe(&role));
        record(&mut tx, event).await?;
        tx.commit().await?;
        Ok(Ok(()))
    }

    async fn replace_role(&self, context: &Context, role: Role) -> Ruled<(), AdminRefusal> {
        let mut tx = self.write().await?;
        let actor = match self.permitted(&mut tx, context, WRITE).await? {
            Ok(actor) => actor,
            Err(refusal) => return tx.leave(Err(refusal)).await,
        };
        if let Err(refusal) = may_replace(&actor.catalogue, &actor.authority, &role) {
            return tx.leave(Err(refusal.into())).await;
        }
        let before = actor.catalogue.get(&role.name).map(describe);
        redefine(&mut tx, &role).await?;
        draw_roles_version(&mut tx).await?;
        let catalogue = known::load(&mut tx).await?;
        if leaves_no_admin(&mut tx, &actor.catalogue, &catalogue).await? {
            return tx.leave(Err(AdminRefusal::LastAdmin)).await;
        }
        raise_account_versions(&mut tx, &actor.catalogue, &catalogue).await?;
        let detail = json!({ "before": before, "after": describe(&role) });
        record(&mut tx, context.event(Action::RoleReplaced, None, detail)).await?;
        tx.commit().await?;
        Ok(Ok(()))
    }

    async fn delete_role(&self, context: &Context, name: &RoleName) -> Ruled<(), AdminRefusal> {
        let mut tx = self.write().await?;
        let actor = match self.permitted(&mut tx, context, WRITE).await? {
            Ok(actor) => actor,
            Err(refusal) => return tx.leave(Err(refusal)).await,
        };
        if let Err(refusal) = may_delete(&actor.catalogue, &actor.authority, name) {
            return tx.leave(Err(refusal.into())).await;
        }
        let text = name.as_str();
        let deleted = sqlx::query!(
            "DELETE FROM roles WHERE name = ?1
             AND NOT EXISTS (SELECT 1 FROM account_roles WHERE role = ?1)",
            text
        )
        .execute(&mut *tx)
        .await
        .map_err(db)?;
        if deleted.rows_affected() == 0 {
            return tx.leave(Err(GrantError::InUse.into())).await;
        }
        draw_roles_version(&mut tx).await?;
        let event = context.event(Action::RoleDeleted, None, json!({ "role": text }));
        record(&mut tx, event).await?;
        tx.commit().await?;
        Ok(Ok(()))
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
async fn define(connection: &mut SqliteConnection, role: &Role) -> StoreResult<()> {
    let name = role.name.as_str();
    for permission in &role.permissions {
        let permission = permission.as_str();
        sqlx::query!(
            "INSERT INTO role_permissions (role, permission) VALUES (?, ?)",
            name,
            permission
        )
        .execute(&mut *connection)
        .await
        .map_err(db)?;
    }
    for inherited in &role.inherits {
        let inherited = inherited.as_str();
        sqlx::query!(
            "INSERT INTO role_inherits (role, inherits) VALUES (?, ?)",
            name,
            inherited
        )
        .execute(&mut *connection)
        .await
        .map_err(db)?;
    }
    Ok(())
}

/// Writes what a role grants in place of what it granted.
async fn redefine(connection: &mut SqliteConnection, role: &Role) -> StoreResult<()> {
    let name = role.name.as_str();
    sqlx::query!(
        "UPDATE roles SET description = ? WHERE name = ?",
        role.description,
        name
    )
    .execute(&mut *connection)
    .await
    .map_err(db)?;
    sqlx::query!("DELETE FROM role_permissions WHERE role = ?", name)
        .execute(&mut *connection)
        .await
        .map_err(db)?;
    sqlx::query!("DELETE FROM role_inherits WHERE role = ?", name)
        .execute(&mut *connection)
        .await
        .map_err(db)?;
    define(connection, role).await
}

/// Tells every process that its roles are old, by a number that never was the version before.
async fn draw_roles_version(connection: &mut SqliteConnection) -> StoreResult<()> {
    sqlx::query!(
        "UPDATE meta SET roles_version = (random() & 9223372036854775807) | 1 WHERE id = 1"
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
}

/// Whether there was an admin before the roles changed, and there is none after it.
async fn leaves_no_admin(
    connection: &mut SqliteConnection,
    before: &RoleCatalogue,
    after: &RoleCatalogue,
) -> StoreResult<bool> {
    Ok(has_admin(connection, before).await? && !has_admin(connection, after).await?)
}

/// Raises the version of every account that holds a role which grants less than it did `before`.
async fn raise_account_versions(
    connection: &mut SqliteConnection,
    before: &RoleCatalogue,
    after: &RoleCatalogue,
) -> StoreResult<()> {
    let shrunk = before.shrunk_in(after);
    let everyone = shrunk.iter().any(RoleName::is_user);
    let names: Vec<&str> = shrunk.iter().map(RoleName::as_str).collect();
    let names = json!(names).to_string();
    sqlx::query!(
        "UPDATE accounts SET version = version + 1
         WHERE ?1 OR id IN (SELECT account_id FROM account_roles
                            WHERE role IN (SELECT value FROM json_each(?2)))",
        everyone,
        names
    )
    .execute(connection)
    .await
    .map_err(db)?;
    Ok(())
}
