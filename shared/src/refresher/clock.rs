//! A host's clock may be set, and a laptop sleeps. What is to be done in five seconds is done in
//! five seconds of a clock that only runs: it stands still where the host's goes back, and goes along
//! where it leaps ahead, since then everything may be stale.
//!
//! Threads that read the host's clock one after the other may come here the other way round. That
//! isn't a clock that was set, and time must not be counted twice for it.

use core::time::Duration;

use crate::time::UnixMillis;

/// What was read earlier and comes later is at most this old.
const OUT_OF_ORDER: Duration = Duration::from_secs(1);

/// Makes of the host's clock one that only runs.
#[derive(Debug, Default)]
pub(super) struct Clock {
    last: Option<Reading>,
}

/// The time that has passed since the first reading.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Passed(Duration);

/// One reading of both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// What the host's clock shows.
    pub(super) shown: UnixMillis,
    pub(super) passed: Passed,
}

impl Clock {
    pub(super) fn read(&mut self, shown: UnixMillis) -> Reading {
        let Some(last) = self.last else {
            let passed = Passed::default();
            return *self.last.insert(Reading { shown, passed });
        };
        let passed = last.passed.after(shown.saturating_since(last.shown));
        let reading = Reading { shown, passed };
        let behind = last.shown.saturating_since(shown);
        if behind.is_zero() || behind > OUT_OF_ORDER {
            self.last = Some(reading);
        }
        reading
    }
}

impl Passed {
    pub(super) fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }

    pub(super) fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Reading {
    /// What the host's clock will show then, if nobody sets it.
    pub(super) fn when(&self, passed: Passed) -> UnixMillis {
        self.shown.saturating_add(passed.since(self.passed))
    }
}
