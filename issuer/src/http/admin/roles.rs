//! Roles and what they permit.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;
use signet_core::account::admin::AdminError;
use signet_core::ports::AdminRefusal;
use signet_core::role::grant::GrantError;
use signet_core::role::{Permission, Role, RoleName};
use signet_core::session::LiveSession;

use crate::http::answer::{Created, Json, NoContent};
use crate::http::input::fields::members;
use crate::http::input::member::Sentence;
use crate::http::input::query::PageSize;
use crate::http::input::{Body, Path, Query};
use crate::http::limit;
use crate::http::problem::{Code, Problem};
use crate::http::route::call::Call;
use crate::http::route::{Route, delete, get, post, put};
use crate::http::wire::{permission_names, role_names};

const READ: &str = "roles:read";
const WRITE: &str = "roles:write";

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        get("/v1/admin/roles", limit::ADMIN)
            .named("listRoles", "Roles, by name")
            .permission(READ)
            .handled_by(list),
        post("/v1/admin/roles", limit::ADMIN)
            .named("createRole", "Add a role")
            .permission(WRITE)
            .fresh()
            .refuses(&[Code::Conflict])
            .handled_by(create),
        get("/v1/admin/roles/{name}", limit::ADMIN)
            .named("getRole", "One role")
            .permission(READ)
            .handled_by(read),
        get("/v1/admin/roles/{name}/effective", limit::ADMIN)
            .named(
                "getEffectiveRole",
                "Everything a role permits, inherited permissions included",
            )
            .permission(READ)
            .handled_by(effective),
        put("/v1/admin/roles/{name}", limit::ADMIN)
            .named(
                "replaceRole",
                "Put another role in place of the one of that name",
            )
            .permission(WRITE)
            .fresh()
            .refuses(&[Code::Conflict])
            .handled_by(replace),
        delete("/v1/admin/roles/{name}", limit::ADMIN)
            .named("deleteRole", "Delete a role that nobody holds")
            .permission(WRITE)
            .fresh()
            .refuses(&[Code::Conflict])
            .handled_by(remove),
    ]
}

/// A role as its author wrote it.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Role")]
pub(in crate::http) struct RoleView {
    /// Its name.
    name: String,
    /// What it is for.
    description: String,
    /// What it permits by itself.
    permissions: Vec<String>,
    /// The roles whose permissions it has as well.
    inherits: Vec<String>,
}

impl From<&Role> for RoleView {
    fn from(role: &Role) -> Self {
        Self {
            name: role.name.to_string(),
            description: role.description.clone(),
            permissions: permission_names(&role.permissions),
            inherits: role_names(&role.inherits),
        }
    }
}

/// A page of roles.
#[derive(JsonSchema, Serialize)]
pub(in crate::http) struct RoleList {
    /// By name.
    roles: Vec<RoleView>,
    /// The `cursor` of the next page; `null` on the last.
    next_cursor: Option<String>,
}

members! {
    /// Which roles to list.
    pub(in crate::http) struct RoleQuery {
        /// How many at most.
        limit: PageSize,
        /// The `next_cursor` of the page before.
        cursor: Option<RoleName>,
    }
}

async fn list(call: Call<LiveSession, Query<RoleQuery>>) -> Result<Json<RoleList>, Problem> {
    let Query(query) = call.input;
    let catalogue = call.app.issuer.roles().await?;
    let is_due = |role: &&Role| query.cursor.as_ref().is_none_or(|after| role.name > *after);
    let (shown, has_more) = query.limit.cut(catalogue.iter().filter(is_due).collect());
    let last = shown.last().filter(|_| has_more);
    Ok(Json(RoleList {
        next_cursor: last.map(|role| role.name.to_string()),
        roles: shown.into_iter().map(RoleView::from).collect(),
    }))
}

async fn read(call: Call<LiveSession, Path<RoleName>>) -> Result<Json<RoleView>, Problem> {
    let Path(name) = call.input;
    let catalogue = call.app.issuer.roles().await?;
    let role = catalogue.get(&name).ok_or(Code::NotFound)?;
    Ok(Json(role.into()))
}

