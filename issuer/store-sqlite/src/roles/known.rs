//! The roles in memory, so that a refresh doesn't read them all: kept with the version they had,
//! and read again by the first transaction that sees another version. Another process may be the
//! one that changed them.
//!
//! What is kept may have been read from a change that isn't committed yet, and never will be. So a
//! version is no count but a number drawn for each change: one that was taken back never comes
//! again with other roles behind it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use signet_core::ports::StoreResult;
use signet_core::role::{Permission, Role, RoleCatalogue};
use sqlx::SqliteConnection;

use crate::db::db;
use crate::rows::{corrupt, role_name};

/// The roles as they were when they were last read.
#[derive(Debug, Default)]
pub(crate) struct KnownRoles(RwLock<Versioned>);

/// Roles at a value of `meta.roles_version`, which is never 0.
#[derive(Clone, Debug, Default)]
struct Versioned {
    version: i64,
    roles: Arc<RoleCatalogue>,
}

impl KnownRoles {
    /// The roles as `connection` sees them.
    pub(crate) async fn current(
        &self,
        connection: &mut SqliteConnection,
    ) -> StoreResult<Arc<RoleCatalogue>> {
        let version = version(&mut *connection).await?;
        self.at(version, connection).await
    }

    /// The roles at a version that `connection` has just read, or the present ones.
    pub(crate) async fn at(
        &self,
        version: i64,
        connection: &mut SqliteConnection,
    ) -> StoreResult<Arc<RoleCatalogue>> {
        let known = {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            known.clone()
        };
        if known.version == version {
            return Ok(known.roles);
        }
        let read = read(connection).await?;
        let roles = Arc::clone(&read.roles);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(roles)
    }
}

/// All roles as `connection` sees them, changes of its own transaction included.
pub(super) async fn load(connection: &mut SqliteConnection) -> StoreResult<Arc<RoleCatalogue>> {
    Ok(read(connection).await?.roles)
}

/// All roles and their version, at one moment: the version before them is the one after them.
async fn read(connection: &mut SqliteConnection) -> StoreResult<Versioned> {
    let mut before = version(&mut *connection).await?;
    loop {
        let roles = catalogue(&mut *connection).await?;
        let after = version(&mut *connection).await?;
        if after == before {
            return Ok(Versioned {
                version: after,
                roles: Arc::new(roles),
            });
        }
        before = after;
    }
}

async fn version(connection: &mut SqliteConnection) -> StoreResult<i64> {
    sqlx::query_scalar!("SELECT roles_version FROM meta WHERE id = 1")
        .fetch_one(connection)
        .await
        .map_err(db)
}

async fn catalogue(connection: &mut SqliteConnection) -> StoreResult<RoleCatalogue> {
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
