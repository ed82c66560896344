//! Budgets in this process's memory: exact for one issuer, per replica for several.
//!
//! The map is split into shards, each under its own lock for a few instructions. A full budget is
//! the same as none, so those are dropped when a shard has grown.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;

use super::{Budget, Exceeded, LimitKey, Limiter, Quota, gcra, given_back};

const SHARDS: usize = 16;
/// How many budgets a shard holds before the full ones are looked for and dropped.
const SWEEP_FROM: usize = 1_024;
/// How many budgets a sweep leaves at most; those that are nearest to full go.
const MOST: usize = 16_384;

/// Keeps budgets in memory.
#[derive(Debug)]
pub struct InProcessLimiter {
    started: Instant,
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Debug, Default)]
struct Shard {
    /// When each budget will be full again, in microseconds of the limiter's clock.
    full_at: HashMap<LimitKey, u64>,
    /// The size at which to sweep next.
    sweep_at: usize,
}

impl Default for InProcessLimiter {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }
}

impl InProcessLimiter {
    /// Microseconds on a clock that never goes back, as the wall clock may.
    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn with_shard<T>(&self, key: &LimitKey, work: impl FnOnce(&mut Shard) -> T) -> Option<T> {
        let hash = usize::try_from(self.hasher.hash_one(key) >> 32).unwrap_or(0);
        let shard = self.shards.get(hash.checked_rem(SHARDS)?)?;
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        Some(work(&mut shard))
    }

    fn take_at(&self, key: &LimitKey, quota: Quota, now: u64) -> Result<Budget, Exceeded> {
        let taken = self.with_shard(key, |shard| {
            let full_at = shard.full_at.get(key).copied().unwrap_or(0);
            let (full_at, budget) = gcra(full_at, now, quota)?;
            shard.full_at.insert(key.clone(), full_at);
            shard.sweep(now);
            Ok(budget)
        });
        taken.unwrap_or(Err(Exceeded {
            quota,
            retry_after: 1,
        }))
    }
}

impl Shard {
    fn sweep(&mut self, now: u64) {
        if self.full_at.len() < self.sweep_at.max(SWEEP_FROM) {
            return;
        }
        self.full_at.retain(|_, full_at| *full_at > now);
        if self.full_at.len() > MOST {
            let mut times: Vec<u64> = self.full_at.values().copied().collect();
            times.sort_unstable();
            let excess = times.len().saturating_sub(MOST);
            let earliest_kept = times.get(excess).copied().unwrap_or(now);
            self.full_at.retain(|_, full_at| *full_at > earliest_kept);
        }
        self.sweep_at = self.full_at.len().saturating_mul(2);
    }
}

#[async_trait]
impl Limiter for InProcessLimiter {
    async fn take(&self, key: &LimitKey, quota: Quota) -> Result<Budget, Exceeded> {
        self.take_at(key, quota, self.now())
    }

    async fn give_back(&self, key: &LimitKey, quota: Quota) {
        let now = self.now();
        self.with_shard(key, |shard| {
            if let Some(full_at) = shard.full_at.get_mut(key) {
                *full_at = given_back(*full_at, now, quota);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::LimitSubject;
    use super::*;
    use std::net::Ipv4Addr;
    use std::sync::Arc;

    async fn open() -> (Arc<dyn Limiter>, ()) {
        (Arc::new(InProcessLimiter::default()), ())
    }

    crate::limiter_contract!(open);

    fn key(number: u32) -> LimitKey {
        LimitKey {
            class: "test",
            subject: LimitSubject::Client(Ipv4Addr::from_bits(number).into()),
        }
    }

    #[test]
    fn memory_is_bounded_and_the_emptiest_budgets_stay() {
        let limiter = InProcessLimiter::default();
        let quota = Quota::new(3, 10);
        let now = 1_000_000;
        while limiter.take_at(&key(0), quota, now).is_ok() {}
        let many = u32::try_from(3 * SHARDS * MOST).unwrap();
        for number in 1..many {
            assert!(limiter.take_at(&key(number), quota, now).is_ok());
        }
        let held = |limiter: &InProcessLimiter| -> usize {
            let shards = limiter.shards.iter();
            shards.map(|s| s.lock().unwrap().full_at.len()).sum()
        };
        assert!(held(&limiter) <= 2 * SHARDS * MOST);
        assert!(limiter.take_at(&key(0), quota, now).is_err());
    }
}
