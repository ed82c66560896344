//! Answers to requests that aren't let through: a problem document (RFC 9457) and, where it helps
//! the client, a challenge (RFC 6750, section 3).

use axum_core::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};

/// Why a request isn't let through.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    /// The `Authorization` header can't be read.
    InvalidRequest,
    /// There is no token.
    MissingToken,
    /// The token is bad, for any reason.
    InvalidToken,
    /// The token lacks the role or the permission.
    InsufficientScope,
    /// There are no keys to check the token with.
    KeysUnavailable,
}

impl Refusal {
    fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::MissingToken => "missing_token",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::KeysUnavailable => "keys_unavailable",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest => StatusCode::BAD_REQUEST,
            Self::MissingToken | Self::InvalidToken => StatusCode::UNAUTHORIZED,
            Self::InsufficientScope => StatusCode::FORBIDDEN,
            Self::KeysUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::InvalidRequest => "The Authorization header can't be read",
            Self::MissingToken => "An access token is required",
            Self::InvalidToken => "The access token is not valid",
            Self::InsufficientScope => "The access token doesn't allow this",
            Self::KeysUnavailable => "Access tokens can't be checked at the moment",
        }
    }

    fn challenge(self) -> Option<&'static str> {
        match self {
            Self::InvalidRequest => Some("Bearer realm=\"signet\", error=\"invalid_request\""),
            Self::MissingToken => Some("Bearer realm=\"signet\""),
            Self::InvalidToken => Some("Bearer realm=\"signet\", error=\"invalid_token\""),
            Self::InsufficientScope => {
                Some("Bearer realm=\"signet\", error=\"insufficient_scope\"")
            }
            Self::KeysUnavailable => None,
        }
    }

    /// The whole answer.
    pub(crate) fn answer(self) -> Response<Body> {
        let (code, status, title) = (self.code(), self.status(), self.title());
        // Every part is a constant of this file without characters that JSON escapes.
        let body = format!(
            "{{\"type\":\"urn:signet:problem:{code}\",\"title\":\"{title}\",\"status\":{},\
             \"code\":\"{code}\",\"detail\":\"{title}.\"}}",
            status.as_u16()
        );
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/problem+json");
        headers.insert(CONTENT_TYPE, json);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(challenge) = self.challenge() {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if self == Self::KeysUnavailable {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
