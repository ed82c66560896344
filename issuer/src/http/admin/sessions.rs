//! The sessions of other people.

use signet_core::account::AccountId;
use signet_core::session::{LiveSession, SessionId};

use crate::http::answer::{Json, NoContent};
use crate::http::input::{Path, Paths};
use crate::http::limit;
use crate::http::problem::{Code, Problem};
use crate::http::route::call::Call;
use crate::http::route::{Route, delete, get};
use crate::http::session::SessionList;

const READ: &str = "users:read";
const WRITE: &str = "sessions:write";

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        get("/v1/admin/users/{id}/sessions", limit::ADMIN)
            .named("listUserSessions", "Somebody's live sessions, newest first")
            .permission(READ)
            .handled_by(list),
        delete("/v1/admin/users/{id}/sessions", limit::ADMIN)
            .named("endUserSessions", "End all of somebody's sessions")
            .permission(WRITE)
            .handled_by(end_all),
        delete("/v1/admin/users/{id}/sessions/{sid}", limit::ADMIN)
            .named("endUserSession", "End one of somebody's sessions")
            .permission(WRITE)
            .handled_by(end),
    ]
}

async fn list(call: Call<LiveSession, Path<AccountId>>) -> Result<Json<SessionList>, Problem> {
    let Path(id) = call.input;
    let sessions = call.app.issuer.sessions_of(id).await?;
    Ok(Json(SessionList::new(sessions, call.caller.id)))
}

async fn end_all(call: Call<LiveSession, Path<AccountId>>) -> Result<NoContent, Problem> {
    let origin = call.origin();
    let Path(id) = call.input;
    let issuer = &call.app.issuer;
    issuer.end_sessions_of(&origin, &call.caller, id).await?;
    Ok(NoContent)
}

async fn end(call: Call<LiveSession, Paths<AccountId, SessionId>>) -> Result<NoContent, Problem> {
    let origin = call.origin();
    let Paths(id, session) = call.input;
    let issuer = &call.app.issuer;
    let ended = issuer
        .end_session_of(&origin, &call.caller, id, session)
        .await?;
    match ended {
        true => Ok(NoContent),
        false => Err(Code::NotFound.into()),
    }
}
