//! The accounts of other people.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;
use signet_core::account::{Account, AccountId, AccountStatus, DisplayName};
use signet_core::ports::AccountFilter;
use signet_core::role::RoleName;
use signet_core::session::LiveSession;
use uuid::Uuid;

use crate::http::answer::{Json, NoContent};
use crate::http::input::fields::members;
use crate::http::input::member::{Change, SearchText};
use crate::http::input::query::{Cursor, PageSize};
use crate::http::input::{Body, Path, Query};
use crate::http::limit;
use crate::http::problem::{Code, Problem};
use crate::http::route::call::Call;
use crate::http::route::{Route, delete, get, patch, post, put};
use crate::http::wire::{Timestamp, role_names};

const READ: &str = "users:read";
const WRITE: &str = "users:write";

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        get("/v1/admin/users", limit::ADMIN)
            .named("listUsers", "Accounts, by creation")
            .permission(READ)
            .handled_by(list),
        get("/v1/admin/users/{id}", limit::ADMIN)
            .named("getUser", "One account")
            .permission(READ)
            .handled_by(read),
        patch("/v1/admin/users/{id}", limit::ADMIN)
            .named("updateUser", "Change somebody's name")
            .permission(WRITE)
            .handled_by(update),
        delete("/v1/admin/users/{id}", limit::ADMIN)
            .named(
                "eraseUser",
                "Erase an account, and all that is held with it",
            )
            .permission(WRITE)
            .fresh()
            .refuses(&[Code::Conflict])
            .handled_by(erase),
        post("/v1/admin/users/{id}/suspend", limit::ADMIN)
            .named("suspendUser", "Stop an account; its sessions are over")
            .permission(WRITE)
            .refuses(&[Code::Conflict])
            .handled_by(suspend),
        post("/v1/admin/users/{id}/activate", limit::ADMIN)
            .named("activateUser", "Let a suspended account be used again")
            .permission(WRITE)
            .refuses(&[Code::Conflict])
            .handled_by(activate),
        post("/v1/admin/users/{id}/password-reset", limit::ADMIN)
            .named(
                "sendPasswordReset",
                "Have a mail sent that lets somebody set a new password",
            )
            .permission(WRITE)
            .refuses(&[Code::Conflict])
            .handled_by(send_reset),
        put("/v1/admin/users/{id}/roles", limit::ADMIN)
            .named("setUserRoles", "Replace an account's roles")
            .permission(WRITE)
            .fresh()
            .refuses(&[Code::Conflict])
            .handled_by(set_roles),
    ]
}

/// An account, as admins see it.
#[derive(JsonSchema, Serialize)]
pub(crate) struct User {
    /// Its id; the `sub` of its tokens.
    id: Uuid,
    /// Where its mail goes.
    email: String,
    /// Whether the mailbox is proven.
    email_verified: bool,
    /// What its owner wants to be called.
    name: Option<String>,
    /// Whether it may be used.
    status: UserStatus,
    /// Its roles, with the `user` that everyone has.
    roles: Vec<String>,
    /// When it was created.
    created_at: Timestamp,
    /// When somebody last logged in.
    last_login_at: Option<Timestamp>,
}

/// Whether an account may be used.
#[derive(JsonSchema, Serialize)]
#[schemars(inline)]
#[serde(rename_all = "snake_case")]
enum UserStatus {
    Active,
    Suspended,
    Invited,
}

impl From<Account> for User {
    fn from(account: Account) -> Self {
        let mut roles = account.roles;
        roles.insert(RoleName::user());
        Self {
            id: account.id.0,
            email: account.email.original().to_owned(),
            email_verified: account.email_verified,
            name: account.name.map(|name| name.as_str().to_owned()),
            status: match account.status {
                AccountStatus::Active => UserStatus::Active,
                AccountStatus::Suspended => UserStatus::Suspended,
                AccountStatus::Invited => UserStatus::Invited,
            },
            roles: role_names(&roles),
            created_at: account.created_at.into(),
            last_login_at: account.last_login_at.map(Timestamp::from),
        }
    }
}

/// A page of accounts.
#[derive(JsonSchema, Serialize)]
pub(in crate::http) struct UserList {
    /// By creation.
    users: Vec<User>,
    /// The `cursor` of the next page; `null` on the last.
    next_cursor: Option<Uuid>,
}

