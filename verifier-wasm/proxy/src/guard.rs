//! A thread's gate, with what decisions have to be told besides: what was wanted, and who waits.

use std::cell::{Cell, RefCell};

use proxy_wasm::hostcalls;
use proxy_wasm::types::{LogLevel, MapType};
use signet_verifier::refresher::Document;
use signet_verifier::refresher::config::FEED_PATIENCE;
use signet_verifier::time::UnixMillis;
use signet_verifier::{Decision, Gate, RequestHead};

use crate::host::{self, Failed};
use crate::metrics::Tally;
use crate::request::{self, Resumed};

/// Decides about the requests of a thread.
///
/// Envoy calls a virtual machine one call at a time, and nothing that Envoy is asked here calls back.
/// So no cell is ever borrowed twice.
pub(crate) struct Guard {
    gate: RefCell<Gate>,
    wanted: [Cell<bool>; 2],
    expects_feed: Cell<bool>,
    waiting: RefCell<Vec<Waiting>>,
    logs_debug: Cell<bool>,
    tally: Tally,
}

/// A request that Envoy holds.
struct Waiting {
    id: u32,
    /// None once it has been answered: then it is held until it is over.
    until: Option<UnixMillis>,
}

impl Guard {
    pub(crate) fn new(gate: Gate) -> Self {
        Self {
            gate: RefCell::new(gate),
            wanted: Default::default(),
            expects_feed: Cell::new(false),
            waiting: RefCell::default(),
            logs_debug: Cell::new(host::logs_debug()),
            tally: Tally::new(),
        }
    }

    /// Hands the gate something that has come.
    pub(crate) fn teach<T>(&self, teach: impl FnOnce(&mut Gate) -> T) -> T {
        teach(&mut self.gate.borrow_mut())
    }

    /// Decides about the request at hand.
    ///
    /// # Errors
    /// When Envoy has none, or hands over what can't be read.
    pub(crate) fn decide(&self, now: UnixMillis) -> Result<Decision, Failed> {
        let pairs = host::lines(MapType::HttpRequestHeaders)?;
        let lines = pairs.read().ok_or(Failed)?;
        let (mut method, mut target) = (&b""[..], &b""[..]);
        let mut headers = Vec::with_capacity(lines.len());
        for (name, value) in lines {
            match name {
                b":method" => method = value,
                b":path" => target = value,
                [b':', ..] => {}
                _ => headers.push((name, value)),
            }
        }
        let head = RequestHead {
            method,
            target,
            headers: &headers,
        };
        let decision = self.gate.borrow().decide(&head, now.unix_time());
        if let Some(document) = decision.lacks() {
            self.wish(document).set(true);
        }
        Ok(decision)
    }

    /// Takes the names away from trailers that no client may send, since some servers make headers
    /// of them.
    ///
    /// # Errors
    /// When Envoy can't.
    pub(crate) fn clean_trailers(&self) -> Result<(), Failed> {
        let trailers = host::lines(MapType::HttpRequestTrailers)?;
        let head = RequestHead {
            method: b"",
            target: b"",
            headers: &trailers.read().ok_or(Failed)?,
        };
        let decision = self.gate.borrow().decide(&head, host::now().unix_time());
        let mut names = decision.removed();
        names.try_for_each(|name| host::remove(MapType::HttpRequestTrailers, name))
    }

    /// Whether a feed may come within the patience of a decision.
    pub(crate) fn is_worth_waiting(&self, decision: &Decision) -> bool {
        decision.lacks() == Some(Document::Feed) && self.expects_feed.get()
    }

    /// Says whether a feed may come soon.
    pub(crate) fn expect_feed(&self, expects_feed: bool) {
        self.expects_feed.set(expects_feed);
    }

    /// Has a request wait.
    pub(crate) fn hold(&self, id: u32, now: UnixMillis) {
        let until = Some(now.saturating_add(FEED_PATIENCE));
        self.waiting.borrow_mut().push(Waiting { id, until });
    }

    /// Whether a request that had to wait may not go on yet.
    pub(crate) fn holds(&self, id: u32) -> bool {
        self.waiting.borrow().iter().any(|waiting| waiting.id == id)
    }

    /// Forgets a request that is over.
    pub(crate) fn forget(&self, id: u32) {
        self.waiting.borrow_mut().retain(|waiting| waiting.id != id);
    }

    /// Decides anew about the requests that wait, and lets go those that needn't any longer.
    pub(crate) fn reconsider(&self, now: UnixMillis, root: u32) {
        let mut waiting = self.waiting.take();
        if waiting.is_empty() {
            return;
        }
        waiting.retain_mut(|waiting| {
            let Some(until) = waiting.until else {
                return true;
            };
            // Whoever has gone meanwhile has been forgotten.
            if hostcalls::set_effective_context(waiting.id).is_err() {
                return false;
            }
            match request::resume(self, now, now < until) {
                Resumed::Waits => true,
                Resumed::Answered => {
                    waiting.until = None;
                    true
                }
                Resumed::GoesOn => false,
            }
        });
        // Envoy lets requests go on once this call is over, and finds them here no longer.
        self.waiting.replace(waiting);
        let _is_always_there = hostcalls::set_effective_context(root);
    }

    /// Counts what was decided in the end, and tells whoever debugs.
    pub(crate) fn note(&self, decision: &Decision) {
        self.tally.count(decision);
        if self.logs_debug.get() {
            let rule = decision.rule().unwrap_or("none");
            host::log(
                LogLevel::Debug,
                &match decision.refusal() {
                    None => format!("signet: allowed, rule {rule}"),
                    Some(refusal) => format!("signet: {refusal}, rule {rule}"),
                },
            );
        }
    }

    /// Tells Envoy what was counted, and looks again whether anybody debugs.
    pub(crate) fn tick(&self) {
        self.tally.flush();
        self.logs_debug.set(host::logs_debug());
    }

    /// Whether decisions lacked a document since this was last asked.
    pub(crate) fn takes_wish(&self, document: Document) -> bool {
        self.wish(document).take()
    }

    fn wish(&self, document: Document) -> &Cell<bool> {
        let [keys, feed] = &self.wanted;
        match document {
            Document::Keys => keys,
            Document::Feed => feed,
        }
    }
}
