//! What is counted of requests: which operation, which class of answer, how long it took.
//!
//! An operation is counted under its template in the route table, never under the path that was
//! asked for; what is at no path of ours is counted together. So no client can add a series. A
//! request is counted when its answer is ready to be sent; one whose client left before that isn't.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::response::Response;
use http::StatusCode;
use signet_core::ports::StoreError;
use signet_core::tally::{Histogram, Observed};

use super::problem::Code;

/// The classes of times that are counted. The response floor of a login is between two of them.
const CLASSES: &[Duration] = &[
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2_500),
    Duration::from_secs(5),
];

/// The classes of answers.
const STATUS_CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// What is at no path of ours, and what no operation was asked for.
const ELSEWHERE: (&str, &str) = ("none", "other");

/// How a store failed.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum StoreTrouble {
    /// It didn't answer.
    Unavailable,
    /// It answered what it should never answer.
    Corrupt,
}

impl StoreTrouble {
    pub(crate) const ALL: [Self; 2] = [Self::Unavailable, Self::Corrupt];

    pub(crate) fn of(error: &StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Unavailable,
            StoreError::Corrupt(_) => Self::Corrupt,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Corrupt => "corrupt",
        }
    }
}

/// What is counted of one operation.
#[derive(Debug)]
pub(crate) struct OperationTally {
    pub(crate) route: &'static str,
    pub(crate) method: String,
    by_class: [AtomicU64; STATUS_CLASSES.len()],
    took: Histogram,
}

impl OperationTally {
    fn new(route: &'static str, method: &str) -> Self {
        Self {
            route,
            method: method.to_owned(),
            by_class: Default::default(),
            took: Histogram::new(CLASSES),
        }
    }

    fn count(&self, status: StatusCode, took: Duration) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(counter) = self.by_class.get(class) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        self.took.observe(took);
    }

    /// How many answers of each class there were, those that there were.
    pub(crate) fn by_class(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self
            .by_class
            .iter()
            .map(|count| count.load(Ordering::Relaxed));
        let named = STATUS_CLASSES.into_iter().zip(counts);
        named.filter(|(_, count)| *count > 0)
    }

    pub(crate) fn took(&self) -> Observed {
        self.took.read()
    }
}

/// What is counted of all requests.
#[derive(Debug)]
pub(crate) struct HttpTally {
    operations: Mutex<Vec<Arc<OperationTally>>>,
    elsewhere: Arc<OperationTally>,
    in_flight: AtomicU64,
    problems: Mutex<BTreeMap<&'static str, u64>>,
    store_errors: Mutex<BTreeMap<StoreTrouble, u64>>,
}

impl Default for HttpTally {
    fn default() -> Self {
        let (route, method) = ELSEWHERE;
        let elsewhere = Arc::new(OperationTally::new(route, method));
        Self {
            operations: Mutex::new(vec![Arc::clone(&elsewhere)]),
            elsewhere,
            in_flight: AtomicU64::new(0),
            problems: Mutex::default(),
            store_errors: Mutex::default(),
        }
    }
}

/// A request that is being answered, until it is dropped.
pub(super) struct InFlight<'a>(&'a AtomicU64);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl HttpTally {
    /// Begins to count an operation; what it returns goes into the extensions of its answers.
    pub(super) fn operation(&self, route: &'static str, method: &str) -> Arc<OperationTally> {
        let operation = Arc::new(OperationTally::new(route, method));
        lock(&self.operations).push(Arc::clone(&operation));
        operation
    }

    pub(super) fn begin(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(&self.in_flight)
    }

    /// Counts an answer by what was put into its extensions.
    pub(super) fn count(&self, response: &Response, took: Duration) {
        let extensions = response.extensions();
        let operation = extensions.get::<Arc<OperationTally>>();
        let operation = operation.unwrap_or(&self.elsewhere);
        operation.count(response.status(), took);
        if let Some(code) = extensions.get::<Code>() {
            add(&mut lock(&self.problems), code.as_str());
        }
        if let Some(trouble) = extensions.get::<StoreTrouble>() {
            add(&mut lock(&self.store_errors), *trouble);
        }
    }

    /// Counts an error that no request met.
    pub(crate) fn store_failed(&self, error: &StoreError) {
        add(&mut lock(&self.store_errors), StoreTrouble::of(error));
    }

    /// Every operation that was asked for.
    pub(crate) fn operations(&self) -> Vec<Arc<OperationTally>> {
        let mut asked = lock(&self.operations).clone();
        asked.retain(|operation| operation.took().count > 0);
        asked.sort_by(|one, other| {
            let name = |it: &OperationTally| (it.route, it.method.clone());
            name(one).cmp(&name(other))
        });
        asked
    }

    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// How often each problem was told, those that were.
    pub(crate) fn problems(&self) -> BTreeMap<&'static str, u64> {
        lock(&self.problems).clone()
    }

    /// How often the store failed.
    pub(crate) fn store_errors(&self, trouble: StoreTrouble) -> u64 {
        let errors = lock(&self.store_errors);
        errors.get(&trouble).copied().unwrap_or_default()
    }
}

fn add<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K) {
    let count = counts.entry(key).or_default();
    *count = count.saturating_add(1);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn answer(status: u16) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response
    }

    #[test]
    fn an_answer_counts_for_its_operation_and_one_without_for_none() {
        let tally = HttpTally::default();
        let login = tally.operation("/v1/login", "POST");
        let _never_asked = tally.operation("/v1/me", "GET");
        for status in [200, 204, 429] {
            let mut response = answer(status);
            response.extensions_mut().insert(Arc::clone(&login));
            tally.count(&response, Duration::from_millis(3));
        }
        tally.count(&answer(404), Duration::ZERO);
        let counted = tally.operations();
        let names: Vec<_> = counted
            .iter()
            .map(|one| (one.route, &*one.method))
            .collect();
        assert_eq!(names, [("/v1/login", "POST"), ("none", "other")]);
        let classes: Vec<_> = login.by_class().collect();
        assert_eq!(classes, [("2xx", 2), ("4xx", 1)]);
        assert_eq!(login.took().count, 3);
    }

    #[test]
    fn what_is_in_flight_lands_however_it_ends() {
        let tally = HttpTally::default();
        let first = tally.begin();
        let second = tally.begin();
        assert_eq!(tally.in_flight(), 2);
        drop((first, second));
        assert_eq!(tally.in_flight(), 0);
    }
}
