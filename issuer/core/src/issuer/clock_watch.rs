//! Whether the clock can be believed, as far as a process can tell.
//!
//! Everything expires by a clock that somebody can set. It is held against one that nobody can: what
//! was set since is no reason to take anything away. And it is held against the last rows of the audit
//! trail, which all issuers of a database write: who is behind them makes tokens of the past, and
//! revives what is over, so it makes none. It is the latest time of many rows that counts, since some
//! are its own: anybody can have one written.
//!
//! A clock that is wrong in the same way for good, and ahead, looks like one that is right. Where
//! others write to the same database, it shows at them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Issuer;
use crate::feed::entry_life;
use crate::mailed_token::MailedToken;
use crate::ports::{StoreError, StoreResult};
use crate::signing::access_token::LONGEST_LIFE;
use crate::time::{BACK, Clock, EARLIEST, UnixTime, readable};

/// How far a clock may be from where it should have got, in seconds. It was set if it is further.
const APART: u64 = 60;
/// How long nothing is taken away after that: until what was there by then is over by any clock.
const HELD: Duration = Duration::from_secs(entry_life(LONGEST_LIFE));

/// The clock says what can't be.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the clock says {now}, and it is {earliest} at least: until it is set, nothing is issued")]
pub(crate) struct ImplausibleClock {
    now: String,
    earliest: String,
}

impl From<ImplausibleClock> for StoreError {
    /// It is as much a dependency as the store.
    fn from(error: ImplausibleClock) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

/// Looks at the clock.
pub(crate) struct ClockWatch {
    clock: Arc<dyn Clock>,
    seen: Mutex<Seen>,
    /// The latest time in the last rows of the trail, in seconds since 1970.
    recorded_at: AtomicU64,
    /// Whether the log was told that nothing is issued.
    is_told: AtomicBool,
}

/// What it said when somebody last looked.
struct Seen {
    now: UnixTime,
    running: Duration,
    /// When it was last found to have been set, by what nobody can set.
    set_at: Option<Duration>,
}

impl ClockWatch {
    pub(crate) fn new(clock: Arc<dyn Clock>, recorded_at: Option<UnixTime>) -> Self {
        let seen = Seen {
            now: clock.now(),
            running: clock.running(),
            set_at: None,
        };
        let watch = Self {
            clock,
            seen: Mutex::new(seen),
            recorded_at: AtomicU64::default(),
            is_told: AtomicBool::default(),
        };
        watch.note_recorded(recorded_at);
        watch
    }

    /// Whether it was set so lately that nothing is to be taken away by it.
    pub(crate) fn was_set(&self) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, running) = (self.clock.now(), self.clock.running());
        let gone = running.saturating_sub(seen.running).as_secs();
        let expected = seen.now.saturating_add(gone);
        let apart = now.as_secs().abs_diff(expected.as_secs());
        if apart > APART {
            tracing::warn!(
                seconds = apart,
                "the clock was set: nothing is removed for an hour and three minutes"
            );
            seen.set_at = Some(running);
        }
        (seen.now, seen.running) = (now, running);
        seen.set_at
            .is_some_and(|set_at| running.saturating_sub(set_at) < HELD)
    }

    /// Notes the latest time in the last rows of the trail. The log is told once if the clock is behind
    /// that, and once when it isn't any more.
    pub(crate) fn note_recorded(&self, at: Option<UnixTime>) {
        let seconds = at.map_or(0, UnixTime::as_secs);
        self.recorded_at.store(seconds, Ordering::Relaxed);
        let refusal = self.check().err();
        let was_told = self.is_told.swap(refusal.is_some(), Ordering::Relaxed);
        match refusal {
            Some(error) if !was_told => tracing::error!("{error}"),
            None if was_told => tracing::info!("the clock can be believed again"),
            Some(_) | None => {}
        }
    }

    /// Whether tokens may be made by it.
    pub(crate) fn check(&self) -> Result<(), ImplausibleClock> {
        let now = self.clock.now();
        let recorded_at = UnixTime::from_secs(self.recorded_at.load(Ordering::Relaxed));
        let earliest = recorded_at.saturating_sub(BACK).max(EARLIEST);
        match now >= earliest {
            true => Ok(()),
            false => Err(ImplausibleClock {
                now: readable(now),
                earliest: readable(earliest),
            }),
        }
    }
}

