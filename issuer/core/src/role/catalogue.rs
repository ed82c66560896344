//! Every role at one moment, and what follows from holding some of them.

use std::collections::{BTreeMap, BTreeSet};

use super::{ADMIN_PERMISSIONS, Permission, Role, RoleName};

/// All roles of one issuer, at one version of the store.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RoleCatalogue {
    roles: BTreeMap<RoleName, Role>,
}

/// What somebody may do, computed from the roles they were given.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Authority {
    /// The given roles and `user`, sorted.
    pub roles: BTreeSet<RoleName>,
    /// Everything these roles grant, inherited ones included.
    pub permissions: BTreeSet<Permission>,
}

impl Authority {
    /// Whether `permission` is among the permissions.
    #[must_use]
    pub fn permits(&self, permission: &str) -> bool {
        self.permissions.contains(permission)
    }

    /// Whether this is a full admin.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.roles.contains("admin")
    }
}

impl RoleCatalogue {
    /// Puts the stored roles together.
    #[must_use]
    pub fn new(roles: impl IntoIterator<Item = Role>) -> Self {
        Self {
            roles: roles
                .into_iter()
                .map(|role| (role.name.clone(), role))
                .collect(),
        }
    }

    /// The role of that name.
    #[must_use]
    pub fn get(&self, name: &RoleName) -> Option<&Role> {
        self.roles.get(name)
    }

    /// All roles, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Role> {
        self.roles.values()
    }

    /// Every permission that exists: those of the admin routes and whatever a role names.
    #[must_use]
    pub fn all_permissions(&self) -> BTreeSet<Permission> {
        ADMIN_PERMISSIONS
            .iter()
            .filter_map(|name| Permission::parse(name).ok())
            .chain(
                self.roles
                    .values()
                    .flat_map(|role| role.permissions.iter().cloned()),
            )
            .collect()
    }

    /// What somebody with these roles may do. Names of roles that no longer exist grant nothing.
    #[must_use]
    pub fn authority(&self, given: &BTreeSet<RoleName>) -> Authority {
        let mut roles = given.clone();
        roles.insert(RoleName::user());
        Authority {
            permissions: self.permissions_of(roles.iter()),
            roles,
        }
    }

    /// Everything one role grants, inherited permissions included.
    #[must_use]
    pub fn effective(&self, name: &RoleName) -> BTreeSet<Permission> {
        self.permissions_of([name])
    }

    fn permissions_of<'a>(
        &'a self,
        names: impl IntoIterator<Item = &'a RoleName>,
    ) -> BTreeSet<Permission> {
        let reached = self.reach(names);
        if reached.iter().any(|name| name.is_admin()) {
            return self.all_permissions();
        }
        reached
            .into_iter()
            .filter_map(|name| self.roles.get(name))
            .flat_map(|role| role.permissions.iter().cloned())
            .collect()
    }

    /// The named roles and all that they inherit.
    fn reach<'a>(
        &'a self,
        names: impl IntoIterator<Item = &'a RoleName>,
    ) -> BTreeSet<&'a RoleName> {
        let mut reached = BTreeSet::new();
        let mut pending: Vec<&RoleName> = names.into_iter().collect();
        while let Some(name) = pending.pop() {
            if reached.insert(name)
                && let Some(role) = self.roles.get(name)
            {
                pending.extend(&role.inherits);
            }
        }
        reached
    }

    /// Whether `role`, put in place of what has its name today, would inherit from itself.
    #[must_use]
    pub fn would_cycle(&self, role: &Role) -> bool {
        self.reach(&role.inherits).contains(&role.name)
    }

    /// The roles that grant what `name` grants: itself and all that inherit it.
    #[must_use]
    pub fn heirs(&self, name: &RoleName) -> BTreeSet<RoleName> {
        self.roles
            .keys()
            .filter(|candidate| self.reach([*candidate]).contains(name))
            .cloned()
            .collect()
    }
}
