//! The least time that the answer to a login takes, so that how long the work took doesn't show:
//! whether a stored hash has other parameters than the dummy, whether it was made anew, whether a
//! session was opened.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::secret::Randomness;

/// The least time of an answer, and how much more it takes at random.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ResponseFloor {
    /// The least time.
    pub least: Duration,
    /// What is added to that, or to the time of slower work: up to this much.
    pub jitter: Duration,
}

impl ResponseFloor {
    /// Answers as soon as they are there.
    pub const NONE: Self = Self {
        least: Duration::ZERO,
        jitter: Duration::ZERO,
    };

    /// Does the work and waits until its answer may be given.
    pub(crate) async fn hold<T>(
        &self,
        randomness: &dyn Randomness,
        work: impl Future<Output = T>,
    ) -> T {
        let started = Instant::now();
        let answer = work.await;
        let least = started.checked_add(self.least).unwrap_or(started);
        let share = u32::from_be_bytes(randomness.array());
        let share = f64::from(share) / f64::from(u32::MAX);
        let floor = least.max(Instant::now());
        let given_at = floor.checked_add(self.jitter.mul_f64(share));
        sleep_until(given_at.unwrap_or(floor)).await;
        answer
    }
}

impl Default for ResponseFloor {
    /// Longer than a hash with the default parameters, made anew and kept, takes on a machine that
    /// isn't overloaded, and than checking bcrypt hashes up to a cost of 11.
    fn default() -> Self {
        Self {
            least: Duration::from_millis(250),
            jitter: Duration::from_millis(50),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::OperatingSystem;

    /// Milliseconds that the answer to work of `milliseconds` takes.
    async fn answered_after(milliseconds: u64) -> u128 {
        let floor = ResponseFloor::default();
        let started = Instant::now();
        let work = tokio::time::sleep(Duration::from_millis(milliseconds));
        floor.hold(&OperatingSystem, work).await;
        started.elapsed().as_millis()
    }

    #[tokio::test(start_paused = true)]
    async fn quick_work_takes_the_floor_and_slow_work_itself_both_with_jitter() {
        let mut seen = std::collections::BTreeSet::new();
        for milliseconds in [0, 1, 100, 249] {
            for _ in 0..20 {
                let answered = answered_after(milliseconds).await;
                assert!((250..=301).contains(&answered), "{answered}");
                seen.insert(answered);
            }
        }
        assert!(seen.len() > 10, "jitter: {seen:?}");
        for _ in 0..20 {
            let answered = answered_after(1_000).await;
            assert!((1_000..=1_051).contains(&answered), "{answered}");
        }
    }
}
