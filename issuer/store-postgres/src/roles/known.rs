//! The roles in memory, so that a refresh doesn't read them all: kept with the version they had,
//! and read again by the first transaction that sees another version. Another process may be the
//! one that changed them.
//!
//! A server may go back in time while this process runs: a standby that hadn't heard of the last
//! changes takes the primary's place. So a version is no count but a number drawn for each change:
//! one that was lost never comes again with other roles behind it.

use std::sync::{Arc, PoisonError, RwLock};

use signet_core::ports::{StoreError, StoreResult};
use signet_core::role::{Permission, Role, RoleCatalogue};

use crate::db::{Transaction, db};
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
    /// The roles as `tx` sees them. A transaction asks before it changes any: what is kept here
    /// must never be rolled back.
    pub(crate) async fn current(&self, tx: &mut Transaction) -> StoreResult<Arc<RoleCatalogue>> {
        let version = sqlx::query_scalar!("SELECT roles_version FROM meta WHERE id = 1")
            .fetch_one(&mut *tx)
            .await
            .map_err(db)?;
        self.at(version, tx).await
    }

    /// The roles at a version that `tx` has just read, or the present ones.
    pub(crate) async fn at(
        &self,
        version: i64,
        tx: &mut Transaction,
    ) -> StoreResult<Arc<RoleCatalogue>> {
        let known = {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            known.clone()
        };
        if known.version == version {
            return Ok(known.roles);
        }
        let read = read(tx).await?;
        let roles = Arc::clone(&read.roles);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(roles)
    }
}

/// All roles as `tx` sees them, its own changes included.
pub(super) async fn load(tx: &mut Transaction) -> StoreResult<Arc<RoleCatalogue>> {
    Ok(read(tx).await?.roles)
}

/// All roles and their version, in one statement, which sees one moment.
async fn read(tx: &mut Transaction) -> StoreResult<Versioned> {
    let rows = sqlx::query!(
        r#"SELECT roles_version, name, description,
                  ARRAY(SELECT permission FROM role_permissions
                        WHERE role = roles.name) AS "permissions!",
                  ARRAY(SELECT inherits FROM role_inherits
                        WHERE role = roles.name) AS "inherits!"
           FROM meta CROSS JOIN roles WHERE meta.id = 1"#
    )
    .fetch_all(tx)
    .await
    .map_err(db)?;
    let version = rows.first().map(|row| row.roles_version);
    let version = version.ok_or_else(|| StoreError::Corrupt("there are no roles".to_owned()))?;
    let roles = rows.into_iter().map(|row| {
        Ok(Role {
            name: role_name(&row.name)?,
            description: row.description,
            permissions: row
                .permissions
                .iter()
                .map(|held| {
                    Permission::parse(held)
                        .map_err(|_| corrupt("role_permissions.permission", held))
                })
                .collect::<StoreResult<_>>()?,
            inherits: row
                .inherits
                .iter()
                .map(|inherited| role_name(inherited))
                .collect::<StoreResult<_>>()?,
        })
    });
    Ok(Versioned {
        version,
        roles: Arc::new(RoleCatalogue::new(roles.collect::<StoreResult<Vec<_>>>()?)),
    })
}
