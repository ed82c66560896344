//! Who may give what to whom. Stores call these rules inside the transaction of the change, with
//! what they read there, so that the answer holds when the change is made.
//!
//! Nobody grants what they don't hold, nobody acts on someone who holds what they don't, and only
//! full admins introduce permissions that don't exist yet. Who inherits `admin` is a full admin.

use std::collections::BTreeSet;

use super::{
    Authority, MOST_PERMISSION_BYTES, MOST_ROLES, Permission, Role, RoleCatalogue, RoleName,
};

/// Why a change of roles is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum GrantError {
    /// The actor lacks something that is given, or that the other holds.
    #[error("grants or acts on more than the actor holds")]
    BeyondOwnAuthority,
    /// A role that doesn't exist.
    #[error("there is no role called {0}")]
    UnknownRole(RoleName),
    /// A role of that name exists.
    #[error("a role of that name exists")]
    NameTaken,
    /// `admin` can't be changed, `admin` and `user` can't be deleted.
    #[error("the role is built in")]
    BuiltIn,
    /// The role would inherit from itself.
    #[error("the role would inherit from itself")]
    Cycle,
    /// The role is held by someone, or inherited by another role.
    #[error("the role is in use")]
    InUse,
    /// More permissions than a token can list.
    #[error("all permissions together would take more than {MOST_PERMISSION_BYTES} bytes")]
    TooManyPermissions,
    /// More roles than a token can list.
    #[error("an account can have at most {MOST_ROLES} roles")]
    TooManyRoles,
}

/// May `actor` act on somebody who has `target`'s authority?
///
/// # Errors
/// [`GrantError::BeyondOwnAuthority`] when the target holds more.
pub fn may_act_on(actor: &Authority, target: &Authority) -> Result<(), GrantError> {
    covers(actor, &target.permissions)?;
    if target.is_admin() && !actor.is_admin() {
        return Err(GrantError::BeyondOwnAuthority);
    }
    Ok(())
}

/// May `actor` replace the roles of somebody who has `target`'s authority by `new_roles`?
///
/// # Errors
/// When a role is unknown, or when either side of the change is more than the actor holds.
pub fn may_set_roles(
    catalogue: &RoleCatalogue,
    actor: &Authority,
    target: &Authority,
    new_roles: &BTreeSet<RoleName>,
) -> Result<(), GrantError> {
    exist(catalogue, new_roles)?;
    if new_roles.len() > MOST_ROLES {
        return Err(GrantError::TooManyRoles);
    }
    may_act_on(actor, target)?;
    may_act_on(actor, &catalogue.authority(new_roles))
}

/// May `actor` add `role`?
///
/// # Errors
/// When the name is taken, an inherited role is unknown, or the role grants more than the actor
/// holds.
pub fn may_create(
    catalogue: &RoleCatalogue,
    actor: &Authority,
    role: &Role,
) -> Result<(), GrantError> {
    if role.name.is_built_in() || catalogue.get(&role.name).is_some() {
        return Err(GrantError::NameTaken);
    }
    exist(catalogue, &role.inherits)?;
    may_define(catalogue, actor, role)
}

/// May `actor` put `role` in place of the role of that name?
///
/// # Errors
/// When it is `admin` or unknown, would inherit from itself, or when the old or the new role
/// grants more than the actor holds.
pub fn may_replace(
    catalogue: &RoleCatalogue,
    actor: &Authority,
    role: &Role,
) -> Result<(), GrantError> {
    may_touch(catalogue, actor, &role.name)?;
    exist(catalogue, &role.inherits)?;
    if catalogue.would_cycle(role) {
        return Err(GrantError::Cycle);
    }
    may_define(catalogue, actor, role)
}

/// May `actor` delete the role of that name? The store adds whether somebody holds it.
///
/// # Errors
/// When it is built in, unknown, inherited by another, or grants more than the actor holds.
pub fn may_delete(
    catalogue: &RoleCatalogue,
    actor: &Authority,
    name: &RoleName,
) -> Result<(), GrantError> {
    if name.is_built_in() {
        return Err(GrantError::BuiltIn);
    }
    may_touch(catalogue, actor, name)?;
    if catalogue.iter().any(|role| role.inherits.contains(name)) {
        return Err(GrantError::InUse);
    }
    Ok(())
}

fn may_touch(
    catalogue: &RoleCatalogue,
    actor: &Authority,
    name: &RoleName,
) -> Result<(), GrantError> {
    if name.is_admin() {
        return Err(GrantError::BuiltIn);
    }
    if catalogue.get(name).is_none() {
        return Err(GrantError::UnknownRole(name.clone()));
    }
    may_act_on(actor, &catalogue.authority(&[name.clone()].into()))
}

