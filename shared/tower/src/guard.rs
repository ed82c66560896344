//! A gate with what its trust knows, read by every request and exchanged now and then.

use std::sync::{Arc, PoisonError, RwLock};

use http::{HeaderMap, Request};
use signet_verifier::policy::Policy;
use signet_verifier::policy::document::Rule;
use signet_verifier::refresher::Document;
use signet_verifier::refresher::config::FEED_PATIENCE;
use signet_verifier::time::UnixTime;
use signet_verifier::{Decision, Gate, RequestHead};

use crate::head;
use crate::trust::Trust;

/// Decides about requests.
#[derive(Debug)]
pub(crate) struct Guard {
    trust: Trust,
    /// Held for as long as it takes to read or write the pointer, so a lock of the standard library
    /// does: nothing is parsed, checked or waited for under it.
    gate: RwLock<Arc<Gate>>,
}

impl Guard {
    /// A guard that learns whatever the trust learns.
    pub(crate) fn new(trust: Trust, policy: Policy) -> Arc<Self> {
        let guard = Arc::new(Self {
            gate: RwLock::new(Arc::new(trust.gate(policy))),
            trust,
        });
        guard.trust.tell(&guard);
        guard
    }

    fn gate(&self) -> Arc<Gate> {
        Arc::clone(&self.gate.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Decides with the keys and the feed of `known` from now on. Only one thread does this at a
    /// time.
    pub(crate) fn adopt(&self, known: &Gate) {
        let mut gate = Gate::clone(&self.gate());
        gate.adopt(known);
        *self.gate.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(gate);
    }

    /// Decides about a request, by the policy or by a rule beside it.
    pub(crate) fn decide<B>(&self, request: &Request<B>, rule: Option<&Rule>) -> Decision {
        if let Some(rule) = rule {
            return self.decide_by(rule, request.headers());
        }
        let head = RequestHead {
            method: request.method().as_str().as_bytes(),
            target: head::target(request),
            headers: &head::lines(request.headers()),
        };
        self.decide_head(&head)
    }

    /// Decides about a request of this head, by the policy.
    pub(crate) fn decide_head(&self, head: &RequestHead<'_>) -> Decision {
        self.noting_what_it_lacks(self.gate().decide(head, self.now()))
    }

    /// Decides about a request of these headers, by a rule.
    pub(crate) fn decide_by(&self, rule: &Rule, headers: &HeaderMap) -> Decision {
        let headers = head::lines(headers);
        self.noting_what_it_lacks(self.gate().decide_by(rule, &headers, self.now()))
    }

    fn now(&self) -> UnixTime {
        self.trust.now().unix_time()
    }

    fn noting_what_it_lacks(&self, decision: Decision) -> Decision {
        if let Some(document) = decision.lacks() {
            self.trust.want(document);
        }
        decision
    }

    /// Whether a feed may come within the patience of a decision.
    pub(crate) fn is_worth_waiting(&self, decision: &Decision) -> bool {
        decision.lacks() == Some(Document::Feed) && self.trust.expects_feed()
    }

    /// Decides anew with everything that comes from the issuer, until it isn't worth waiting any
    /// more.
    pub(crate) async fn decide_patiently<B>(
        &self,
        request: Request<B>,
        rule: Option<&Rule>,
    ) -> (Request<B>, Decision) {
        let mut news = self.trust.news();
        let patience = tokio::time::sleep(FEED_PATIENCE);
        tokio::pin!(patience);
        loop {
            let decision = self.decide(&request, rule);
            if !self.is_worth_waiting(&decision) {
                return (request, decision);
            }
            let is_over = tokio::select! {
                () = &mut patience => true,
                news = news.changed() => news.is_err(),
            };
            if is_over {
                return (request, decision);
            }
        }
    }

    /// Counts what was decided in the end.
    pub(crate) fn count(&self, decision: &Decision) {
        self.trust.count(decision);
    }
}
