//! Where the documents are, and every figure that says how often and how long.

use alloc::format;
use alloc::string::String;
use core::time::Duration;

/// For how long a key set is fresh. It is fetched anew before that is over.
pub const KEYS_FRESH: Duration = Duration::from_secs(300);
/// When it is fetched anew, in percent of that: at 80, give or take a tenth.
const KEYS_AHEAD: (u32, u32) = (72, 88);
/// For how long keys are used when no newer ones can be had, unless the host says otherwise.
pub const MAX_STALE: Duration = Duration::from_secs(24 * 3_600);
/// The shortest time between two fetches of keys, however many tokens name unknown ones.
pub const KEYS_SPACING: Duration = Duration::from_secs(10);
/// How long a fetch of keys may take.
pub const KEYS_TIMEOUT: Duration = Duration::from_secs(5);

/// How often the feed is fetched.
pub const FEED_INTERVAL: Duration = Duration::from_secs(5);
/// When it is, in percent of that: a fifth more or less.
const FEED_SPREAD: (u32, u32) = (80, 120);
/// The shortest time between two fetches of the feed, however many rules require it.
pub const FEED_SPACING: Duration = Duration::from_secs(1);
/// How long a fetch of the feed may take. It ends before the next one begins.
pub const FEED_TIMEOUT: Duration = Duration::from_secs(4);
/// A feed that was asked for within this time and isn't fresh has no fresher one behind it.
pub(super) const FEED_LATE: Duration = Duration::from_secs(10);
/// How long a decision may wait: for a fresh feed that its rule requires, and on hosts that fetch
/// only while they are asked, for what takes the place of something old.
pub const FEED_PATIENCE: Duration = Duration::from_secs(1);

/// How long after its timeout a fetch is taken for lost: a host that keeps the time has said by then
/// that it failed.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// The least and the most time between a failure and the next fetch.
pub(super) const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Where a refresher fetches from, and how long keys may be kept.
#[derive(Clone, Debug)]
pub struct Config {
    pub(super) keys_url: String,
    pub(super) feed_url: Option<String>,
    pub(super) takes_deltas: bool,
    pub(super) max_stale: Duration,
}

impl Config {
    /// The documents of an issuer, where Signet's issuers have them.
    #[must_use]
    pub fn of_issuer(issuer: &str) -> Self {
        let base = issuer.trim_end_matches('/');
        Self {
            keys_url: format!("{base}/.well-known/jwks.json"),
            feed_url: Some(format!("{base}/.well-known/signet-revocations")),
            takes_deltas: true,
            max_stale: MAX_STALE,
        }
    }

    /// Fetches the keys from there.
    #[must_use]
    pub fn keys_url(self, url: impl Into<String>) -> Self {
        Self {
            keys_url: url.into(),
            ..self
        }
    }

    /// Fetches the feed from there.
    #[must_use]
    pub fn feed_url(self, url: impl Into<String>) -> Self {
        Self {
            feed_url: Some(url.into()),
            ..self
        }
    }

    /// Fetches no feed. Rules that require one then decide nothing.
    #[must_use]
    pub fn without_feed(self) -> Self {
        Self {
            feed_url: None,
            ..self
        }
    }

    /// Always asks for the whole feed. For hosts that hand what comes on to gates which may have
    /// missed the one before, to which a delta belongs.
    #[must_use]
    pub fn without_deltas(self) -> Self {
        Self {
            takes_deltas: false,
            ..self
        }
    }

    /// Lets keys be used for so long after they were fetched, when no newer ones can be had.
    ///
    /// It is the longest time for which a withdrawn key counts. Under 15 seconds there are times
    /// without keys even if all is well, since keys aren't fetched that often.
    #[must_use]
    pub fn max_stale(self, max_stale: Duration) -> Self {
        Self { max_stale, ..self }
    }
}

/// The shortest and the longest time between two fetches of keys if all goes well: ahead of the time
/// at which they are too old, too, where that comes first.
#[must_use]
pub fn keys_interval(max_stale: Duration) -> (Duration, Duration) {
    let (shortest, longest) = percent(KEYS_FRESH.min(max_stale), KEYS_AHEAD);
    (shortest.max(KEYS_SPACING), longest.max(KEYS_SPACING))
}

/// The shortest and the longest time between two fetches of the feed if all goes well.
#[must_use]
pub fn feed_interval() -> (Duration, Duration) {
    percent(FEED_INTERVAL, FEED_SPREAD)
}

/// How often a document is fetched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// The shortest and the longest time between two fetches if all goes well.
    pub(super) interval: (Duration, Duration),
    /// The shortest time between two fetches where something is wanted.
    pub(super) spacing: Duration,
    /// How long a fetch may take.
    pub(super) timeout: Duration,
}

impl Pace {
    /// The pace of keys.
    pub(super) fn keys(max_stale: Duration) -> Self {
        Self {
            interval: keys_interval(max_stale),
            spacing: KEYS_SPACING,
            timeout: KEYS_TIMEOUT,
        }
    }

    pub(super) fn feed() -> Self {
        Self {
            interval: feed_interval(),
            spacing: FEED_SPACING,
            timeout: FEED_TIMEOUT,
        }
    }
}

fn percent(whole: Duration, (low, high): (u32, u32)) -> (Duration, Duration) {
    let part = |percent| {
        let hundredfold = whole.saturating_mul(percent);
        hundredfold.checked_div(100).unwrap_or(whole)
    };
    (part(low), part(high))
}
