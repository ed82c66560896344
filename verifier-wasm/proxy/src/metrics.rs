//! What is counted, in Envoy's own statistics: `wasmcustom.signet.…`, the same for all threads.

use std::cell::Cell;

use proxy_wasm::hostcalls;
use proxy_wasm::types::MetricType;
use signet_verifier::Decision;
use signet_verifier::gate::Code;
use signet_verifier::refresher::{Document, RefreshFault};

/// Counts decisions, by what clients were told. Envoy is told with the next tick: a call for each
/// request costs more than the rest of its counting.
pub(crate) struct Tally {
    allowed: (Cell<i64>, Counter),
    denied: Vec<(Code, Cell<i64>, Counter)>,
}

/// A number that only rises. Without an id, Envoy has no room for it.
#[derive(Clone, Copy)]
struct Counter(Option<u32>);

impl Tally {
    pub(crate) fn new() -> Self {
        let denied = |code: &Code| {
            let name = format!("signet.denied.{}", code.as_str());
            (*code, Cell::default(), Counter::new(&name))
        };
        Self {
            allowed: (Cell::default(), Counter::new("signet.allowed")),
            denied: Code::ALL.iter().map(denied).collect(),
        }
    }

    pub(crate) fn count(&self, decision: &Decision) {
        let counted = match decision.code() {
            None => Some(&self.allowed.0),
            Some(code) => {
                let denied = self.denied.iter().find(|(of, ..)| *of == code);
                denied.map(|(_, counted, _)| counted)
            }
        };
        if let Some(counted) = counted {
            counted.set(counted.get().saturating_add(1));
        }
    }

    /// Tells Envoy what was counted since this was last done.
    pub(crate) fn flush(&self) {
        let (counted, counter) = &self.allowed;
        let denied = self.denied.iter();
        let denied = denied.map(|(_, counted, counter)| (counted, counter));
        for (counted, counter) in denied.chain([(counted, counter)]) {
            match counted.take() {
                0 => {}
                count => counter.add(count),
            }
        }
    }
}

/// Counts a request to the issuer.
pub(crate) fn count_fetch(document: Document) {
    Counter::new(&format!("signet.fetches.{document}")).add(1);
}

/// Counts an answer of the issuer that was ignored.
pub(crate) fn count_fault(document: Document, fault: RefreshFault) {
    let name = format!("signet.fetch_faults.{document}.{}", fault.code());
    Counter::new(&name).add(1);
}

impl Counter {
    fn new(name: &str) -> Self {
        Self(hostcalls::define_metric(MetricType::Counter, name).ok())
    }

    fn add(self, count: i64) {
        if let Some(id) = self.0 {
            let _envoy_has_it = hostcalls::increment_metric(id, count);
        }
    }
}
