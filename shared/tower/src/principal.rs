//! Who a request comes from, once its token has been checked.

use std::sync::Arc;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use signet_verifier::VerifiedToken;

/// The holder of a checked token. There is no way to make one but [`crate::Protect`].
#[derive(Clone, Debug)]
pub struct Principal(Arc<VerifiedToken>);

impl Principal {
    pub(crate) fn new(token: VerifiedToken) -> Self {
        Self(Arc::new(token))
    }

    /// The account (`sub`).
    #[must_use]
    pub fn subject(&self) -> &str {
        self.0.claims().subject()
    }

    /// The session (`sid`).
    #[must_use]
    pub fn session_id(&self) -> &str {
        self.0.claims().session_id()
    }

    /// The client the token was issued to (`client_id`).
    #[must_use]
    pub fn client_id(&self) -> &str {
        self.0.claims().client_id()
    }

    /// Whether the token names the role.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.0.claims().has_role(role)
    }

    /// Whether the token names the permission.
    #[must_use]
    pub fn may(&self, permission: &str) -> bool {
        self.0.claims().has_permission(permission)
    }

    /// The checked token, for everything else it says.
    #[must_use]
    pub fn token(&self) -> &VerifiedToken {
        &self.0
    }
}

/// A handler asks for a [`Principal`] on a route that [`crate::Protect`] doesn't protect.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the route is not behind signet_tower::Protect")]
pub struct MissingPrincipal;

impl IntoResponse for MissingPrincipal {
    fn into_response(self) -> Response {
        tracing::error!("{self}");
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
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Self::Rejection> {
        Ok(parts.extensions.get().cloned())
    }
}
