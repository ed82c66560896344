//! How a refresh token travels: in bodies, or in a cookie that no script can read.
//!
//! An application in a browser asks for the cookie once, when it logs in. From then on the browser
//! brings the token along, is given the next one in the same way, and bodies say nothing of it. A
//! session is over when another's token takes the place of its own in the cookie. Where a cookie
//! comes along or is asked for, no page of another site may be behind it ([`super::cookie`]).
//! Without https there are no such cookies.

use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode};
use schemars::{Schema, SchemaGenerator, json_schema};
use signet_core::audit::Origin;
use signet_core::issuer::TokenPair;
use signet_core::session::refresh_token::UntrustedRefreshToken;
use signet_verifier::json::Value;

use super::answer::{Answer, Content, Json, NoContent};
use super::app::App;
use super::cookie::{self, Browser, WithCookies};
use super::input::member::{Faults, Member};
use super::problem::{Code, Problem};
use super::wire::SessionAnswer;

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// What a browser has cached of the issuer's origin. Not `"cookies"`: they would go from the whole
/// site, those of other applications and of the known device too. Not `"storage"`: what is stored
/// on this origin is an application's own.
const CACHE: HeaderValue = HeaderValue::from_static("\"cache\"");

/// The tokens of a session, in whatever way they travel.
pub(super) type SessionTokens = WithCookies<Json<SessionAnswer>>;

/// How a refresh token travels.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Transport {
    Body,
    Cookie,
}

/// The member that asks for [`Transport::Cookie`].
pub(super) struct ByCookie;

impl Member for ByCookie {
    fn schema() -> Schema {
        json_schema!({ "type": "string", "enum": ["cookie"] })
    }

    fn read(value: Value<'_>, field: &str, faults: &mut Faults) -> Option<Self> {
        match value {
            Value::String(text) if text == "cookie" => Some(Self),
            Value::String(_) => faults.add(field, "unknown_value", "must be cookie"),
            _ => faults.add(field, "wrong_type", "must be a string"),
        }
    }
}

impl Transport {
    /// The transport that a body asks for.
    ///
    /// # Errors
    /// When it asks for a cookie, and there can't be one, or another site may not have one set.
    pub(super) fn asked(
        app: &App,
        browser: &Browser,
        asked: Option<ByCookie>,
    ) -> Result<Self, Problem> {
        let Some(ByCookie) = asked else {
            return Ok(Self::Body);
        };
        if !app.is_https() {
            let message = "needs an https public_url";
            let problem = Problem::from(Code::ValidationFailed);
            return Err(problem.with_error("transport", "needs_https", message));
        }
        browser.may_get_cookies()?;
        Ok(Self::Cookie)
    }

    /// The transport of a session that goes on: as its token came.
    pub(super) fn as_before(browser: &Browser) -> Self {
        match browser.refresh_token {
            Some(_) => Self::Cookie,
            None => Self::Body,
        }
    }

    /// The answer that carries these tokens.
    pub(super) fn carry(self, tokens: TokenPair) -> SessionTokens {
        match self {
            Self::Body => WithCookies {
                answer: Json(tokens.into()),
                cookies: Vec::new(),
            },
            Self::Cookie => {
                let cookie = cookie::refresh(&tokens.refresh_token, tokens.refresh_expires_in);
                WithCookies {
                    answer: Json(SessionAnswer::from(tokens).without_refresh_token()),
                    cookies: cookie.into_iter().collect(),
                }
            }
        }
    }

    /// Ends the session whose cookie the next answer overwrites. The browser can't go on with it,
    /// so whoever could has a copy of it, or has planted it there (OWASP ASVS 5.0, 7.2.4). Where the
    /// store can't, the new session is there all the same, and its tokens are somebody's: the answer
    /// brings them, and the log says what goes on.
    pub(super) async fn end_what_is_overwritten(
        self,
        app: &App,
        origin: &Origin,
        browser: &Browser,
    ) {
        let (Self::Cookie, Some(token)) = (self, &browser.refresh_token) else {
            return;
        };
        if let Err(error) = app.issuer.logout_with_refresh_token(origin, token).await {
            tracing::warn!(%error, "a session goes on whose cookie was overwritten");
        }
    }
}

/// 204. A browser whose cookie it was drops it, and what it has kept of this origin's answers.
pub(super) struct LoggedOut {
    /// How the token came.
    pub(super) by: Transport,
}

impl Answer for LoggedOut {
    const STATUS: StatusCode = NoContent::STATUS;
    const MEANING: &'static str = NoContent::MEANING;
    const OPTIONAL_HEADERS: &[(&'static str, &'static str)] = &[(
        "Clear-Site-Data",
        "`\"cache\"`, where the session's token came by cookie",
    )];

    fn content(schemas: &mut SchemaGenerator) -> Option<Content> {
        NoContent::content(schemas)
    }

    fn into_response(self) -> Result<Response, Problem> {
        let cookie = match self.by {
            Transport::Body => return NoContent.into_response(),
            Transport::Cookie => cookie::no_refresh(),
        };
        let answer = WithCookies {
            answer: NoContent,
            cookies: cookie.into_iter().collect(),
        };
        let mut response = answer.into_response()?;
        response.headers_mut().insert(CLEAR_SITE_DATA, CACHE);
        Ok(response)
    }
}

/// The refresh token of a request, and how the next one is to travel.
///
/// # Errors
/// When there is none, or there are two, of which nobody knows which is meant.
pub(super) fn presented(
    app: &App,
    browser: Browser,
    in_body: Option<UntrustedRefreshToken>,
    asked: Option<ByCookie>,
) -> Result<(UntrustedRefreshToken, Transport), Problem> {
    let asked = Transport::asked(app, &browser, asked)?;
    match (browser.refresh_token, in_body) {
        (None, Some(token)) => Ok((token, asked)),
        (Some(token), None) => Ok((token, Transport::Cookie)),
        (Some(_), Some(_)) => Err(Problem::from(Code::InvalidRequest)
            .because("There is a refresh token in the body and another one in a cookie.")),
        (None, None) => {
            let message = "is missing; it or its cookie is needed";
            let problem = Problem::from(Code::ValidationFailed);
            Err(problem.with_error("refresh_token", "missing", message))
        }
    }
}
