//! Opening sessions, keeping them alive, ending them.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;
use signet_core::email::EmailAddress;
use signet_core::issuer::TokenRequest;
use signet_core::password::Password;
use signet_core::session::bearer::BearerError;
use signet_core::session::login::Login;
use signet_core::session::refresh_token::UntrustedRefreshToken;
use signet_core::session::{LiveSession, Session, SessionId};
use uuid::Uuid;

use super::answer::{Json, NoContent, WithCookie};
use super::cookie::{self, DeviceCookie};
use super::input::fields::members;
use super::input::member::Secret;
use super::input::{Body, Path};
use super::limit;
use super::problem::{Code, Problem};
use super::route::access::{Anyone, Presented};
use super::route::call::Call;
use super::route::{Route, delete, get, post};
use super::wire::{SessionAnswer, Timestamp};

pub(super) fn routes() -> Vec<Route> {
    vec![
        post("/v1/login", limit::LOGIN)
            .named("login", "Log in with address and password")
            .refuses(&[
                Code::InvalidCredentials,
                Code::EmailNotVerified,
                Code::AccountSuspended,
                Code::CrossSiteRequest,
                Code::Overloaded,
            ])
            .handled_by(login),
        post("/v1/token/refresh", limit::REFRESH)
            .named("refresh", "Trade a refresh token for the next tokens")
            .refuses(&[Code::InvalidRefreshToken])
            .handled_by(refresh),
        post("/v1/reauthenticate", limit::PASSWORD)
            .named("reauthenticate", "Prove the password again")
            .bearer()
            .refuses(&[Code::Overloaded])
            .handled_by(reauthenticate),
        post("/v1/logout", limit::REFRESH)
            .named("logout", "End the session of a refresh or access token")
            .optional_bearer()
            .refuses(&[Code::MissingToken])
            .handled_by(logout),
        get("/v1/sessions", limit::READ)
            .named("listSessions", "One's live sessions, newest first")
            .bearer()
            .handled_by(list),
        delete("/v1/sessions", limit::WRITE)
            .named("endOtherSessions", "End all of one's sessions but this one")
            .bearer()
            .handled_by(end_others),
        delete("/v1/sessions/{id}", limit::WRITE)
            .named("endSession", "End one of one's sessions")
            .bearer()
            .handled_by(end),
    ]
}

members! {
    /// Logs in.
    pub(super) struct LoginBody {
        /// The account's address.
        email: EmailAddress,
        /// Its password.
        password: Password,
        /// What the last login from this device was answered with.
        device: Option<Secret>,
        /// Whom the access token is for; the first configured audience where nothing is said.
        audience: Option<String>,
        /// Whom the access token is issued to; the first configured client where nothing is said.
        client: Option<String>,
    }
}

async fn login(
    call: Call<Anyone, (DeviceCookie, Body<LoginBody>)>,
) -> Result<WithCookie<SessionAnswer>, Problem> {
    let origin = call.origin();
    let (DeviceCookie(cookie), Body(body)) = call.input;
    let login = Login {
        email: body.email,
        password: body.password,
        device: body.device.map(Secret::into_text).or(cookie),
        request: TokenRequest {
            audience: body.audience,
            client: body.client,
        },
    };
    let logged_in = call.app.issuer.login(&origin, login).await?;
    Ok(WithCookie {
        cookie: cookie::device(&call.app, &logged_in.device),
        document: SessionAnswer::from(logged_in.tokens).with_device(logged_in.device),
    })
}

members! {
    /// Refreshes a session.
    pub(super) struct RefreshBody {
        /// The refresh token of the last answer.
        refresh_token: UntrustedRefreshToken,
        /// Whom the access token is for; as before where nothing is said.
        audience: Option<String>,
        /// Whom the access token is issued to; as before where nothing is said.
        client: Option<String>,
    }
}

