//! Who calls: what a declaration asks of the `Authorization` header, and what the handler gets.

use std::future::Future;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use signet_core::issuer::FRESH;
use signet_core::session::LiveSession;
use signet_verifier::bearer::Bearer;

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

/// A bearer token that was sent along; nothing is known of it yet.
pub struct Presented(Option<Vec<u8>>);

impl Presented {
    /// The token as it came.
    pub(in crate::http) fn token(&self) -> Option<&[u8]> {
        self.0.as_deref()
    }
}

impl Access for Anyone {
    async fn admit(_: &App, _: &Declaration, _: &HeaderMap) -> Result<Self, Problem> {
        Ok(Self)
    }
}

impl Access for Presented {
    async fn admit(_: &App, _: &Declaration, headers: &HeaderMap) -> Result<Self, Problem> {
        Ok(Self(find(headers)?.map(<[u8]>::to_vec)))
    }
}

impl Access for LiveSession {
    async fn admit(
        app: &App,
        declaration: &Declaration,
        headers: &HeaderMap,
    ) -> Result<Self, Problem> {
        let token = find(headers)?.ok_or(Code::MissingToken)?;
        let session = app.issuer.authenticate(token).await?;
        if let Requirement::Permission(permission) = declaration.requirement
            && !session.authority.permits(permission)
        {
            let detail = format!("This needs the permission {permission}.");
            return Err(Problem::from(Code::InsufficientScope).because(detail));
        }
        if declaration.fresh && app.issuer.now() > session.authenticated_at.saturating_add(FRESH) {
            return Err(Code::ReauthenticationRequired.into());
        }
        Ok(session)
    }
}

fn find(headers: &HeaderMap) -> Result<Option<&[u8]>, Problem> {
    let values = headers.get_all(AUTHORIZATION).iter();
    match Bearer::from_headers(values.map(http::HeaderValue::as_bytes)) {
        Bearer::Absent => Ok(None),
        Bearer::Token(token) => Ok(Some(token)),
        Bearer::Malformed => Err(Problem::unreadable_authorization()),
    }
}
