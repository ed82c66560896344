//! Problem documents (RFC 9457): the one form of every answer that isn't what was asked for.
//!
//! A handler ends with a [`Problem`], most often by `?` on a use case's error, whose meaning
//! [`refusal`] knows. Whoever answers the request turns it into a response with the request's id
//! ([`Problem::respond`]) and logs its cause, once.

pub mod code;
mod refusal;

use std::borrow::Cow;
use std::error::Error;

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;
use signet_core::ports::StoreError;

pub use code::Code;

use super::request_id::RequestId;
use super::tally::StoreTrouble;

/// The media type of problem documents.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// The code of a refusal, for proxies that don't hand its body on.
pub(super) const X_SIGNET_CODE: HeaderName = HeaderName::from_static("x-signet-code");

/// One thing that is wrong with a member or a parameter.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct FieldError {
    /// The member or parameter: `email`, `roles[1]`.
    pub field: String,
    /// What is wrong, for programs.
    pub code: &'static str,
    /// What is wrong, for people.
    pub message: Cow<'static, str>,
}

/// Why a request isn't granted.
#[derive(Debug)]
pub struct Problem {
    code: Code,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    retry_after: Option<u32>,
    challenge: Option<Cow<'static, str>>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self {
            code,
            detail: Cow::Borrowed(code.detail()),
            errors: Vec::new(),
            retry_after: None,
            challenge: code.challenge().map(Cow::Borrowed),
            cause: None,
        }
    }
}

impl Problem {
    /// What went wrong.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// What happened, for people.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What is wrong with single members.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// The problem with a sentence on this occurrence, for people. It is sent: no secrets.
    #[must_use]
    pub fn because(self, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            detail: detail.into(),
            ..self
        }
    }

    /// The problem with what is wrong with single members.
    #[must_use]
    pub(super) fn with_errors(self, errors: Vec<FieldError>) -> Self {
        Self { errors, ..self }
    }

    /// The problem with what is wrong with one member.
    #[must_use]
    pub(super) fn with_error(
        self,
        field: impl Into<String>,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.with_errors(vec![FieldError {
            field: field.into(),
            code,
            message: message.into(),
        }])
    }

    /// The problem, over in so many seconds.
    #[must_use]
    pub(super) fn retry_after(self, seconds: u32) -> Self {
        Self {
            retry_after: Some(seconds),
            ..self
        }
    }

    /// The problem with what caused it, for the log only.
    #[must_use]
    pub(super) fn caused_by(self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..self
        }
    }

    /// An `Authorization` header that is no bearer token (RFC 6750, 3.1).
    pub(super) fn unreadable_authorization() -> Self {
        Self {
            challenge: Some(Cow::Borrowed(
                r#"Bearer realm="signet", error="invalid_request""#,
            )),
            ..Self::from(Code::InvalidRequest)
        }
        .because("Send one Authorization header: Bearer, one space, one token.")
    }

    /// Turns the problem into the answer to the request `id`, and logs what the operator must know.
    pub(super) fn respond(self, id: RequestId) -> Response {
        self.log(id);
        self.document(self.code.status(), id)
    }

    /// The same for a proxy that asks about somebody's request.
    pub(super) fn respond_to_proxy(self, id: RequestId) -> Response {
        self.log(id);
        let mut response = self.document(self.code.status_for_proxies(), id);
        let code = HeaderValue::from_static(self.code.as_str());
        response.headers_mut().insert(X_SIGNET_CODE, code);
        response
    }

    fn document(&self, status: StatusCode, id: RequestId) -> Response {
        let document = ProblemDocument {
            r#type: self.code.uri(),
            title: self.code.title(),
            status: status.as_u16(),
            code: self.code.as_str(),
            detail: &self.detail,
            request_id: id.text(),
            errors: &self.errors,
        };
        // Strings and numbers always serialise.
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        self.mark(&mut response);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        // Every challenge is a constant, or one with a number in it.
        let challenge = self.challenge.as_deref();
        if let Some(Ok(challenge)) = challenge.map(HeaderValue::from_str) {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// Turns the problem into a page, for an operation that people look at.
    pub(super) fn respond_with_page(self, id: RequestId) -> Response {
        self.log(id);
        let mut response = crate::web::fault_page(self.code, &self.detail, self.retry_after, id);
        self.mark(&mut response);
        response
    }

    /// Says on the answer what is to be counted of it.
    fn mark(&self, response: &mut Response) {
        let extensions = response.extensions_mut();
        extensions.insert(self.code);
        let cause = self.cause.as_deref();
        if let Some(error) = cause.and_then(|cause| cause.downcast_ref::<StoreError>()) {
            extensions.insert(StoreTrouble::of(error));
        }
    }

    fn log(&self, id: RequestId) {
        let code = self.code.as_str();
        let cause = self.cause.as_deref();
        match self.code.status() {
            StatusCode::INTERNAL_SERVER_ERROR => {
                tracing::error!(request_id = %id, code, cause, "a request failed");
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                tracing::warn!(request_id = %id, code, cause, "a request was turned away");
            }
            _ => tracing::debug!(request_id = %id, code, cause, "a request was refused"),
        }
    }
}

/// Why a request isn't granted (RFC 9457).
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Problem", deny_unknown_fields)]
pub(super) struct ProblemDocument<'a> {
    /// `urn:signet:problem:` and the code.
    r#type: &'a str,
    /// The code in words.
    title: &'a str,
    /// The status of the answer.
    status: u16,
    /// One of a closed set; `docs/problems/` has a page for each.
    code: &'a str,
    /// What happened this time, and what to do.
    detail: &'a str,
    /// The `x-request-id` of the answer.
    request_id: &'a str,
    /// What is wrong with which member or parameter.
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    errors: &'a [FieldError],
}