async fn refresh(call: Call<Anyone, Body<RefreshBody>>) -> Result<Json<SessionAnswer>, Problem> {
    let origin = call.origin();
    let Body(body) = call.input;
    let request = TokenRequest {
        audience: body.audience,
        client: body.client,
    };
    let issuer = &call.app.issuer;
    let tokens = issuer
        .refresh(&origin, &body.refresh_token, &request)
        .await?;
    Ok(Json(tokens.into()))
}

members! {
    /// Proves the password again.
    pub(super) struct ReauthenticateBody {
        /// The account's password.
        password: Password,
    }
}

async fn reauthenticate(
    call: Call<LiveSession, Body<ReauthenticateBody>>,
) -> Result<Json<SessionAnswer>, Problem> {
    let origin = call.origin();
    let Body(body) = call.input;
    let issuer = &call.app.issuer;
    let tokens = issuer
        .reauthenticate(&origin, &call.caller, body.password)
        .await?;
    Ok(Json(tokens.into()))
}

members! {
    /// Ends a session.
    pub(super) struct LogoutBody {
        /// Its refresh token, of any generation; not needed beside a bearer token.
        refresh_token: Option<UntrustedRefreshToken>,
    }
}

/// Done for any token, since what can't be used any more is logged out.
async fn logout(call: Call<Presented, Option<Body<LogoutBody>>>) -> Result<NoContent, Problem> {
    let origin = call.origin();
    let issuer = &call.app.issuer;
    let refresh_token = call.input.and_then(|Body(body)| body.refresh_token);
    if refresh_token.is_none() && matches!(call.caller, Presented::Nothing) {
        return Err(Code::MissingToken.into());
    }
    if let Some(token) = refresh_token {
        issuer.logout_with_refresh_token(&origin, &token).await?;
    }
    if let Presented::Good(identity) = &call.caller {
        match issuer.authenticate(identity.token()).await {
            Ok(session) => issuer.logout(&origin, &session).await?,
            Err(BearerError::Invalid) => {}
            Err(BearerError::Store(error)) => return Err(error.into()),
        }
    }
    Ok(NoContent)
}

/// One's live sessions.
#[derive(JsonSchema, Serialize)]
pub(super) struct SessionList {
    /// Newest first.
    sessions: Vec<SessionView>,
}

/// A live session.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Session")]
pub(super) struct SessionView {
    /// Its id; the `sid` of its tokens.
    id: Uuid,
    /// Whether it is the one that asks.
    current: bool,
    /// When it was opened.
    created_at: Timestamp,
    /// When it was last refreshed.
    last_seen_at: Timestamp,
    /// The browser or program it was opened with.
    user_agent: Option<String>,
    /// The address it was opened from.
    ip: Option<IpAddr>,
}

impl SessionView {
    fn new(session: Session, current: SessionId) -> Self {
        Self {
            id: session.id.0,
            current: session.id == current,
            created_at: session.created_at.into(),
            last_seen_at: session.last_seen_at.into(),
            user_agent: session.user_agent,
            ip: session.ip,
        }
    }
}

async fn list(call: Call<LiveSession>) -> Result<Json<SessionList>, Problem> {
    let current = call.caller.id;
    let sessions = call.app.issuer.sessions(&call.caller).await?;
    Ok(Json(SessionList {
        sessions: sessions
            .into_iter()
            .map(|session| SessionView::new(session, current))
            .collect(),
    }))
}

async fn end_others(call: Call<LiveSession>) -> Result<NoContent, Problem> {
    let origin = call.origin();
    let issuer = &call.app.issuer;
    issuer.end_other_sessions(&origin, &call.caller).await?;
    Ok(NoContent)
}

async fn end(call: Call<LiveSession, Path<SessionId>>) -> Result<NoContent, Problem> {
    let origin = call.origin();
    let Path(id) = call.input;
    let issuer = &call.app.issuer;
    if issuer.end_session(&origin, &call.caller, id).await? {
        Ok(NoContent)
    } else {
        Err(Code::NotFound.into())
    }
}