/// Everything a role permits.
#[derive(JsonSchema, Serialize)]
pub(in crate::http) struct EffectiveRole {
    /// Its name.
    name: String,
    /// Its permissions and those it inherits.
    permissions: Vec<String>,
}

async fn effective(
    call: Call<LiveSession, Path<RoleName>>,
) -> Result<Json<EffectiveRole>, Problem> {
    let Path(name) = call.input;
    let catalogue = call.app.issuer.roles().await?;
    let role = catalogue.get(&name).ok_or(Code::NotFound)?;
    Ok(Json(EffectiveRole {
        name: role.name.to_string(),
        permissions: permission_names(&catalogue.effective(&name)),
    }))
}

members! {
    /// A new role.
    pub(in crate::http) struct CreateRoleBody {
        /// Its name.
        name: RoleName,
        /// What it is for.
        description: Option<Sentence>,
        /// What it permits by itself.
        permissions: BTreeSet<Permission>,
        /// The roles whose permissions it has as well.
        inherits: Option<BTreeSet<RoleName>>,
    }
}

async fn create(
    call: Call<LiveSession, Body<CreateRoleBody>>,
) -> Result<Created<RoleView>, Problem> {
    let origin = call.origin();
    let Body(body) = call.input;
    let role = Role {
        name: body.name,
        description: body
            .description
            .map(|Sentence(text)| text)
            .unwrap_or_default(),
        permissions: body.permissions,
        inherits: body.inherits.unwrap_or_default(),
    };
    let document = RoleView::from(&role);
    // Of the characters of a name, only the slash would divide the path.
    let location = format!("/v1/admin/roles/{}", document.name.replace('/', "%2F"));
    let issuer = &call.app.issuer;
    issuer
        .create_role(&origin, &call.caller, role)
        .await
        .map_err(|error| refused(error, None))?;
    Ok(Created { document, location })
}

members! {
    /// What a role is from now on.
    pub(in crate::http) struct ReplaceRoleBody {
        /// What it is for.
        description: Option<Sentence>,
        /// What it permits by itself.
        permissions: BTreeSet<Permission>,
        /// The roles whose permissions it has as well.
        inherits: Option<BTreeSet<RoleName>>,
    }
}

async fn replace(
    call: Call<LiveSession, (Path<RoleName>, Body<ReplaceRoleBody>)>,
) -> Result<Json<RoleView>, Problem> {
    let origin = call.origin();
    let (Path(name), Body(body)) = call.input;
    let role = Role {
        name: name.clone(),
        description: body
            .description
            .map(|Sentence(text)| text)
            .unwrap_or_default(),
        permissions: body.permissions,
        inherits: body.inherits.unwrap_or_default(),
    };
    let document = RoleView::from(&role);
    let issuer = &call.app.issuer;
    issuer
        .replace_role(&origin, &call.caller, role)
        .await
        .map_err(|error| refused(error, Some(&name)))?;
    Ok(Json(document))
}

async fn remove(call: Call<LiveSession, Path<RoleName>>) -> Result<NoContent, Problem> {
    let origin = call.origin();
    let Path(name) = call.input;
    let issuer = &call.app.issuer;
    issuer
        .delete_role(&origin, &call.caller, &name)
        .await
        .map_err(|error| refused(error, Some(&name)))?;
    Ok(NoContent)
}

/// Tells the role that isn't there apart from a role it would inherit.
fn refused(error: AdminError, target: Option<&RoleName>) -> Problem {
    match error {
        AdminError::Change(AdminRefusal::Grant(GrantError::UnknownRole(unknown))) => {
            if Some(&unknown) == target {
                return Code::NotFound.into();
            }
            let message = format!("there is no role called {unknown}");
            Problem::from(Code::ValidationFailed).with_error("inherits", "unknown_role", message)
        }
        AdminError::Change(_) | AdminError::ReauthenticationRequired(_) | AdminError::Store(_) => {
            error.into()
        }
    }
}
