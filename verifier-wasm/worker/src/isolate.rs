//! What the requests of one isolate share: a gate, and the refresher that says what to fetch for it.
//!
//! Workers have no task beside requests. So each request, whatever it wants, asks the refresher what
//! is due, and has its own fetches of that run behind its answer (`waitUntil`). What they bring is
//! there for whoever comes next; no request awaits what another has begun, since that ends with the
//! other. If it does, the refresher hands the fetch out again.
//!
//! After a pause, what there is may be old. Who would be let through by that looks again and again
//! until it isn't, for a moment.
//!
//! The state is read and written in one go and never held across an `await`. It ends with the
//! isolate, and after a panic, when the runtime makes a new instance of this module.

use std::cell::RefCell;

use signet_verifier::gate::Refusal;
use signet_verifier::refresher::{Document, Fetch, Next, Reply, Ticket};
use signet_verifier::time::UnixMillis;
use signet_verifier::{Decision, Gate, Refresher};
use worker::js_sys::Math;
use worker::{Context, Env};

use crate::configuration::{Configuration, Misconfigured, Origin};
use crate::head::Head;
use crate::host;
use crate::log::Log;

thread_local! {
    /// Bindings belong to a version of a Worker, and so does an isolate: they are read once.
    static ISOLATE: RefCell<Option<Result<Isolate, Misconfigured>>> = const { RefCell::new(None) };
}

#[derive(Debug)]
struct Isolate {
    gate: Gate,
    refresher: Refresher,
    origin: Origin,
    log: Log,
}

/// What becomes of a request.
#[derive(Debug)]
pub(crate) struct Ruling {
    pub(crate) decision: Decision,
    /// Where it goes if it is let through; nothing for the service that is bound.
    pub(crate) url: Option<String>,
    /// Whether what the decision lacks, or newer than it rests on, may be there soon.
    pub(crate) is_worth_waiting: bool,
}

/// Decides about a request with what there is, and begins to fetch what is due.
pub(crate) fn decide(
    head: &Head<'_>,
    env: &Env,
    context: &Context,
) -> Result<Ruling, Misconfigured> {
    let (ruling, fetches) = ISOLATE.with_borrow_mut(|isolate| {
        let isolate = isolate.get_or_insert_with(|| Configuration::read(env).map(Isolate::new));
        let isolate = isolate.as_mut().map_err(|fault| fault.clone())?;
        let now = host::now();
        Ok((isolate.decide(head, now), isolate.due(now)))
    })?;
    for fetch in fetches {
        context.wait_until(async move {
            let reply = host::get(&fetch).await;
            learn(fetch.ticket, &reply);
        });
    }
    Ok(ruling)
}

fn learn(ticket: Ticket, reply: &Reply) {
    ISOLATE.with_borrow_mut(|isolate| {
        if let Some(Ok(isolate)) = isolate {
            isolate.learn(ticket, reply);
        }
    });
}

impl Isolate {
    /// Knows what is pinned, and nothing else yet.
    fn new(configuration: Configuration) -> Self {
        let Configuration {
            gate,
            refresh,
            origin,
        } = configuration;
        Self {
            gate,
            refresher: Refresher::new(refresh, Math::random().to_bits()),
            origin,
            log: Log::default(),
        }
    }

    fn decide(&mut self, head: &Head<'_>, now: UnixMillis) -> Ruling {
        let decision = self.gate.decide(&head.request(), now.unix_time());
        if let Some(document) = decision.lacks() {
            self.refresher.want(document, now);
        }
        Ruling {
            url: self.origin.url(head.target),
            is_worth_waiting: self.is_worth_waiting(&decision, now),
            decision,
        }
    }

    /// Keys that a token merely names are never waited for.
    fn is_worth_waiting(&mut self, decision: &Decision, now: UnixMillis) -> bool {
        match decision.refusal() {
            Some(Refusal::KeysUnavailable) => self.refresher.expects(Document::Keys),
            Some(Refusal::RevocationUnavailable) => self.refresher.expects(Document::Feed),
            Some(_) => false,
            None => {
                self.rests_on_old(decision, Document::Keys, now)
                    || self.rests_on_old(decision, Document::Feed, now)
            }
        }
    }

    /// Whether somebody would be let through by what is old, and newer may be there soon.
    fn rests_on_old(&mut self, decision: &Decision, document: Document, now: UnixMillis) -> bool {
        decision.rests_on(document) && self.refresher.is_overdue(document, &self.gate, now)
    }

    /// What is to be fetched now: each document once at most.
    fn due(&mut self, now: UnixMillis) -> Vec<Fetch> {
        let mut due = Vec::new();
        while let Next::Fetch(fetch) = self.refresher.poll(now) {
            due.push(fetch);
        }
        due
    }

    fn learn(&mut self, ticket: Ticket, reply: &Reply) {
        let Self {
            gate, refresher, ..
        } = self;
        let refreshed = refresher.on_response(host::now(), ticket, reply.answer(), gate);
        self.log.write(ticket.document, &refreshed);
    }
}
