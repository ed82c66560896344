//! Who calls: what a declaration asks of the `Authorization` header, and what the handler gets.

use std::future::Future;
use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use signet_core::session::LiveSession;
use signet_core::session::bearer::UntrustedAccessToken;
use signet_verifier::Refusal;
use signet_verifier::bearer::Bearer;
use signet_verifier::gate::Identity;

use super::{Declaration, Requirement};
use crate::http::app::App;
use crate::http::problem::{Code, Problem};

/// What a handler is told of its caller.
pub trait Access: Sized + Send + 'static {
    /// Finds out who calls.
    fn admit(
        app: &App,
        declaration: &Declaration,
        headers: &HeaderMap,
    ) -> impl Future<Output = Result<Self, Problem>> + Send;
}

/// Nobody in particular: the header isn't looked at.
#[derive(Clone, Copy, Debug)]
pub struct Anyone;

/// What was sent along in place of a bearer token, whatever it is worth.
#[derive(Debug)]
pub enum Presented {
    /// Nothing.
    Nothing,
    /// Something that looks like a token.
    Token(UntrustedAccessToken),
}

impl Access for Anyone {
    async fn admit(_: &App, _: &Declaration, _: &HeaderMap) -> Result<Self, Problem> {
        Ok(Self)
    }
}

impl Access for Presented {
    async fn admit(app: &App, _: &Declaration, headers: &HeaderMap) -> Result<Self, Problem> {
        match read(app, headers) {
            Ok(_) | Err(Refusal::InvalidToken(_)) => Ok(Self::found_in(headers)),
            Err(Refusal::MissingToken) => Ok(Self::Nothing),
            Err(refusal) => Err(refusal.into()),
        }
    }
}

impl Presented {
    fn found_in(headers: &HeaderMap) -> Self {
        let values = headers.get_all(AUTHORIZATION).iter();
        match Bearer::from_headers(values.map(HeaderValue::as_bytes)) {
            Bearer::Token(token) => Self::Token(UntrustedAccessToken::new(token)),
            Bearer::Absent | Bearer::Malformed => Self::Nothing,
        }
    }
}

impl Access for LiveSession {
    async fn admit(
        app: &App,
        declaration: &Declaration,
        headers: &HeaderMap,
    ) -> Result<Self, Problem> {
        let identity = read(app, headers)?;
        let session = app.issuer.authenticate(identity.token()).await?;
        if let Requirement::Permission(permission) = declaration.requirement
            && !session.authority.permits(permission)
        {
            let detail = format!("This needs the permission {permission}.");
            return Err(Problem::from(Code::InsufficientScope).because(detail));
        }
        if declaration.fresh && !session.is_fresh(app.issuer.now()) {
            return Err(Code::ReauthenticationRequired.into());
        }
        Ok(session)
    }
}

/// Reads the token of a request, by the rules that hold for every service.
fn read(app: &App, headers: &HeaderMap) -> Result<Arc<Identity>, Refusal> {
    let decision = app.protect.decide(headers);
    if let Some(reason) = decision.reason() {
        tracing::debug!(code = reason.code(), "access token refused");
    }
    match decision.refusal() {
        Some(refusal) => Err(refusal),
        None => decision.identity().cloned().ok_or(Refusal::MissingToken),
    }
}
