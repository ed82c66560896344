//! Who may give what to whom. Stores call these rules inside the transaction of the change, with
//! what they read there, so that the answer holds when the change is made.
//!
//! Nobody grants what they don't hold, nobody acts on someone who holds what they don't, and only
//! full admins introduce permissions that don't exist yet.

use std::collections::BTreeSet;

use super::{Authority, Permission, Role, RoleCatalogue, RoleName};

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
    covers(actor, &catalogue.effective(name))
}

fn may_define(
    catalogue: &RoleCatalogue,
    actor: &Authority,
    role: &Role,
) -> Result<(), GrantError> {
    let inherited = catalogue.authority(&role.inherits);
    if actor.is_admin() {
        return Ok(());
    }
    if inherited.is_admin() {
        return Err(GrantError::BeyondOwnAuthority);
    }
    covers(actor, &role.permissions)?;
    covers(actor, &inherited.permissions)
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
