//! Whom the service trusts: one issuer, by its keys and its revocation feed.

mod builder;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};

use signet_verifier::policy::Policy;
use signet_verifier::refresher::{Document, RefreshFault, Status};
use signet_verifier::time::UnixMillis;
use signet_verifier::{Decision, Gate, Leeway};
use tokio::sync::{Notify, watch};

pub use builder::{TrustBuilder, TrustError};

use crate::clock::Clock;
use crate::guard::Guard;
use crate::metrics::{DocumentMetrics, Metrics, Tally};

/// What is known of one issuer. Clones know the same, and so do the layers that are made with one.
#[derive(Clone)]
pub struct Trust(Arc<Shared>);

/// What the clones of a trust share with the task that keeps it up to date.
pub(crate) struct Shared {
    issuer: String,
    leeway: Option<Leeway>,
    clock: Clock,
    learned: Mutex<Learned>,
    status: RwLock<Status>,
    faults: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
    wanted: Wanted,
    news: watch::Sender<()>,
    tally: Tally,
}

/// What has come from the issuer, and who is told what comes next.
struct Learned {
    /// A gate without rules, from which those with some adopt.
    known: Gate,
    guards: Vec<Weak<Guard>>,
}

/// What decisions lacked since it was last fetched.
#[derive(Default)]
pub(crate) struct Wanted {
    keys: AtomicBool,
    feed: AtomicBool,
    /// Wakes the task. It outlives the trust, so that the task finds out that it is over.
    pub(crate) bell: Arc<Notify>,
}

impl Trust {
    /// Trusts the issuer at this URL (which is also the `iss` of its tokens), fetches its keys and
    /// its feed, and keeps both up to date in the background.
    ///
    /// While the issuer is away, its last keys stay good for a day; then nothing is let through. An
    /// issuer without a feed is fine, unless a rule requires one.
    ///
    /// # Errors
    /// When the keys can't be fetched now: a service that can't check tokens shouldn't start. One that
    /// has to start all the same, begins with pinned keys and
    /// [`refreshing`](TrustBuilder::refreshing).
    pub async fn fetch(issuer: &str) -> Result<Self, TrustError> {
        Self::of(issuer).fetch().await
    }

    /// Trusts exactly these keys of an issuer, a key set as it publishes it, and asks nobody.
    ///
    /// # Errors
    /// When it is no key set, or has no key that can be used.
    pub fn pinned(issuer: &str, jwks: &[u8]) -> Result<Self, TrustError> {
        Ok(Self::of(issuer).pinned(jwks)?.offline())
    }

    /// Trusts an issuer in another way than these two.
    pub fn of(issuer: &str) -> TrustBuilder {
        TrustBuilder::new(issuer)
    }

    /// Whose tokens are taken.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// Whether there are keys to check tokens with, as a readiness probe wants to know.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        self.0.learned().known.has_keys(self.now().unix_time())
    }

    /// How the refreshing goes.
    #[must_use]
    pub fn status(&self) -> Status {
        *(self.0.status.read()).unwrap_or_else(PoisonError::into_inner)
    }

    /// All that can be counted, as it is now.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        let now = self.now();
        let status = self.status();
        let faults = lock(&self.0.faults).clone();
        let document = |document: Document, status, is_good| {
            DocumentMetrics::new(document.as_str(), status, is_good, now, &faults)
        };
        let learned = self.0.learned();
        let has_keys = learned.known.has_keys(now.unix_time());
        let has_feed = learned.known.has_fresh_feed(now.unix_time());
        Metrics {
            decisions: self.0.tally.read(),
            keys: document(Document::Keys, status.keys, has_keys),
            feed: status
                .feed
                .map(|feed| document(Document::Feed, feed, has_feed)),
        }
    }

    /// Tells it what came in another way than by its own fetching, and with it every layer that was
    /// made with it: `learn` is given a gate without rules that knows what it knows.
    pub fn learn<T>(&self, learn: impl FnOnce(&mut Gate) -> T) -> T {
        let mut learned = self.0.learned();
        let mut known = learned.known.clone();
        let answer = learn(&mut known);
        learned.adopt(known);
        answer
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.0.clock.now()
    }

    pub(crate) fn count(&self, decision: &Decision) {
        self.0.tally.count(decision);
    }

    /// A gate with a policy of this issuer, as patient with clocks as the trust is.
    pub(crate) fn gate(&self, policy: Policy) -> Gate {
        let gate = Gate::new(policy);
        match self.0.leeway {
            Some(leeway) => gate.leeway(leeway),
            None => gate,
        }
    }

    /// Tells a guard what is known, and from now on what comes.
    pub(crate) fn tell(&self, guard: &Arc<Guard>) {
        let mut learned = self.0.learned();
        guard.adopt(&learned.known);
        learned.guards.push(Arc::downgrade(guard));
    }

    /// Notes that a decision lacked something. Nobody waits for it here.
    pub(crate) fn want(&self, document: Document) {
        let wanted = &self.0.wanted;
        if !wanted.flag(document).swap(true, Ordering::Relaxed) {
            wanted.bell.notify_one();
        }
    }

    /// Whether a feed may come soon: one is fetched, and the last fetch didn't fail.
    pub(crate) fn expects_feed(&self) -> bool {
        self.status().feed.is_some_and(|feed| feed.failures == 0)
    }

    /// Changes with everything that comes, or doesn't, from the issuer.
    pub(crate) fn news(&self) -> watch::Receiver<()> {
        self.0.news.subscribe()
    }
}

impl Shared {
    pub(crate) fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    pub(crate) fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// Tells all guards what has come.
    pub(crate) fn learn(&self, known: &Gate) {
        self.learned().adopt(known.clone());
    }

    /// Counts an answer that was ignored.
    pub(crate) fn count_fault(&self, document: Document, fault: RefreshFault) {
        let mut faults = lock(&self.faults);
        let count = faults.entry((document.as_str(), fault.code())).or_default();
        *count = count.saturating_add(1);
    }

    /// Tells whoever waits how it goes, if anything has changed.
    pub(crate) fn report(&self, status: Status) {
        let mut known = self.status.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = *known != status;
        *known = status;
        drop(known);
        if is_new {
            self.news.send_replace(());
        }
    }

    fn learned(&self) -> MutexGuard<'_, Learned> {
        lock(&self.learned)
    }
}

impl Learned {
    fn adopt(&mut self, known: Gate) {
        self.guards.retain(|guard| match guard.upgrade() {
            Some(guard) => {
                guard.adopt(&known);
                true
            }
            None => false,
        });
        self.known = known;
    }
}

impl Wanted {
    fn flag(&self, document: Document) -> &AtomicBool {
        match document {
            Document::Keys => &self.keys,
            Document::Feed => &self.feed,
        }
    }

    /// Whether a document is wanted.
    pub(crate) fn is(&self, document: Document) -> bool {
        self.flag(document).load(Ordering::Relaxed)
    }

    /// Forgets what decisions lacked before: it is fetched now, or has been.
    pub(crate) fn forget(&self, document: Document) {
        self.flag(document).store(false, Ordering::Relaxed);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.wanted.bell.notify_one();
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust")
            .field("issuer", &self.issuer())
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

/// Whoever panicked with the lock left nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
