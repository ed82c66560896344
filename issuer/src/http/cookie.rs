//! The issuer's own cookies, and the guard before them: a request that brings one along must not
//! come from another site.
//!
//! They exist only where the public URL is https, since their `__Host-` prefix asks for `Secure`.

use axum::response::Response;
use http::header::{COOKIE, ORIGIN, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use schemars::SchemaGenerator;
use signet_core::session::refresh_token::UntrustedRefreshToken;
use zeroize::Zeroizing;

use super::answer::{Answer, Content};
use super::app::App;
use super::input::{Description, Input, Unread};
use super::problem::{Code, Problem};

const DEVICE: &str = "__Host-signet-device";
const REFRESH: &str = "__Host-signet-refresh";
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// An answer with cookies beside it.
#[derive(Debug)]
pub(super) struct WithCookies<A> {
    /// The answer.
    pub(super) answer: A,
    /// The values of its `Set-Cookie` headers.
    pub(super) cookies: Vec<HeaderValue>,
}

impl<A: Answer> Answer for WithCookies<A> {
    const STATUS: StatusCode = A::STATUS;
    const MEANING: &'static str = A::MEANING;
    const HEADERS: &[(&'static str, &'static str)] = A::HEADERS;
    const OPTIONAL_HEADERS: &[(&'static str, &'static str)] = A::OPTIONAL_HEADERS;

    fn content(schemas: &mut SchemaGenerator) -> Option<Content> {
        A::content(schemas)
    }

    fn into_response(self) -> Result<Response, Problem> {
        let mut response = self.answer.into_response()?;
        for cookie in self.cookies {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        Ok(response)
    }
}

/// The device that the browser says it is.
pub(super) struct DeviceCookie(pub(super) Option<Zeroizing<String>>);

impl Input for DeviceCookie {
    fn describe(_: &mut SchemaGenerator) -> Description {
        Description::default()
    }

    async fn read(request: &mut Unread) -> Result<Self, Problem> {
        let headers = &request.parts.headers;
        let found = find(&request.app, headers, DEVICE);
        if found.is_some() && is_cross_site(&request.app, headers) {
            return Err(Code::CrossSiteRequest.into());
        }
        Ok(Self(found))
    }
}

/// What a browser brings along without being asked.
pub(super) struct Browser {
    /// The refresh token in its cookie.
    pub(super) refresh_token: Option<UntrustedRefreshToken>,
    is_cross_site: bool,
}

impl Browser {
    /// Lets a cookie be set, unless a page of another site asks for it.
    pub(super) fn may_get_cookies(&self) -> Result<(), Problem> {
        match self.is_cross_site {
            true => Err(Code::CrossSiteRequest.into()),
            false => Ok(()),
        }
    }
}

impl Input for Browser {
    fn describe(_: &mut SchemaGenerator) -> Description {
        Description::default()
    }

    async fn read(request: &mut Unread) -> Result<Self, Problem> {
        let headers = &request.parts.headers;
        let browser = Self {
            refresh_token: find(&request.app, headers, REFRESH)
                .map(|token| UntrustedRefreshToken::new(token.to_string())),
            is_cross_site: is_cross_site(&request.app, headers),
        };
        if browser.refresh_token.is_some() {
            browser.may_get_cookies()?;
        }
        Ok(browser)
    }
}

/// The cookie that keeps `device` for the next login, for a year.
pub(super) fn device(app: &App, device: &str) -> Option<HeaderValue> {
    app.is_https()
        .then(|| cookie(DEVICE, device, 31_536_000))
        .flatten()
}

/// The cookie that keeps a refresh token for as long as it is good.
pub(super) fn refresh(token: &str, seconds: u64) -> Option<HeaderValue> {
    cookie(REFRESH, token, seconds)
}

/// What removes the cookie of a refresh token.
pub(super) fn no_refresh() -> Option<HeaderValue> {
    cookie(REFRESH, "", 0)
}

/// The prefix `__Host-` has browsers insist on `Secure`, on the path, and on this host alone. A
/// header of this value is not logged.
fn cookie(name: &str, value: &str, seconds: u64) -> Option<HeaderValue> {
    let attributes = "Path=/; Secure; HttpOnly; SameSite=Strict";
    let text = format!("{name}={value}; Max-Age={seconds}; {attributes}");
    let mut header = HeaderValue::try_from(text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

/// Whatever stands beside it: another host of the site may have set cookies that are no text.
fn find(app: &App, headers: &HeaderMap, name: &str) -> Option<Zeroizing<String>> {
    if !app.is_https() {
        return None;
    }
    headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|header| header.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| pair.trim_ascii().strip_prefix(name.as_bytes()))
        .find_map(|rest| rest.strip_prefix(b"="))
        .and_then(|value| str::from_utf8(value).ok())
        .map(|value| Zeroizing::new(value.to_owned()))
}

/// Proof that no page of another site sent the request, as far as browsers tell. For forms.
#[derive(Clone, Copy, Debug)]
pub struct OwnPage;

impl Input for OwnPage {
    fn describe(_: &mut SchemaGenerator) -> Description {
        Description::default()
    }

    async fn read(request: &mut Unread) -> Result<Self, Problem> {
        if is_elsewhere(&request.app, &request.parts.headers) {
            return Err(Code::CrossSiteRequest.into());
        }
        Ok(Self)
    }
}

/// Whether the request comes from elsewhere, and not from an origin of `cors.origins`.
fn is_cross_site(app: &App, headers: &HeaderMap) -> bool {
    let origin = headers.get(ORIGIN);
    let is_invited = origin.is_some_and(|origin| app.settings.cors_origins.contains(origin));
    is_elsewhere(app, headers) && !is_invited
}

/// Whether a browser says that the request comes from elsewhere: by Fetch metadata, or by `Origin`
/// where there is none. Another subdomain is elsewhere.
fn is_elsewhere(app: &App, headers: &HeaderMap) -> bool {
    match headers.get(SEC_FETCH_SITE) {
        Some(site) => site != "same-origin" && site != "none",
        None => headers.get(ORIGIN).is_some_and(|origin| {
            let own = app.settings.public_url.origin().ascii_serialization();
            origin != own.as_str()
        }),
    }
}
