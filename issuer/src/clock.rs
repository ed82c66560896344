//! The machine's clock: the one place of the issuer that reads it.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use signet_core::time::{Clock, UnixTime};

/// When this process first wanted to know how long it has run.
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Seconds since 1970, for what isn't given a [`Clock`].
pub(crate) fn unix_seconds() -> i64 {
    i64::try_from(SystemClock.now().as_secs()).unwrap_or(i64::MAX)
}

/// The wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the edge that everyone else is told the time from"
    )]
    fn now(&self) -> UnixTime {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        UnixTime::from_secs(since.map_or(0, |elapsed| elapsed.as_secs()))
    }

    fn running(&self) -> Duration {
        BEGAN.elapsed()
    }
}
