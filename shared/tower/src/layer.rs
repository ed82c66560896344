//! The layers: by a policy, or route by route. Both carry a [`Decision`] out, and neither decides.

use std::future::{Ready, ready};
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::Either;
use http::{HeaderMap, Request, Response};
use signet_verifier::policy::document::{Allow, Revocation, Rule};
use signet_verifier::policy::{Condition, Policy};
use signet_verifier::{Decision, RequestHead};
use tower_layer::Layer;
use tower_service::Service;

use crate::guard::Guard;
use crate::head;
use crate::trust::Trust;

/// Has a policy decide about every request.
///
/// It belongs around a whole router, outside of anything that rewrites targets, with
/// [`Router::layer`](axum::Router::layer) after the last route: then requests without a route are
/// decided about as well. Whatever has no rule is refused.
#[derive(Clone, Debug)]
pub struct SignetLayer {
    guard: Arc<Guard>,
}

/// The policy is for the tokens of another issuer than the trust.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the policy is for tokens of {policy}, and the trust in {trust}")]
pub struct ForeignPolicy {
    /// The issuer that the policy names.
    pub policy: String,
    /// The issuer that is trusted.
    pub trust: String,
}

impl SignetLayer {
    /// Decides by this policy, with the keys and the feed of this trust.
    ///
    /// # Errors
    /// When they name two issuers. [`Policy::for_issuer`] makes a policy of another.
    pub fn new(trust: Trust, policy: Policy) -> Result<Self, ForeignPolicy> {
        if trust.issuer() != policy.issuer() {
            return Err(ForeignPolicy {
                policy: policy.issuer().to_owned(),
                trust: trust.issuer().to_owned(),
            });
        }
        Ok(Self {
            guard: Guard::new(trust, policy),
        })
    }

    /// What would be done with a request of this head, at once. For services that decide about
    /// requests to others, and so have none of their own behind this layer.
    pub fn decide(&self, head: &RequestHead<'_>) -> Decision {
        let decision = self.guard.decide_head(head);
        self.guard.count(&decision);
        decision
    }
}

/// Lets requests through that carry a good token with everything that is asked for: for services
/// whose router says what is where, and that want no policy beside it.
///
/// It asks the same of every request that it sees, whatever the method and the path; so it belongs
/// around single routes, with [`Router::route_layer`](axum::Router::route_layer). What it asks is
/// one rule, which the gate decides about as about those of a policy; services are told its name,
/// `protect`. Routes that ask for different things take clones of one, which share what they
/// remember.
#[derive(Clone, Debug)]
pub struct Protect {
    guard: Arc<Guard>,
    rule: Arc<Rule>,
}

impl Protect {
    /// Asks for a good token of that trust's issuer, for one of these audiences.
    #[must_use]
    pub fn new<'a>(trust: Trust, audiences: impl IntoIterator<Item = &'a str>) -> Self {
        let policy = Policy::without_rules(trust.issuer(), audiences);
        let nothing_more = Allow::When(Condition::All(Vec::new()));
        Self {
            guard: Guard::new(trust, policy),
            rule: Arc::new(Rule::without_path("protect", nothing_more)),
        }
    }

    /// Asks for this role as well.
    #[must_use]
    pub fn role(self, role: &str) -> Self {
        self.require(Condition::Role(role.to_owned()))
    }

    /// Asks for this permission as well.
    #[must_use]
    pub fn permission(self, permission: &str) -> Self {
        self.require(Condition::Permission(permission.to_owned()))
    }

    /// Asks for this as well. Of [`Condition::Subject`], which compares with a part of a rule's
    /// path, nothing comes: there is no path here.
    #[must_use]
    pub fn require(mut self, condition: Condition) -> Self {
        let rule = Arc::make_mut(&mut self.rule);
        if let Allow::When(Condition::All(conditions)) = &mut rule.allow {
            conditions.push(condition);
        }
        self
    }

    /// Wants this of the revocation feed.
    #[must_use]
    pub fn revocation(mut self, revocation: Revocation) -> Self {
        Arc::make_mut(&mut self.rule).revocation = revocation;
        self
    }

    /// What would be done with a request of these headers, at once. For services that answer
    /// refusals in a form of their own, and so are no service behind this layer.
    pub fn decide(&self, headers: &HeaderMap) -> Decision {
        let decision = self.guard.decide_by(&self.rule, headers);
        self.guard.count(&decision);
        decision
    }
}

impl<S> Layer<S> for SignetLayer {
    type Service = Protected<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Protected {
            inner,
            guard: Arc::clone(&self.guard),
            rule: None,
        }
    }
}

impl<S> Layer<S> for Protect {
    type Service = Protected<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Protected {
            inner,
            guard: Arc::clone(&self.guard),
            rule: Some(Arc::clone(&self.rule)),
        }
    }
}

/// A service behind [`SignetLayer`] or [`Protect`].
#[derive(Clone, Debug)]
pub struct Protected<S> {
    inner: S,
    guard: Arc<Guard>,
    /// The rule that decides, if it isn't the policy's.
    rule: Option<Arc<Rule>>,
}

/// An answer that took waiting for.
type Waiting<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

impl<S, B, R> Service<Request<B>> for Protected<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Send + 'static,
    R: From<String> + Send,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<
        S::Future,
        Either<Ready<Result<S::Response, S::Error>>, Waiting<S::Response, S::Error>>,
    >;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let decision = self.guard.decide(&request, self.rule.as_deref());
        if !self.guard.is_worth_waiting(&decision) {
            return match carry_out(&self.guard, request, &decision) {
                Ok(request) => Either::Left(self.inner.call(request)),
                Err(response) => Either::Right(Either::Left(ready(Ok(response)))),
            };
        }
        // The service that was made ready is called; a clone of it waits for the next request.
        let next = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, next);
        let guard = Arc::clone(&self.guard);
        let rule = self.rule.clone();
        Either::Right(Either::Right(Box::pin(async move {
            let (request, decision) = guard.decide_patiently(request, rule.as_deref()).await;
            match carry_out(&guard, request, &decision) {
                Ok(request) => inner.call(request).await,
                Err(response) => Ok(response),
            }
        })))
    }
}

/// The request as the service may see it, or the answer in its place.
fn carry_out<B, R: From<String>>(
    guard: &Guard,
    mut request: Request<B>,
    decision: &Decision,
) -> Result<Request<B>, Response<R>> {
    guard.count(decision);
    match decision.answer() {
        Some(answer) => Err(head::response(answer)),
        None => {
            head::prepare(&mut request, decision);
            Ok(request)
        }
    }
}
