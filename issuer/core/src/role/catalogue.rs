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

    /// The roles that grant less in `after` than they do here, whatever made them shrink: their own
    /// change, or that of a role they inherit. `admin` is never among them: it grants whatever
    /// exists, and a permission that no role names any more is nobody's to lose.
    #[must_use]
    pub fn shrunk_in(&self, after: &Self) -> BTreeSet<RoleName> {
        self.roles
            .keys()
            .filter(|name| !name.is_admin())
            .filter(|name| !self.effective(name).is_subset(&after.effective(name)))
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue(roles: &[(&str, &[&str], &[&str])]) -> RoleCatalogue {
        RoleCatalogue::new(roles.iter().map(|(name, permissions, inherits)| {
            Role {
                name: RoleName::parse(name).unwrap(),
                description: String::new(),
                permissions: permissions
                    .iter()
                    .map(|p| Permission::parse(p).unwrap())
                    .collect(),
                inherits: inherits
                    .iter()
                    .map(|n| RoleName::parse(n).unwrap())
                    .collect(),
            }
        }))
    }

    #[test]
    fn a_role_shrinks_with_what_it_inherits_and_admin_never() {
        let before = catalogue(&[
            ("admin", &[], &[]),
            ("user", &[], &[]),
            ("reader", &["agents:read", "agents:list"], &[]),
            ("lister", &["agents:list"], &[]),
            ("writer", &["agents:write"], &["reader"]),
        ]);
        let names = |after: &RoleCatalogue| -> Vec<String> {
            let shrunk = before.shrunk_in(after);
            shrunk.iter().map(ToString::to_string).collect()
        };
        assert!(names(&before).is_empty());
        let mut less = before.clone();
        let reader = less.roles.get_mut("reader").unwrap();
        reader.permissions.remove("agents:list");
        assert_eq!(names(&less), ["reader", "writer"]);
        less.roles.remove("lister");
        assert_eq!(names(&less), ["lister", "reader", "writer"]);
    }
}
