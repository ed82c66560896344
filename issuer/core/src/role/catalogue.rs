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
    is_admin: bool,
}

impl Authority {
    /// Whether `permission` is among the permissions.
    #[must_use]
    pub fn permits(&self, permission: &str) -> bool {
        self.permissions.contains(permission)
    }

    /// Whether this is a full admin: one of the roles is `admin` or inherits it. Holding every
    /// permission there is today isn't the same, since tomorrow there may be more.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.is_admin
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
            permissions: self.permissions_of(&roles),
            is_admin: self.make_an_admin(&roles),
            roles,
        }
    }

    /// The roles each of which makes its holder an admin: `admin`, and those that inherit it.
    #[must_use]
    pub fn admin_roles(&self) -> BTreeSet<RoleName> {
        let names = self.roles.keys().cloned().chain([RoleName::admin()]);
        names.filter(|name| self.make_an_admin([name])).collect()
    }

    fn make_an_admin<'a>(&'a self, names: impl IntoIterator<Item = &'a RoleName>) -> bool {
        self.reach(names).iter().any(|name| name.is_admin())
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
    /// change, or that of a role they inherit. What makes an admin in `after` is never among them:
    /// it grants whatever exists, and a permission that no role names any more is nobody's to lose.
    #[must_use]
    pub fn shrunk_in(&self, after: &Self) -> BTreeSet<RoleName> {
        let (admins, admins_after) = (self.admin_roles(), after.admin_roles());
        let lost_admin = |name: &RoleName| admins.contains(name);
        let lost_permissions =
            |name: &RoleName| !self.effective(name).is_subset(&after.effective(name));
        self.roles
            .keys()
            .filter(|name| !admins_after.contains(*name))
            .filter(|name| lost_admin(name) || lost_permissions(name))
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

    #[test]
    fn who_inherits_admin_shrinks_when_they_no_longer_do_and_not_before() {
        let before = catalogue(&[
            ("admin", &[], &[]),
            ("user", &[], &[]),
            ("reader", &["agents:read"], &[]),
            ("owner", &[], &["admin"]),
        ]);
        let mut without_reader = before.clone();
        without_reader.roles.remove("reader");
        let shrunk = before.shrunk_in(&without_reader);
        assert_eq!(shrunk.len(), 1, "what no role names is nobody's to lose");
        let mut all_but_admin = before.clone();
        let everything = before.all_permissions();
        let owner = all_but_admin.roles.get_mut("owner").unwrap();
        (owner.permissions, owner.inherits) = (everything, BTreeSet::new());
        let shrunk = before.shrunk_in(&all_but_admin);
        assert!(
            shrunk.contains("owner"),
            "an admin could make new permissions"
        );
        assert!(all_but_admin.shrunk_in(&before).is_empty());
    }
}
