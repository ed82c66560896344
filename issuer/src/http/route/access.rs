//! Who calls: what a declaration asks of the `Authorization` header, and what the handler gets.

use std::future::Future;
use std::sync::Arc;

use http::HeaderMap;
use signet_core::session::LiveSession;
use signet_verifier::Refusal;
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

/// What was sent along in place of a bearer token. No session has been looked up.
pub enum Presented {
    /// Nothing.
    Nothing,
    /// A token that isn't good, or isn't any more.
    Bad,
    /// A good one.
    Good(Arc<Identity>),
}

impl Access for Anyone {
    async fn admit(_: &App, _: &Declaration, _: &HeaderMap) -> Result<Self, Problem> {
        Ok(Self)
    }
}

impl Access for Presented {
    async fn admit(app: &App, _: &Declaration, headers: &HeaderMap) -> Result<Self, Problem> {
        match read(app, headers) {
            Ok(identity) => Ok(Self::Good(identity)),
            Err(Refusal::MissingToken) => Ok(Self::Nothing),
            Err(Refusal::InvalidToken(_)) => Ok(Self::Bad),
            Err(refusal) => Err(refusal.into()),
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
