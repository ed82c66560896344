//! One guess at a password, from before it is checked to what came of it.
//!
//! [`Issuer::begin_attempt`] counts it on every budget that a wrong password uses up; only then is
//! the password looked at. It ends in one of four ways: it was wrong, and it stays counted
//! ([`Attempt::stay_counted`]); it was right and what it opened cleared the failures
//! ([`Issuer::release_attempt`]); it was right and opened nothing ([`Issuer::clear_attempt`]); or
//! nobody looked at it ([`Issuer::take_back`]), because the machine or the store had too much to do.
//!
//! # Several at once
//!
//! Guesses that are being checked fill the budgets like failures. Who is turned away by them may
//! still be right, so a guess that finds no room waits, briefly, until those beside it in this
//! process have ended, and is then counted alone: what turns it away now are failures. The budgets
//! decide in either case, so waiting gets nobody a check that the limits don't allow. See
//! `docs/adr/0008-a-guess-waits-for-those-beside-it.md`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedRwLockReadGuard, RwLock};
use tokio::time::{Instant, timeout, timeout_at};

use crate::issuer::Issuer;
use crate::limit::{Exceeded, Guess, GuessId, GuessKey, LimitSubject, Quota, Reservation};
use crate::password::pool::{Overloaded, Place};
use crate::ports::{Store, StoreError, StoreResult};

/// How long a guess waits for those beside it.
const PATIENCE: Duration = Duration::from_secs(3);
/// What is said to who has waited that long, in seconds: those beside it will have ended.
const RETRY_AFTER_PATIENCE: u32 = 1;
/// How long an answer waits for a guess to be taken back; it goes on without the answer.
const LONGEST_TAKING_BACK: Duration = Duration::from_millis(500);
/// How long to wait before each try to take a guess back, in seconds.
const TRIES_TO_TAKE_BACK: [u64; 7] = [0, 1, 2, 4, 8, 16, 32];

/// A budget that a wrong password takes one unit of.
#[derive(Clone, Debug)]
pub(crate) struct FailureBudget {
    pub(crate) class: &'static str,
    pub(crate) subject: LimitSubject,
    pub(crate) quota: Quota,
}

/// A guess that is counted, and not yet known to be right or wrong.
#[must_use = "say what came of it"]
pub(crate) struct Attempt {
    key: GuessKey,
    id: GuessId,
    reserved: Vec<Reservation>,
    /// While it is held, others wait.
    _beside: OwnedRwLockReadGuard<()>,
}

/// Why a guess isn't checked.
#[derive(Debug)]
pub(crate) enum NoAttempt {
    /// There were too many failures.
    RateLimited { retry_after: u32 },
    /// Too many passwords are being checked.
    Overloaded(Overloaded),
    /// The store doesn't answer.
    Store(StoreError),
}

impl From<Exceeded> for NoAttempt {
    fn from(exceeded: Exceeded) -> Self {
        Self::RateLimited {
            retry_after: exceeded.retry_after,
        }
    }
}

impl From<Overloaded> for NoAttempt {
    fn from(overloaded: Overloaded) -> Self {
        Self::Overloaded(overloaded)
    }
}

impl From<StoreError> for NoAttempt {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Attempt {
    /// The password was wrong.
    pub(crate) fn stay_counted(self) {}
}

impl Issuer {
    /// Counts a guess at `key`'s password on all its budgets, or on none of them. It has a place
    /// among those whose passwords are checked: nothing is written for who hasn't.
    pub(crate) async fn begin_attempt(
        &self,
        key: GuessKey,
        budgets: &[FailureBudget],
    ) -> Result<(Attempt, Place<'_>), NoAttempt> {
        let line = self.lines.of(key);
        let patience = Patience::begin();
        let beside = patience.wait(Arc::clone(&line).read_owned()).await?;
        match self.count(key, budgets).await {
            Ok((id, reserved, place)) => {
                let attempt = Attempt {
                    key,
                    id,
                    reserved,
                    _beside: beside,
                };
                return Ok((attempt, place));
            }
            Err(NoAttempt::RateLimited { .. }) => drop(beside),
            Err(error @ (NoAttempt::Overloaded(_) | NoAttempt::Store(_))) => return Err(error),
        }
        // Without a place: who waits for others must not keep them from being checked.
        let alone = patience.wait(line.write_owned()).await?;
        let (id, reserved, place) = self.count(key, budgets).await?;
        let attempt = Attempt {
            key,
            id,
            reserved,
            _beside: alone.downgrade(),
        };
        Ok((attempt, place))
    }

