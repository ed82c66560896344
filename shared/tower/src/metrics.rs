//! What can be counted: a snapshot of plain numbers, which writes itself as Prometheus reads it.
//!
//! A service shows `trust.metrics().to_string()` at its `/metrics`, or hands the numbers to
//! whatever it counts with. That costs a decision one or two atomic additions, a service no further
//! dependency, and nobody a recorder that has to be installed before the first request. The
//! `metrics` facade would have looked each series up by a hash of its labels, and OpenTelemetry's
//! would have brought an SDK; but both can be fed from here, since counters only rise and gauges
//! are read when they are asked for. The names follow Prometheus' conventions, and reasons are a
//! closed list, so the number of series has a bound that no client can move.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use signet_verifier::gate::Code;
use signet_verifier::refresher::DocumentStatus;
use signet_verifier::time::UnixMillis;
use signet_verifier::{Decision, Rejection};

/// All that can be counted of a trust and its layers. As text, it is Prometheus' exposition format.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Metrics {
    /// What was decided.
    pub decisions: Decisions,
    /// The key set.
    pub keys: DocumentMetrics,
    /// The feed, if one is fetched.
    pub feed: Option<DocumentMetrics>,
}

/// What was decided, by all layers of the trust together.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Decisions {
    /// How many requests were let through.
    pub allowed: u64,
    /// How many weren't, by what the client was told and why its token was bad. Only what happened
    /// is here.
    pub denied: Vec<(Code, Option<Rejection>, u64)>,
}

/// How it goes with one document of the issuer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DocumentMetrics {
    /// Its name.
    pub document: &'static str,
    /// How often it was asked for.
    pub fetches: u64,
    /// How often what came was ignored, by its code.
    pub faults: Vec<(&'static str, u64)>,
    /// How long ago it last came, or was last said to be unchanged.
    pub age: Option<Duration>,
    /// Whether it can be used: there are keys, and the feed is fresh.
    pub is_good: bool,
}

/// Counts decisions.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    allowed: AtomicU64,
    by_code: [AtomicU64; Code::ALL.len()],
    by_reason: [AtomicU64; Rejection::ALL.len()],
}

impl Tally {
    pub(crate) fn count(&self, decision: &Decision) {
        let counter = match (decision.code(), decision.reason()) {
            (None, _) => Some(&self.allowed),
            (Some(_), Some(reason)) => place(Rejection::ALL, reason, &self.by_reason),
            (Some(code), None) => place(Code::ALL, code, &self.by_code),
        };
        if let Some(counter) = counter {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn read(&self) -> Decisions {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let codes = Code::ALL.iter().zip(&self.by_code);
        let codes = codes.map(|(code, count)| (*code, None, read(count)));
        let reasons = Rejection::ALL.iter().zip(&self.by_reason);
        let reasons =
            reasons.map(|(reason, count)| (Code::InvalidToken, Some(*reason), read(count)));
        Decisions {
            allowed: read(&self.allowed),
            denied: codes
                .chain(reasons)
                .filter(|(.., count)| *count > 0)
                .collect(),
        }
    }
}

fn place<'a, T: PartialEq>(
    all: &[T],
    wanted: T,
    counters: &'a [AtomicU64],
) -> Option<&'a AtomicU64> {
    let at = all.iter().position(|one| *one == wanted)?;
    counters.get(at)
}

impl DocumentMetrics {
    pub(crate) fn new(
        document: &'static str,
        status: DocumentStatus,
        is_good: bool,
        now: UnixMillis,
        faults: &BTreeMap<(&'static str, &'static str), u64>,
    ) -> Self {
        let faults = faults.iter().filter(|((of, _), _)| *of == document);
        Self {
            document,
            fetches: status.fetches,
            faults: faults.map(|((_, code), count)| (*code, *count)).collect(),
            age: status.last_success.map(|then| now.saturating_since(then)),
            is_good,
        }
    }
}

impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let documents = || [Some(&self.keys), self.feed.as_ref()].into_iter().flatten();
        let name = "signet_decisions_total";
        describe(f, name, "counter", "Requests decided about.")?;
        let Decisions { allowed, denied } = &self.decisions;
        writeln!(f, "{name}{{outcome=\"allow\"}} {allowed}")?;
        for (code, reason, count) in denied {
            write!(f, "{name}{{outcome=\"deny\",code=\"{}\"", code.as_str())?;
            if let Some(reason) = reason {
                write!(f, ",reason=\"{}\"", reason.code())?;
            }
            writeln!(f, "}} {count}")?;
        }
        let name = "signet_fetches_total";
        describe(f, name, "counter", "Requests to the issuer.")?;
        for it in documents() {
            writeln!(f, "{name}{{document=\"{}\"}} {}", it.document, it.fetches)?;
        }
        let name = "signet_fetch_faults_total";
        describe(
            f,
            name,
            "counter",
            "Answers of the issuer that were ignored.",
        )?;
        for it in documents() {
            for (code, count) in &it.faults {
                let document = it.document;
                writeln!(
                    f,
                    "{name}{{document=\"{document}\",code=\"{code}\"}} {count}"
                )?;
            }
        }
        let name = "signet_document_age_seconds";
        describe(f, name, "gauge", "Time since the issuer last sent it.")?;
        for it in documents() {
            if let Some(age) = it.age {
                let age = age.as_secs_f64();
                writeln!(f, "{name}{{document=\"{}\"}} {age}", it.document)?;
            }
        }
        let name = "signet_document_good";
        describe(
            f,
            name,
            "gauge",
            "Whether there are keys, and a fresh feed.",
        )?;
        for it in documents() {
            let is_good = u8::from(it.is_good);
            writeln!(f, "{name}{{document=\"{}\"}} {is_good}", it.document)?;
        }
        Ok(())
    }
}

fn describe(f: &mut fmt::Formatter<'_>, name: &str, kind: &str, help: &str) -> fmt::Result {
    writeln!(f, "# HELP {name} {help}\n# TYPE {name} {kind}")
}
