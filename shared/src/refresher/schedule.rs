//! When a document is fetched: again and again, earlier if it is wanted, later and later if it
//! can't be had, and never while a fetch of it is on its way.

use core::time::Duration;

use super::RefreshFault;
use super::clock::{Passed, Reading};
use super::config::{BACK_OFF, FEED_PATIENCE, GRACE, Pace};
use super::jitter::Jitter;
use super::status::DocumentStatus;

/// The times of one document.
#[derive(Debug)]
pub(super) struct Schedule {
    pace: Pace,
    due: Passed,
    /// When the last fetch was handed out.
    handed_out: Option<Passed>,
    /// Whether its answer is still to come.
    is_on_its_way: bool,
    /// When the last good answer was asked for.
    good_since: Option<Passed>,
    status: DocumentStatus,
}

impl Schedule {
    /// Due at once.
    pub(super) fn new(pace: Pace) -> Self {
        Self {
            pace,
            due: Passed::default(),
            handed_out: None,
            is_on_its_way: false,
            good_since: None,
            status: DocumentStatus::default(),
        }
    }

    /// When it has to be fetched. What is on its way is due when it must be taken for lost.
    pub(super) fn due(&self) -> Passed {
        match self.handed_out {
            Some(handed_out) if self.is_on_its_way => {
                handed_out.after(self.pace.timeout).after(GRACE)
            }
            _ => self.due,
        }
    }

    pub(super) fn is_due(&self, now: Reading) -> bool {
        self.due() <= now.passed
    }

    /// Whether the last good answer was asked for longer ago than that, or there was none.
    pub(super) fn is_older_than(&self, age: Duration, now: Reading) -> bool {
        self.good_since
            .is_none_or(|since| now.passed.since(since) > age)
    }

    /// Whether there were bad answers since the last good one.
    pub(super) fn has_failed(&self) -> bool {
        self.status.failures > 0
    }

    /// Whether an answer may come while a decision waits for it: it is about to be asked for, or
    /// has been for no longer than that.
    pub(super) fn is_near(&self, now: Reading) -> bool {
        let has_just_begun = |since| now.passed.since(since) < FEED_PATIENCE;
        let is_awaited = self.is_on_its_way && self.handed_out.is_some_and(has_just_begun);
        is_awaited || self.is_due(now)
    }

    pub(super) fn timeout(&self) -> Duration {
        self.pace.timeout
    }

    pub(super) fn status(&self) -> DocumentStatus {
        self.status
    }

    /// Notes that a fetch begins, and gives it a number.
    pub(super) fn hand_out(&mut self, now: Reading) -> u64 {
        if self.is_on_its_way {
            self.status.last_fault = Some((now.shown, RefreshFault::Lost));
        }
        self.handed_out = Some(now.passed);
        self.is_on_its_way = true;
        self.status.fetches = self.status.fetches.saturating_add(1);
        self.status.fetches
    }

    /// Notes that the fetch of this number is answered, and tells how long ago it was handed out.
    pub(super) fn answered(&mut self, now: Reading, number: u64) -> Result<Duration, RefreshFault> {
        match self.handed_out {
            Some(handed_out) if self.is_on_its_way && number == self.status.fetches => {
                self.is_on_its_way = false;
                Ok(now.passed.since(handed_out))
            }
            _ => Err(RefreshFault::Late),
        }
    }

    /// Sets the usual time after a good answer, which took `age` to come.
    pub(super) fn succeed(&mut self, now: Reading, age: Duration, jitter: &mut Jitter) {
        self.good_since = self.handed_out;
        self.status.last_success = Some(now.shown);
        self.status.failures = 0;
        let interval = jitter.between(self.pace.interval);
        self.due = now.passed.after(interval.saturating_sub(age));
    }

    /// Sets a time after a bad answer: each of them waits for twice as long as the one before.
    pub(super) fn back_off(&mut self, now: Reading, fault: RefreshFault, jitter: &mut Jitter) {
        self.status.last_fault = Some((now.shown, fault));
        let (least, most) = BACK_OFF;
        let doubled = 1_u32.checked_shl(self.status.failures).unwrap_or(u32::MAX);
        let longest = least.saturating_mul(doubled).saturating_mul(2).min(most);
        let shortest = longest.checked_div(2).unwrap_or(least);
        self.status.failures = self.status.failures.saturating_add(1);
        self.due = now.passed.after(jitter.between((shortest, longest)));
    }

    /// Asks once more at once after a bad answer, since the question was at fault.
    pub(super) fn repeat(&mut self, now: Reading, fault: RefreshFault) {
        self.status.last_fault = Some((now.shown, fault));
        self.hasten(now);
    }

    /// Makes it due.
    pub(super) fn hasten(&mut self, now: Reading) {
        self.due = self.due.min(now.passed);
    }

    /// Makes it due as soon as it may be. Where it can't be had, wanting it doesn't help.
    pub(super) fn want(&mut self) {
        if let Some(handed_out) = self.handed_out
            && self.status.failures == 0
        {
            self.due = self.due.min(handed_out.after(self.pace.spacing));
        }
    }
}
