//! Who a request comes from, once its token has been checked.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use signet_verifier::VerifiedToken;
use signet_verifier::gate::Identity;

/// Whoever makes a request, by a token that was good when the gate let it through.
///
/// Only the layers of this crate make one. Under a rule for anyone there is none, and under an
/// optional one there may be none: handlers there ask for `Option<Principal>`.
#[derive(Clone, Debug)]
pub struct Principal(Arc<Identity>);

impl Principal {
    pub(crate) fn new(identity: &Arc<Identity>) -> Self {
        Self(Arc::clone(identity))
    }

    /// The account (`sub`).
    #[must_use]
    pub fn subject(&self) -> &str {
        self.token().claims().subject()
    }

    /// The session (`sid`).
    #[must_use]
    pub fn session_id(&self) -> &str {
        self.token().claims().session_id()
    }

    /// The client the token was issued to (`client_id`).
    #[must_use]
    pub fn client_id(&self) -> &str {
        self.token().claims().client_id()
    }

    /// Whether the token names the role.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.token().claims().has_role(role)
    }

    /// Whether the token names the permission, or one of its roles brings it by the policy.
    #[must_use]
    pub fn may(&self, permission: &str) -> bool {
        let permissions = self.0.permissions();
        permissions.iter().any(|own| own == permission)
    }

    /// The checked token, for everything else it says.
    #[must_use]
    pub fn token(&self) -> &VerifiedToken {
        self.0.token()
    }
}

/// A handler asks for a [`Principal`] where none has to be: behind no layer of this crate, or under
/// a rule that lets requests through without a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the route's rule doesn't ask for a token, or no layer of signet_tower stands before it")]
pub struct MissingPrincipal;

impl IntoResponse for MissingPrincipal {
    fn into_response(self) -> Response {
        tracing::error!("a handler asks for a principal, but {self}");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = MissingPrincipal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get().cloned().ok_or(MissingPrincipal)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Principal {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Self::Rejection> {
        Ok(parts.extensions.get().cloned())
    }
}
