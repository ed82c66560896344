//! The layer: token, role, permission, then the service.

use std::sync::Arc;
use std::task::{Context, Poll};

use axum_core::body::Body;
use futures_util::future::{Either, Ready, ready};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, Request, Response};
use signet_verifier::Refusal;
use signet_verifier::bearer::Bearer;
use tower_layer::Layer;
use tower_service::Service;

use crate::principal::Principal;
use crate::refusal::answer;
use crate::trust::Trust;

/// Lets requests through that carry a good token with everything that is asked for.
#[derive(Clone, Debug)]
pub struct Protect {
    gate: Arc<Gate>,
}

#[derive(Clone, Debug)]
struct Gate {
    trust: Trust,
    roles: Vec<String>,
    permissions: Vec<String>,
}

impl Protect {
    /// Asks for a good token of that trust's issuer, for one of its audiences.
    #[must_use]
    pub fn new(trust: Trust) -> Self {
        let gate = Gate {
            trust,
            roles: Vec::new(),
            permissions: Vec::new(),
        };
        Self {
            gate: Arc::new(gate),
        }
    }

    /// Asks for this role as well.
    #[must_use]
    pub fn role(mut self, role: &str) -> Self {
        Arc::make_mut(&mut self.gate).roles.push(role.to_owned());
        self
    }

    /// Asks for this permission as well.
    #[must_use]
    pub fn permission(mut self, permission: &str) -> Self {
        let gate = Arc::make_mut(&mut self.gate);
        gate.permissions.push(permission.to_owned());
        self
    }
}

impl Gate {
    fn admit(&self, headers: &HeaderMap) -> Result<Principal, Refusal> {
        let values = headers.get_all(AUTHORIZATION).into_iter();
        let token = match Bearer::from_headers(values.map(http::HeaderValue::as_bytes)) {
            Bearer::Absent => return Err(Refusal::MissingToken),
            Bearer::Malformed => return Err(Refusal::InvalidRequest),
            Bearer::Token(token) => token,
        };
        let principal = Principal::new(self.trust.check(token)?);
        let has_roles = self.roles.iter().all(|role| principal.has_role(role));
        let may = |permission: &String| principal.may(permission);
        if has_roles && self.permissions.iter().all(may) {
            Ok(principal)
        } else {
            Err(Refusal::InsufficientScope)
        }
    }
}

impl<S> Layer<S> for Protect {
    type Service = Protected<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Protected {
            inner,
            gate: Arc::clone(&self.gate),
        }
    }
}

/// A service behind [`Protect`].
#[derive(Clone, Debug)]
pub struct Protected<S> {
    inner: S,
    gate: Arc<Gate>,
}

impl<S, B> Service<Request<B>> for Protected<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<Self::Response, Self::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        remove_identity_headers(request.headers_mut());
        match self.gate.admit(request.headers()) {
            Ok(principal) => {
                request.extensions_mut().insert(principal);
                Either::Left(self.inner.call(request))
            }
            Err(refusal) => Either::Right(ready(Ok(answer(refusal)))),
        }
    }
}

/// Signet's own identity headers never come from a client, in whatever spelling.
fn remove_identity_headers(headers: &mut HeaderMap) {
    let forged: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().replace('_', "-").starts_with("x-signet-"))
        .cloned()
        .collect();
    for name in forged {
        headers.remove(name);
    }
}
