//! What is counted, in Envoy's own statistics: `wasmcustom.signet.…`, the same for all threads.

use proxy_wasm::hostcalls;
use proxy_wasm::types::MetricType;
use signet_verifier::Decision;
use signet_verifier::gate::Code;
use signet_verifier::refresher::{Document, RefreshFault};

/// Counts decisions, by what clients were told.
pub(crate) struct Tally {
    allowed: Counter,
    denied: Vec<(Code, Counter)>,
}

/// A number that only rises. Without an id, Envoy has no room for it.
#[derive(Clone, Copy)]
struct Counter(Option<u32>);

impl Tally {
    pub(crate) fn new() -> Self {
        let denied = |code: &Code| {
            let name = format!("signet.denied.{}", code.as_str());
            (*code, Counter::new(&name))
        };
        Self {
            allowed: Counter::new("signet.allowed"),
            denied: Code::ALL.iter().map(denied).collect(),
        }
    }

    pub(crate) fn count(&self, decision: &Decision) {
        let Some(code) = decision.code() else {
            return self.allowed.count();
        };
        let counter = self.denied.iter().find(|(of, _)| *of == code);
        if let Some((_, counter)) = counter {
            counter.count();
        }
    }
}

/// Counts a request to the issuer.
pub(crate) fn count_fetch(document: Document) {
    Counter::new(&format!("signet.fetches.{document}")).count();
}

/// Counts an answer of the issuer that was ignored.
pub(crate) fn count_fault(document: Document, fault: RefreshFault) {
    let name = format!("signet.fetch_faults.{document}.{}", fault.code());
    Counter::new(&name).count();
}

impl Counter {
    fn new(name: &str) -> Self {
        Self(hostcalls::define_metric(MetricType::Counter, name).ok())
    }

    fn count(self) {
        if let Some(id) = self.0 {
            let _envoy_has_it = hostcalls::increment_metric(id, 1);
        }
    }
}