impl Issuer {
    /// Whether the clock can be believed. Where it can't, no token is issued.
    #[must_use]
    pub fn clock_is_plausible(&self) -> bool {
        self.clock_watch.check().is_ok()
    }

    /// The mailed token that somebody brings, if it is one. By a clock that can't be right none is
    /// taken: one that is over would be good again.
    pub(crate) fn mailed_token(&self, text: &str) -> StoreResult<Option<MailedToken>> {
        self.clock_watch.check()?;
        Ok(MailedToken::parse(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    /// A clock that is set to anything.
    #[derive(Default)]
    struct Hands {
        now: AtomicU64,
        running: AtomicU64,
    }

    impl Hands {
        fn set(&self, now: u64) {
            self.now.store(now, Ordering::Relaxed);
        }

        fn run(&self, seconds: u64) {
            self.now.fetch_add(seconds, Ordering::Relaxed);
            self.running.fetch_add(seconds, Ordering::Relaxed);
        }
    }

    impl Clock for Hands {
        fn now(&self) -> UnixTime {
            UnixTime::from_secs(self.now.load(Ordering::Relaxed))
        }

        fn running(&self) -> Duration {
            Duration::from_secs(self.running.load(Ordering::Relaxed))
        }
    }

    fn watched() -> (Arc<Hands>, ClockWatch) {
        let hands = Arc::new(Hands::default());
        hands.set(NOW);
        let watch = ClockWatch::new(hands.clone(), Some(UnixTime::from_secs(NOW)));
        (hands, watch)
    }

    #[test]
    fn time_that_passes_is_no_step_however_long_nobody_looked() {
        let (hands, watch) = watched();
        for seconds in [0, 1, 3_600, 30 * 86_400] {
            hands.run(seconds);
            assert!(!watch.was_set(), "{seconds}");
        }
        // Nor is what a time server does to a clock that is a little off.
        hands.set(hands.now().as_secs() - 60);
        assert!(!watch.was_set());
        hands.set(hands.now().as_secs() + 60);
        assert!(!watch.was_set());
    }

    #[test]
    fn after_a_step_nothing_is_removed_until_what_was_there_is_over() {
        for (set_to, what) in [(NOW + 61, "forth"), (NOW - 61, "back"), (0, "to 1970")] {
            let (hands, watch) = watched();
            hands.set(set_to);
            assert!(watch.was_set(), "{what}");
            hands.run(HELD.as_secs() - 1);
            assert!(watch.was_set(), "{what}");
            // Right again is set again.
            hands.set(hands.now().as_secs() + 7_200);
            assert!(watch.was_set(), "{what}");
            hands.run(HELD.as_secs() - 1);
            assert!(watch.was_set(), "{what}");
            hands.run(1);
            assert!(!watch.was_set(), "{what}");
        }
    }

    #[test]
    fn a_clock_that_is_behind_what_was_written_down_or_before_the_release_is_not_believed() {
        let (hands, watch) = watched();
        for (now, is_believed) in [
            (NOW + 86_400, true),
            (NOW - BACK, true),
            (NOW - BACK - 1, false),
            (0, false),
        ] {
            hands.set(now);
            assert_eq!(watch.check().is_ok(), is_believed, "{now}");
        }
        watch.note_recorded(None);
        let earliest = EARLIEST.as_secs();
        for (now, is_believed) in [(earliest, true), (earliest - 1, false)] {
            hands.set(now);
            assert_eq!(watch.check().is_ok(), is_believed, "{now}");
        }
    }
}