fn may_define(catalogue: &RoleCatalogue, actor: &Authority, role: &Role) -> Result<(), GrantError> {
    if !fit_into_a_token(catalogue, role) {
        return Err(GrantError::TooManyPermissions);
    }
    covers(actor, &role.permissions)?;
    may_act_on(actor, &catalogue.authority(&role.inherits))
}

/// Whether all permissions there are, those of `role` included, fit into one token.
fn fit_into_a_token(catalogue: &RoleCatalogue, role: &Role) -> bool {
    let mut all = catalogue.all_permissions();
    all.extend(role.permissions.iter().cloned());
    let quotes_and_comma = 3;
    let bytes: usize = all
        .iter()
        .map(|permission| permission.as_str().len().saturating_add(quotes_and_comma))
        .sum();
    bytes <= MOST_PERMISSION_BYTES
}

fn covers(actor: &Authority, permissions: &BTreeSet<Permission>) -> Result<(), GrantError> {
    if actor.is_admin() || permissions.is_subset(&actor.permissions) {
        Ok(())
    } else {
        Err(GrantError::BeyondOwnAuthority)
    }
}

fn exist(catalogue: &RoleCatalogue, names: &BTreeSet<RoleName>) -> Result<(), GrantError> {
    match names.iter().find(|name| catalogue.get(name).is_none()) {
        Some(unknown) => Err(GrantError::UnknownRole(unknown.clone())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn role(name: &str, permissions: &[&str], inherits: &[&str]) -> Role {
        Role {
            name: RoleName::parse(name).unwrap(),
            description: String::new(),
            permissions: permissions
                .iter()
                .map(|p| Permission::parse(p).unwrap())
                .collect(),
            inherits: names(inherits),
        }
    }

    fn names(names: &[&str]) -> BTreeSet<RoleName> {
        names.iter().map(|n| RoleName::parse(n).unwrap()).collect()
    }

    fn catalogue() -> RoleCatalogue {
        RoleCatalogue::new([
            role("admin", &[], &[]),
            role("user", &["profile:read"], &[]),
            role("reader", &["agents:read"], &[]),
            role("writer", &["agents:write"], &["reader"]),
            role("lead", &["users:write", "roles:write"], &["writer"]),
        ])
    }

    fn authority(roles: &[&str]) -> Authority {
        catalogue().authority(&names(roles))
    }

    #[test]
    fn inherited_permissions_count_and_everyone_is_a_user() {
        let writer = authority(&["writer"]);
        for permission in ["agents:read", "agents:write", "profile:read"] {
            assert!(writer.permits(permission), "{permission}");
        }
        assert!(!writer.permits("users:write"));
        assert!(authority(&["gone"]).permits("profile:read"));
    }

    #[test]
    fn admin_holds_every_permission_there_is() {
        let admin = authority(&["admin"]);
        for permission in ["agents:write", "keys:write", "profile:read"] {
            assert!(admin.permits(permission), "{permission}");
        }
    }

    #[test]
    fn nobody_grants_what_they_lack_or_acts_on_someone_above() {
        let all = catalogue();
        let lead = authority(&["lead"]);
        let set = |target: &[&str], new: &[&str]| {
            may_set_roles(&all, &lead, &authority(target), &names(new))
        };
        let beyond = Err(GrantError::BeyondOwnAuthority);
        assert_eq!(set(&["reader"], &["writer"]), Ok(()));
        assert_eq!(set(&["reader"], &["admin"]), beyond);
        assert_eq!(set(&["admin"], &["reader"]), beyond);
        let unknown = GrantError::UnknownRole(RoleName::parse("ghost").unwrap());
        assert_eq!(set(&["reader"], &["ghost"]), Err(unknown));
    }

    #[test]
    fn only_admins_introduce_permissions() {
        let all = catalogue();
        let new = role("tester", &["tests:run"], &[]);
        let lead = authority(&["lead"]);
        let beyond = Err(GrantError::BeyondOwnAuthority);
        assert_eq!(may_create(&all, &lead, &new), beyond);
        assert_eq!(may_create(&all, &authority(&["admin"]), &new), Ok(()));
        let known = role("tester", &["agents:read"], &["reader"]);
        assert_eq!(may_create(&all, &lead, &known), Ok(()));
        let above = role("tester", &[], &["admin"]);
        assert_eq!(may_create(&all, &lead, &above), beyond);
    }

    #[test]
    fn who_inherits_admin_is_an_admin() {
        let mut all: Vec<Role> = catalogue().iter().cloned().collect();
        all.push(role("owner", &[], &["admin"]));
        all.push(role("founder", &[], &["owner"]));
        let every: Vec<&str> = ["agents:read", "agents:write", "profile:read"].to_vec();
        let every = [&every[..], &crate::role::ADMIN_PERMISSIONS[..]].concat();
        all.push(role("almost", &every, &[]));
        let all = RoleCatalogue::new(all);
        let [founder, almost] = ["founder", "almost"].map(|name| all.authority(&names(&[name])));
        assert!(founder.is_admin() && !almost.is_admin());
        assert_eq!(founder.permissions, almost.permissions);
        let new = role("tester", &["tests:run"], &[]);
        assert_eq!(may_create(&all, &founder, &new), Ok(()));
        let beyond = Err(GrantError::BeyondOwnAuthority);
        assert_eq!(may_create(&all, &almost, &new), beyond);
        assert_eq!(may_act_on(&almost, &founder), beyond);
        assert_eq!(
            may_act_on(&founder, &all.authority(&names(&["admin"]))),
            Ok(())
        );
        let give = |roles| may_set_roles(&all, &almost, &Authority::default(), &names(&[roles]));
        assert_eq!(give("owner"), beyond);
        let above = role("another", &[], &["founder"]);
        assert_eq!(may_create(&all, &almost, &above), beyond);
        let less = role("owner", &[], &[]);
        assert_eq!(may_replace(&all, &almost, &less), beyond);
        let founder_role = RoleName::parse("founder").unwrap();
        assert_eq!(may_delete(&all, &almost, &founder_role), beyond);
    }

    #[test]
    fn built_in_used_and_circular_roles_are_refused() {
        let all = catalogue();
        let admin = authority(&["admin"]);
        let name = |text: &str| RoleName::parse(text).unwrap();
        let replace = |role| may_replace(&all, &admin, &role);
        assert_eq!(replace(role("admin", &[], &[])), Err(GrantError::BuiltIn));
        assert_eq!(replace(role("user", &["x"], &[])), Ok(()));
        let circle = role("reader", &[], &["lead"]);
        assert_eq!(replace(circle), Err(GrantError::Cycle));
        assert_eq!(
            replace(role("lead", &[], &["lead"])),
            Err(GrantError::Cycle)
        );
        let delete = |text: &str| may_delete(&all, &admin, &name(text));
        assert_eq!(delete("admin"), Err(GrantError::BuiltIn));
        assert_eq!(delete("user"), Err(GrantError::BuiltIn));
        assert_eq!(delete("reader"), Err(GrantError::InUse));
        assert_eq!(delete("lead"), Ok(()));
        assert_eq!(
            may_create(&all, &admin, &role("reader", &[], &[])),
            Err(GrantError::NameTaken)
        );
    }

    #[test]
    fn what_no_token_could_list_is_refused() {
        let all = catalogue();
        let admin = authority(&["admin"]);
        let many: Vec<String> = (0..200).map(|n| format!("agents:operation-{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let (few, _) = many.split_at(100);
        assert_eq!(may_create(&all, &admin, &role("few", few, &[])), Ok(()));
        assert_eq!(
            may_create(&all, &admin, &role("many", &many, &[])),
            Err(GrantError::TooManyPermissions)
        );
        let names: Vec<String> = (0..17).map(|n| format!("role{n}")).collect();
        let wide = RoleCatalogue::new(names.iter().map(|name| role(name, &[], &[])));
        let held = names.iter().map(|name| RoleName::parse(name).unwrap());
        assert_eq!(
            may_set_roles(&wide, &admin, &Authority::default(), &held.collect()),
            Err(GrantError::TooManyRoles)
        );
    }

    fn some_roles() -> impl Strategy<Value = BTreeSet<RoleName>> {
        let all = ["admin", "reader", "writer", "lead"];
        proptest::sample::subsequence(all.to_vec(), 0..=4).prop_map(|chosen| names(&chosen))
    }

    proptest! {
        #[test]
        fn whatever_is_granted_the_actor_held(
            actor in some_roles(), target in some_roles(), new in some_roles(),
        ) {
            let all = catalogue();
            let [actor, target] = [actor, target].map(|roles| all.authority(&roles));
            if may_set_roles(&all, &actor, &target, &new).is_ok() {
                let given = all.authority(&new);
                prop_assert!(given.permissions.is_subset(&actor.permissions));
                prop_assert!(target.permissions.is_subset(&actor.permissions));
                prop_assert!(actor.is_admin() || !(given.is_admin() || target.is_admin()));
            }
        }
    }
}
