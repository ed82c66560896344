//! A request: the decision about it is carried out, and nothing is decided here.

use std::rc::Rc;

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::{Action, MapType};
use signet_verifier::Decision;
use signet_verifier::gate::Answer;
use signet_verifier::time::UnixMillis;

use crate::guard::Guard;
use crate::host::{self, Failed};

/// A request of a client.
pub(crate) struct Request {
    id: u32,
    guard: Rc<Guard>,
    state: State,
}

/// What was said about its head.
enum State {
    GoesOn,
    /// The guard knows for how long.
    Waits,
    Answered,
}

/// What has become of a request that waited.
pub(crate) enum Resumed {
    Waits,
    GoesOn,
    Answered,
}

impl Request {
    pub(crate) fn new(id: u32, guard: Rc<Guard>) -> Self {
        Self {
            id,
            guard,
            state: State::Answered,
        }
    }

    /// Whether the rest of it may follow its head. Envoy can be told to hand it over while the head
    /// is held (`allow_on_headers_stop_iteration`), and would let both go if the rest went on.
    fn rest(&self) -> Action {
        match self.state {
            State::GoesOn => Action::Continue,
            State::Waits if !self.guard.holds(self.id) => Action::Continue,
            State::Waits | State::Answered => Action::Pause,
        }
    }
}

impl Context for Request {}

impl HttpContext for Request {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let now = host::now();
        match self.guard.decide(now) {
            Ok(decision) if self.guard.is_worth_waiting(&decision) => {
                // Whoever hangs up meanwhile stands in the access log.
                if remove_forged(&decision).is_err() {
                    return refuse();
                }
                self.guard.hold(self.id, now);
                self.state = State::Waits;
                Action::Pause
            }
            decision => {
                let action = carry_out(&self.guard, decision);
                if action == Action::Continue {
                    self.state = State::GoesOn;
                }
                action
            }
        }
    }

    fn on_http_request_body(&mut self, _: usize, _: bool) -> Action {
        self.rest()
    }

    fn on_http_request_trailers(&mut self, _: usize) -> Action {
        match self.guard.clean_trailers() {
            // They come once, so they are cleaned even if they are held.
            Ok(()) => self.rest(),
            Err(Failed) => refuse(),
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        if let State::Waits = self.state {
            self.guard.forget(self.id);
        }
    }
}

/// Decides anew about the request at hand, which waits, and lets it go unless it had better wait on.
pub(crate) fn resume(guard: &Guard, now: UnixMillis, has_time: bool) -> Resumed {
    let decision = guard.decide(now);
    if has_time && decision.as_ref().is_ok_and(|it| guard.is_worth_waiting(it)) {
        return Resumed::Waits;
    }
    if carry_out(guard, decision) == Action::Pause {
        return Resumed::Answered;
    }
    let _there_is_nobody_to_tell = hostcalls::resume_http_request();
    Resumed::GoesOn
}

/// Lets the request at hand go on as it may be seen upstream, or answers it.
fn carry_out(guard: &Guard, decision: Result<Decision, Failed>) -> Action {
    let Ok(decision) = decision else {
        return refuse();
    };
    guard.note(&decision);
    prepare(&decision).unwrap_or_else(|Failed| refuse())
}

/// What clients may not send goes whatever becomes of the request: access logs see headers, too.
fn prepare(decision: &Decision) -> Result<Action, Failed> {
    for name in decision.removed() {
        host::remove(MapType::HttpRequestHeaders, name)?;
    }
    if let Some(answer) = decision.answer() {
        host::answer(&answer, &details(decision))?;
        return Ok(Action::Pause);
    }
    for (name, value) in decision.set() {
        host::set_request_header(name, value)?;
    }
    Ok(Action::Continue)
}

/// Takes away what clients may not send, but not the token, which is needed to decide anew.
fn remove_forged(decision: &Decision) -> Result<(), Failed> {
    let mut names = decision.removed().filter(|name| *name != b"authorization");
    names.try_for_each(|name| host::remove(MapType::HttpRequestHeaders, name))
}

/// For access logs: why the request was refused, and by which rule.
fn details(decision: &Decision) -> String {
    let code = decision.code().map_or("", |code| code.as_str());
    let reason = decision.reason().map_or("", |reason| reason.code());
    let rule = decision.rule().unwrap_or_default();
    ["signet", code, reason, rule].join(":")
}

/// Envoy doesn't do what it is asked, so nothing goes on.
fn refuse() -> Action {
    let answer = Answer {
        status: 500,
        headers: Vec::new(),
        body: String::new(),
    };
    let _it_stays_held = host::answer(&answer, "signet:host_failed");
    Action::Pause
}