    async fn count(
        &self,
        key: GuessKey,
        budgets: &[FailureBudget],
    ) -> Result<(GuessId, Vec<Reservation>, Place<'_>), NoAttempt> {
        let place = self.hashing.place()?;
        let mut reserved = Vec::with_capacity(budgets.len());
        let counted = self.count_on_all(key, budgets, &mut reserved).await;
        match counted {
            Ok(id) => Ok((id, reserved, place)),
            Err(refused) => {
                self.release(reserved).await;
                Err(refused)
            }
        }
    }

    async fn count_on_all(
        &self,
        key: GuessKey,
        budgets: &[FailureBudget],
        reserved: &mut Vec<Reservation>,
    ) -> Result<GuessId, NoAttempt> {
        for budget in budgets {
            let subject = budget.subject.clone();
            let reservation = self.reserve(budget.class, subject, budget.quota).await?;
            reserved.push(reservation);
        }
        let policy = &self.settings.limits.guesses;
        match self.store.begin_guess(&key, self.now(), policy).await? {
            Guess::Counted(id) => Ok(id),
            Guess::Wait { retry_after } => Err(NoAttempt::RateLimited { retry_after }),
        }
    }

    /// The password was right, and what it opened cleared the failures.
    pub(crate) async fn release_attempt(&self, attempt: Attempt) {
        self.release(attempt.reserved).await;
    }

    /// The password was right, and there is nothing to open with it.
    pub(crate) async fn clear_attempt(&self, attempt: Attempt) -> StoreResult<()> {
        self.release(attempt.reserved).await;
        self.store.clear_guesses(&attempt.key).await
    }

    /// Nobody looked at the password, or what it was to open couldn't be opened: that is no failure
    /// of whoever typed it.
    pub(crate) async fn take_back(&self, attempt: Attempt) {
        self.release(attempt.reserved).await;
        let withdrawing = tokio::spawn(withdraw(Arc::clone(&self.store), attempt.id));
        let _goes_on_after = timeout(LONGEST_TAKING_BACK, withdrawing).await;
    }
}

/// How long a guess still waits for those beside it.
struct Patience(Instant);

impl Patience {
    fn begin() -> Self {
        let now = Instant::now();
        Self(now.checked_add(PATIENCE).unwrap_or(now))
    }

    async fn wait<T>(&self, place: impl Future<Output = T>) -> Result<T, NoAttempt> {
        let waited = timeout_at(self.0, place).await;
        waited.map_err(|_| NoAttempt::RateLimited {
            retry_after: RETRY_AFTER_PATIENCE,
        })
    }
}

/// A store that doesn't answer may be why the guess is to be taken back: tried for a minute.
async fn withdraw(store: Arc<dyn Store>, guess: GuessId) {
    for seconds in TRIES_TO_TAKE_BACK {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        match store.withdraw_guess(guess).await {
            Ok(()) => return,
            Err(error) => tracing::debug!(%error, "a guess can't be taken back yet"),
        }
    }
    tracing::warn!("a guess that nobody checked stays counted: the store doesn't answer");
}

/// Where guesses at one password wait for each other, in this process.
#[derive(Debug, Default)]
pub(crate) struct Lines(Mutex<HashMap<GuessKey, Weak<RwLock<()>>>>);

/// How many lines there are before the abandoned ones are looked for.
const SWEEP_FROM: usize = 1_024;

impl Lines {
    fn of(&self, key: GuessKey) -> Arc<RwLock<()>> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.get(&key).and_then(Weak::upgrade) {
            return line;
        }
        if lines.len() >= SWEEP_FROM && lines.len() == lines.capacity() {
            lines.retain(|_, line| line.strong_count() > 0);
        }
        let line = Arc::default();
        lines.insert(key, Arc::downgrade(&line));
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::GuessKeys;
    use crate::secret::SecretBytes;

    #[test]
    fn a_line_is_one_while_somebody_stands_in_it_and_forgotten_after() {
        let keys = GuessKeys::new(SecretBytes::new([7; 32]));
        let key = |number: u128| keys.device(&number.to_be_bytes());
        let lines = Lines::default();
        let (held, again) = (lines.of(key(0)), lines.of(key(0)));
        assert!(Arc::ptr_eq(&held, &again));
        for number in 1..100_000 {
            assert!(!Arc::ptr_eq(&held, &lines.of(key(number))));
        }
        assert!(Arc::ptr_eq(&held, &lines.of(key(0))));
        let kept = lines.0.lock().unwrap().len();
        assert!(kept < 10 * SWEEP_FROM, "{kept}");
    }
}