members! {
    /// Which accounts to list.
    pub(in crate::http) struct UserQuery {
        /// Part of the address or the name, in any case.
        q: Option<SearchText>,
        /// Only accounts of this status.
        status: Option<AccountStatus>,
        /// Only accounts with this role.
        role: Option<RoleName>,
        /// How many at most.
        limit: PageSize,
        /// The `next_cursor` of the page before.
        cursor: Option<Cursor>,
    }
}

async fn list(call: Call<LiveSession, Query<UserQuery>>) -> Result<Json<UserList>, Problem> {
    let Query(query) = call.input;
    let filter = AccountFilter {
        text: query.q.map(|SearchText(text)| text),
        status: query.status,
        // Everyone has `user`, so it filters nothing.
        role: query.role.filter(|role| !role.is_user()),
    };
    let after = query.cursor.map(|Cursor(id)| id);
    let issuer = &call.app.issuer;
    let found = issuer
        .accounts(&filter, after, query.limit.to_ask())
        .await?;
    let (shown, has_more) = query.limit.cut(found);
    let last = shown.last().filter(|_| has_more);
    Ok(Json(UserList {
        next_cursor: last.map(|account| account.id.0),
        users: shown.into_iter().map(User::from).collect(),
    }))
}

async fn read(call: Call<LiveSession, Path<AccountId>>) -> Result<Json<User>, Problem> {
    let Path(id) = call.input;
    let account = call.app.issuer.account(id).await?;
    let account = account.ok_or(Code::NotFound)?;
    Ok(Json(account.into()))
}

members! {
    /// Changes somebody's account.
    pub(in crate::http) struct UpdateUserBody {
        /// What its owner is called; `null` for no name.
        name: Change<DisplayName>,
    }
}

async fn update(
    call: Call<LiveSession, (Path<AccountId>, Body<UpdateUserBody>)>,
) -> Result<Json<User>, Problem> {
    let origin = call.origin();
    let (Path(id), Body(body)) = call.input;
    let issuer = &call.app.issuer;
    let account = match body.name {
        Change::Keep => issuer.account(id).await?.ok_or(Code::NotFound)?,
        Change::Set(name) => {
            issuer
                .rename_account(&origin, &call.caller, id, name)
                .await?
        }
    };
    Ok(Json(account.into()))
}

async fn send_reset(call: Call<LiveSession, Path<AccountId>>) -> Result<NoContent, Problem> {
    let origin = call.origin();
    let Path(id) = call.input;
    let issuer = &call.app.issuer;
    issuer.send_reset(&origin, &call.caller, id).await?;
    Ok(NoContent)
}

async fn suspend(call: Call<LiveSession, Path<AccountId>>) -> Result<NoContent, Problem> {
    let origin = call.origin();
    let Path(id) = call.input;
    call.app.issuer.suspend(&origin, &call.caller, id).await?;
    Ok(NoContent)
}

async fn activate(call: Call<LiveSession, Path<AccountId>>) -> Result<NoContent, Problem> {
    let origin = call.origin();
    let Path(id) = call.input;
    let issuer = &call.app.issuer;
    issuer.activate_account(&origin, &call.caller, id).await?;
    Ok(NoContent)
}

members! {
    /// Replaces an account's roles.
    pub(in crate::http) struct SetRolesBody {
        /// Its roles from now on; `user` may be left out.
        roles: BTreeSet<RoleName>,
    }
}

async fn set_roles(
    call: Call<LiveSession, (Path<AccountId>, Body<SetRolesBody>)>,
) -> Result<Json<User>, Problem> {
    let origin = call.origin();
    let (Path(id), Body(body)) = call.input;
    let issuer = &call.app.issuer;
    let account = issuer
        .set_roles(&origin, &call.caller, id, body.roles)
        .await?;
    Ok(Json(account.into()))
}

async fn erase(call: Call<LiveSession, Path<AccountId>>) -> Result<NoContent, Problem> {
    let origin = call.origin();
    let Path(id) = call.input;
    let issuer = &call.app.issuer;
    issuer.erase_account(&origin, &call.caller, id).await?;
    Ok(NoContent)
}
