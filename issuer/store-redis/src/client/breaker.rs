//! When Redis is left alone: after [`FAILURES`] calls in a row that failed, every call fails at
//! once, but for one in [`REST`] that looks whether it is back.
//!
//! ```text
//!            5 failures in a row
//!   closed ----------------------> open --- after 2 s, one call --+
//!     ^                             ^                             |
//!     |                             +--------- it failed ---------+
//!     +---------------------- a call succeeded -------------------+
//! ```

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// After how many failures in a row it opens.
const FAILURES: u32 = 5;
/// How long it stays open before the next call is let through.
const REST: Duration = Duration::from_secs(2);

/// Counts failures.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// When the next call is let through, while it is open.
    next: Option<Instant>,
}

/// What a call did to the breaker.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Turn {
    /// Nothing.
    None,
    /// It opened.
    Opened,
    /// It failed again.
    StillOpen,
    /// It closed.
    Closed,
}

impl Breaker {
    /// Whether a call may be made now.
    pub(super) fn admits(&self, now: Instant) -> bool {
        let mut state = self.state();
        match state.next {
            None => true,
            Some(next) if next <= now => {
                state.next = now.checked_add(REST);
                true
            }
            Some(_) => false,
        }
    }

    /// A call succeeded.
    pub(super) fn succeeded(&self) -> Turn {
        let before = std::mem::take(&mut *self.state());
        match before.next {
            Some(_) => Turn::Closed,
            None => Turn::None,
        }
    }

    /// A call failed.
    pub(super) fn failed(&self, now: Instant) -> Turn {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        match state.next {
            Some(_) => Turn::StillOpen,
            None if state.failures < FAILURES => Turn::None,
            None => {
                state.next = now.checked_add(REST);
                Turn::Opened
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_five_failures_in_a_row_and_no_earlier() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..3 {
            for _ in 1..FAILURES {
                assert_eq!(breaker.failed(now), Turn::None);
            }
            assert_eq!(breaker.succeeded(), Turn::None);
        }
        for _ in 1..FAILURES {
            breaker.failed(now);
        }
        assert!(breaker.admits(now));
        assert_eq!(breaker.failed(now), Turn::Opened);
        assert!(!breaker.admits(now));
    }

    #[test]
    fn one_call_every_two_seconds_looks_whether_it_is_back() {
        let (breaker, begin) = (Breaker::default(), Instant::now());
        for _ in 0..FAILURES {
            breaker.failed(begin);
        }
        let at = |milliseconds| begin + Duration::from_millis(milliseconds);
        assert!(!breaker.admits(at(1_999)));
        assert!(breaker.admits(at(2_000)));
        assert!(!breaker.admits(at(2_000)));
        assert_eq!(breaker.failed(at(2_100)), Turn::StillOpen);
        assert!(!breaker.admits(at(3_999)));
        assert!(breaker.admits(at(4_000)));
        assert_eq!(breaker.succeeded(), Turn::Closed);
        assert!(breaker.admits(at(4_001)) && breaker.admits(at(4_001)));
        assert_eq!(breaker.failed(at(4_001)), Turn::None);
    }
}
