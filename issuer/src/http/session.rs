//! Opening sessions, keeping them alive, ending them.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;
use signet_core::email::EmailAddress;
use signet_core::issuer::TokenRequest;
use signet_core::password::Password;
use signet_core::session::login::Login;
use signet_core::session::refresh_token::UntrustedRefreshToken;
use signet_core::session::{LiveSession, Session, SessionId};
use uuid::Uuid;

use super::answer::{Json, NoContent};
use super::cookie::{self, Browser, DeviceCookie, WithCookies};
use super::input::fields::members;
use super::input::member::Secret;
use super::input::{Body, Path};
use super::limit;
use super::problem::{Code, Problem};
use super::route::access::{Anyone, Presented};
use super::route::call::Call;
use super::route::{Route, delete, get, post};
use super::transport::{self, ByCookie, LoggedOut, SessionTokens, Transport};
use super::wire::Timestamp;

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
            .refuses(&[Code::InvalidRefreshToken, Code::CrossSiteRequest])
            .handled_by(refresh),
        post("/v1/reauthenticate", limit::PASSWORD)
            .named("reauthenticate", "Prove the password again")
            .bearer()
            .refuses(&[Code::CrossSiteRequest, Code::Overloaded])
            .handled_by(reauthenticate),
        post("/v1/logout", limit::REFRESH)
            .named("logout", "End the session of a refresh or access token")
            .described(
                "Ends the session of each token that comes along; after 204 it is over. A refresh \
                 token may be of any generation. An access token may have expired, and its \
                 account's rights may have changed since; the key that signed it must still be \
                 published. A token that isn't the issuer's, or whose key is gone, names no \
                 session and is answered alike: who has the refresh token logs out with that.",
            )
            .optional_bearer()
            .refuses(&[Code::MissingToken, Code::CrossSiteRequest])
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
        /// Where the refresh token goes: into a cookie, or into the answer where nothing is said.
        transport: Option<ByCookie>,
    }
}

async fn login(
    call: Call<Anyone, (Browser, (DeviceCookie, Body<LoginBody>))>,
) -> Result<SessionTokens, Problem> {
    let origin = call.origin();
    let (browser, (DeviceCookie(cookie), Body(body))) = call.input;
    let transport = Transport::asked(&call.app, &browser, body.transport)?;
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
    transport
        .end_what_is_overwritten(&call.app, &origin, &browser)
        .await;
    let WithCookies {
        answer: Json(tokens),
        mut cookies,
    } = transport.carry(logged_in.tokens);
    cookies.extend(cookie::device(&call.app, &logged_in.device));
    Ok(WithCookies {
        answer: Json(tokens.with_device(logged_in.device)),
        cookies,
    })
}

members! {
    /// Refreshes a session.
    pub(super) struct RefreshBody {
        /// The refresh token of the last answer; not needed where a cookie has it.
        refresh_token: Option<UntrustedRefreshToken>,
        /// Whom the access token is for; as before where nothing is said.
        audience: Option<String>,
        /// Whom the access token is issued to; as before where nothing is said.
        client: Option<String>,
        /// Where the next refresh token goes: into a cookie, or, where nothing is said, the way
        /// the last one came.
        transport: Option<ByCookie>,
    }
}

async fn refresh(
    call: Call<Anyone, (Browser, Body<RefreshBody>)>,
) -> Result<SessionTokens, Problem> {
    let origin = call.origin();
    let (browser, Body(body)) = call.input;
    let (token, transport) =
        transport::presented(&call.app, browser, body.refresh_token, body.transport)?;
    let request = TokenRequest {
        audience: body.audience,
        client: body.client,
    };
    let issuer = &call.app.issuer;
    let tokens = issuer.refresh(&origin, &token, &request).await?;
    Ok(transport.carry(tokens))
}

members! {
    /// Proves the password again.
    pub(super) struct ReauthenticateBody {
        /// The account's password.
        password: Password,
    }
}

async fn reauthenticate(
    call: Call<LiveSession, (Browser, Body<ReauthenticateBody>)>,
) -> Result<SessionTokens, Problem> {
    let origin = call.origin();
    let (browser, Body(body)) = call.input;
    let issuer = &call.app.issuer;
    let tokens = issuer
        .reauthenticate(&origin, &call.caller, body.password)
        .await?;
    Ok(Transport::as_before(&browser).carry(tokens))
}

members! {
    /// Ends a session.
    pub(super) struct LogoutBody {
        /// Its refresh token, of any generation; not needed beside a bearer token or a cookie.
        refresh_token: Option<UntrustedRefreshToken>,
    }
}

/// Done for any token: one that our keys didn't make is of no session that could end.
async fn logout(
    call: Call<Presented, (Browser, Option<Body<LogoutBody>>)>,
) -> Result<LoggedOut, Problem> {
    let origin = call.origin();
    let issuer = &call.app.issuer;
    let (browser, body) = call.input;
    let by = Transport::as_before(&browser);
    let in_body = body.and_then(|Body(body)| body.refresh_token);
    let in_cookie = browser.refresh_token;
    let refresh_tokens: Vec<_> = in_body.into_iter().chain(in_cookie).collect();
    if refresh_tokens.is_empty() && matches!(call.caller, Presented::Nothing) {
        return Err(Code::MissingToken.into());
    }
    for token in refresh_tokens {
        issuer.logout_with_refresh_token(&origin, &token).await?;
    }
    if let Presented::Token(token) = &call.caller {
        issuer.logout_with_access_token(&origin, token).await?;
    }
    Ok(LoggedOut { by })
}

/// Live sessions.
#[derive(JsonSchema, Serialize)]
pub(in crate::http) struct SessionList {
    /// Newest first.
    sessions: Vec<SessionView>,
}

/// A live session.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Session")]
pub(in crate::http) struct SessionView {
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
    /// How often a refresh token of it was used again within its grace: a lost answer or a second
    /// tab, unless somebody else has a copy of it.
    repeats: u64,
    /// When the last time was.
    repeated_at: Option<Timestamp>,
}

impl SessionList {
    /// Some sessions, of which `current` asks.
    pub(in crate::http) fn new(sessions: Vec<Session>, current: SessionId) -> Self {
        let sessions = sessions.into_iter();
        Self {
            sessions: sessions
                .map(|session| SessionView::new(session, current))
                .collect(),
        }
    }
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
            repeats: session.repeats,
            repeated_at: session.repeated_at.map(Into::into),
        }
    }
}

async fn list(call: Call<LiveSession>) -> Result<Json<SessionList>, Problem> {
    let current = call.caller.id;
    let sessions = call.app.issuer.sessions(&call.caller).await?;
    Ok(Json(SessionList::new(sessions, current)))
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
