//! Roles.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use signet_core::audit::{Action, Context};
use signet_core::ports::{AccountChangeError, RoleStore, Ruled, StoreResult};
use signet_core::role::grant::{GrantError, may_create, may_delete, may_replace};
use signet_core::role::{Permission, Role, RoleCatalogue, RoleName};
use sqlx::SqliteConnection;

use crate::audit::record;
use crate::db::{SqliteStore, db};
use crate::rows::{corrupt, role_name};

const WRITE: &str = "roles:write";

/// All roles, as they are in this transaction.
pub(crate) async fn load(connection: &mut SqliteConnection) -> StoreResult<RoleCatalogue> {
    let mut roles = BTreeMap::new();
    let rows = sqlx::query!("SELECT name, description FROM roles")
        .fetch_all(&mut *connection)
        .await
        .map_err(db)?;
    for row in rows {
        let name = role_name(&row.name)?;
        let role = Role {
            name: name.clone(),
            description: row.description,
            permissions: BTreeSet::new(),
            inherits: BTreeSet::new(),
        };
        roles.insert(name, role);
    }
    let rows = sqlx::query!("SELECT role, permission FROM role_permissions")
        .fetch_all(&mut *connection)
        .await
        .map_err(db)?;
    for row in rows {
        let permission = Permission::parse(&row.permission)
            .map_err(|_| corrupt("role_permissions.permission", &row.permission))?;
        if let Some(role) = roles.get_mut(row.role.as_str()) {
            role.permissions.insert(permission);
        }
    }
    let rows = sqlx::query!("SELECT role, inherits FROM role_inherits")
        .fetch_all(connection)
        .await
        .map_err(db)?;
    for row in rows {
        let inherited = role_name(&row.inherits)?;
        if let Some(role) = roles.get_mut(row.role.as_str()) {
            role.inherits.insert(inherited);
        }
    }
    Ok(RoleCatalogue::new(roles.into_values()))
}

impl SqliteStore {
    /// The roles as they are in this transaction.
    pub(crate) async fn current_catalogue(
        &self,
        connection: &mut SqliteConnection,
    ) -> StoreResult<Arc<RoleCatalogue>> {
        let version = sqlx::query_scalar!("SELECT roles_version FROM meta WHERE id = 1")
            .fetch_one(&mut *connection)
            .await
            .map_err(db)?;
        self.catalogue_at(version, connection).await
    }
}

#[async_trait]
impl RoleStore for SqliteStore {
    async fn role_catalogue(&self) -> StoreResult<Arc<RoleCatalogue>> {
        let mut tx = self.readers.begin().await.map_err(db)?;
        self.current_catalogue(&mut tx).await
    }

    async fn create_role(&self, context: &Context, role: Role) -> Ruled<(), AccountChangeError> {
        let mut tx = self.begin().await?;
        let actor = match self.permitted(&mut tx, context, WRITE).await? {
            Ok(actor) => actor,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Err(refusal) = may_create(&actor.catalogue, &actor.authority, &role) {
            return Ok(Err(refusal.into()));
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
        let event = context.event(Action::RoleCreated, None, describe(&role));
        record(&mut tx, event).await?;
        tx.commit().await.map_err(db)?;
        Ok(Ok(()))
    }

    async fn replace_role(&self, context: &Context, role: Role) -> Ruled<(), AccountChangeError> {
        let mut tx = self.begin().await?;
        let actor = match self.permitted(&mut tx, context, WRITE).await? {
            Ok(actor) => actor,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Err(refusal) = may_replace(&actor.catalogue, &actor.authority, &role) {
            return Ok(Err(refusal.into()));
        }
        let before = actor.catalogue.get(&role.name).map(describe);
        let name = role.name.as_str();
        sqlx::query!(
            "UPDATE roles SET description = ? WHERE name = ?",
            role.description,
            name
        )
        .execute(&mut *tx)
        .await
        .map_err(db)?;
        undefine(&mut tx, name).await?;
        define(&mut tx, &role).await?;
        let after = load(&mut tx).await?;
        bump_versions(&mut tx, &role.name, &actor.catalogue, &after).await?;
        let detail = json!({ "before": before, "after": describe(&role) });
        record(&mut tx, context.event(Action::RoleReplaced, None, detail)).await?;
        tx.commit().await.map_err(db)?;
        Ok(Ok(()))
    }

    async fn delete_role(
        &self,
        context: &Context,
        name: &RoleName,
    ) -> Ruled<(), AccountChangeError> {
        let mut tx = self.begin().await?;
        let actor = match self.permitted(&mut tx, context, WRITE).await? {
            Ok(actor) => actor,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Err(refusal) = may_delete(&actor.catalogue, &actor.authority, name) {
            return Ok(Err(refusal.into()));
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
            return Ok(Err(GrantError::InUse.into()));
        }
        raise_roles_version(&mut tx).await?;
        let event = context.event(Action::RoleDeleted, None, json!({ "role": text }));
        record(&mut tx, event).await?;
        tx.commit().await.map_err(db)?;
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
    raise_roles_version(connection).await
}

/// Removes what a role grants.
async fn undefine(connection: &mut SqliteConnection, name: &str) -> StoreResult<()> {
    sqlx::query!("DELETE FROM role_permissions WHERE role = ?", name)
        .execute(&mut *connection)
        .await
        .map_err(db)?;
    sqlx::query!("DELETE FROM role_inherits WHERE role = ?", name)
        .execute(connection)
        .await
        .map_err(db)?;
    Ok(())
}

async fn raise_roles_version(connection: &mut SqliteConnection) -> StoreResult<()> {
    sqlx::query!("UPDATE meta SET roles_version = roles_version + 1 WHERE id = 1")
        .execute(connection)
        .await
        .map_err(db)?;
    Ok(())
}

/// Raises the version of every account that may do less after the change of `name` than before.
async fn bump_versions(
    connection: &mut SqliteConnection,
    name: &RoleName,
    before: &RoleCatalogue,
    after: &RoleCatalogue,
) -> StoreResult<()> {
    for heir in before.heirs(name) {
        if before.effective(&heir).is_subset(&after.effective(&heir)) {
            continue;
        }
        if heir.is_user() {
            sqlx::query!("UPDATE accounts SET version = version + 1")
                .execute(&mut *connection)
                .await
                .map_err(db)?;
            return Ok(());
        }
        let heir = heir.as_str();
        sqlx::query!(
            "UPDATE accounts SET version = version + 1
             WHERE id IN (SELECT account_id FROM account_roles WHERE role = ?)",
            heir
        )
        .execute(&mut *connection)
        .await
        .map_err(db)?;
    }
    Ok(())
}
