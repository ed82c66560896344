//! The machine's clock: the one place of the issuer that reads it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use signet_core::time::{Clock, UnixTime};

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
        running()
    }
}

/// A machine that slept, or a process that its platform had frozen, finds the clock further on:
/// nobody set it, so this has to have gone on as well, which an `Instant` doesn't.
#[cfg(target_os = "linux")]
fn running() -> Duration {
    let since_boot = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::try_from(since_boot).unwrap_or_default()
}

/// Elsewhere, waking up looks as if the clock had been set.
#[cfg(not(target_os = "linux"))]
fn running() -> Duration {
    use std::sync::LazyLock;
    use std::time::Instant;

    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    BEGAN.elapsed()
}
