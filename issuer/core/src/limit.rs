//! Limits: how often something may be asked for, and how guessing passwords is slowed down.
//!
//! A [`Quota`] is a budget that refills steadily (GCRA: the generic cell rate algorithm of ATM,
//! ITU-T I.371); [`gcra`] is its arithmetic, the same in every [`Limiter`]. Guesses are counted in
//! the store instead, since they must survive a restart; [`guess`] has their rule.

pub mod counted;
pub mod guess;
pub mod in_process;
mod reservation;

use std::net::IpAddr;

use async_trait::async_trait;

pub use guess::{Failures, Guess, GuessId, GuessKey, GuessKeys, GuessPolicy, Judgement};
pub(crate) use reservation::Reservation;

/// A budget: `burst` at once, refilling to the whole of it in `period` seconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Quota {
    /// How many at once; at least 1.
    pub burst: u32,
    /// How long an empty budget takes to be full again, in seconds; at least 1.
    pub period: u32,
}

impl Quota {
    /// `burst` every `period` seconds.
    #[must_use]
    pub const fn new(burst: u32, period: u32) -> Self {
        Self { burst, period }
    }

    /// The quota with `factor` times the burst.
    #[must_use]
    pub fn scaled(self, factor: u32) -> Self {
        Self {
            burst: self.burst.saturating_mul(factor),
            ..self
        }
    }

    /// The time one unit takes to come back, in microseconds.
    #[must_use]
    pub fn emission_interval(&self) -> u64 {
        let period = u64::from(self.period.max(1)).saturating_mul(1_000_000);
        period
            .checked_div(u64::from(self.burst.max(1)))
            .unwrap_or(period)
            .max(1)
    }

    /// The time an empty budget takes to be full again, in microseconds.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        let units = u64::from(self.burst.max(1));
        self.emission_interval().saturating_mul(units)
    }
}

/// What is left of a budget after a unit was taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Budget {
    /// The quota.
    pub quota: Quota,
    /// How many more may be taken right now.
    pub remaining: u32,
    /// Seconds until the budget is full again.
    pub reset_after: u32,
}

/// An empty budget.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Exceeded {
    /// The quota.
    pub quota: Quota,
    /// Seconds until one more may be taken; at least 1.
    pub retry_after: u32,
}

impl Budget {
    /// What is left where the budget will be full again in so many microseconds.
    #[must_use]
    pub fn full_in(quota: Quota, microseconds: u64) -> Self {
        let unused = quota.capacity().saturating_sub(microseconds);
        let remaining = unused.checked_div(quota.emission_interval()).unwrap_or(0);
        Self {
            quota,
            remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
            reset_after: whole_seconds(microseconds),
        }
    }
}

impl Exceeded {
    /// Nothing is left until so many microseconds have passed.
    #[must_use]
    pub fn free_in(quota: Quota, microseconds: u64) -> Self {
        Self {
            quota,
            retry_after: whole_seconds(microseconds).max(1),
        }
    }
}

/// The arithmetic of a budget. `full_at` is when it will be full again (the theoretical arrival
/// time), `now` the present, both in microseconds of one clock. Answers the new `full_at`.
///
/// A budget is never further from full than empty: a `full_at` beyond that is from before the clock
/// went back, or from a larger quota.
///
/// # Errors
/// When nothing is left.
pub fn gcra(full_at: u64, now: u64, quota: Quota) -> Result<(u64, Budget), Exceeded> {
    let capacity = quota.capacity();
    let empty = now.saturating_add(capacity);
    let taken_until = full_at
        .clamp(now, empty)
        .saturating_add(quota.emission_interval());
    let allowed_from = taken_until.saturating_sub(capacity);
    if allowed_from > now {
        return Err(Exceeded::free_in(quota, allowed_from.saturating_sub(now)));
    }
    let budget = Budget::full_in(quota, taken_until.saturating_sub(now));
    Ok((taken_until, budget))
}

/// The arithmetic of giving a unit back, as that of [`gcra`]: answers the new `full_at`.
#[must_use]
pub fn given_back(full_at: u64, now: u64, quota: Quota) -> u64 {
    let empty = now.saturating_add(quota.capacity());
    full_at.min(empty).saturating_sub(quota.emission_interval())
}

fn whole_seconds(microseconds: u64) -> u32 {
    u32::try_from(microseconds.div_ceil(1_000_000)).unwrap_or(u32::MAX)
}

/// Whose budget it is.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum LimitSubject {
    /// A client's address; the /64 of an IPv6 one.
    Client(IpAddr),
    /// Whoever's guesses are counted together, a mail recipient, or an account.
    Person(GuessKey),
    /// A refresh token family, by a hash of its id.
    Family([u8; 32]),
}

impl LimitSubject {
    /// The budget of a client's address: IPv4-mapped addresses are IPv4, IPv6 counts by /64.
    #[must_use]
    pub fn client(address: IpAddr) -> Self {
        Self::Client(match address.to_canonical() {
            IpAddr::V4(v4) => IpAddr::V4(v4),
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                IpAddr::V6([a, b, c, d, 0, 0, 0, 0].into())
            }
        })
    }
}

/// One budget: what is limited, and whose.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct LimitKey {
    /// The name of what is limited.
    pub class: &'static str,
    /// Whose budget.
    pub subject: LimitSubject,
}

/// Keeps budgets.
#[async_trait]
pub trait Limiter: Send + Sync {
    /// Takes one unit.
    async fn take(&self, key: &LimitKey, quota: Quota) -> Result<Budget, Exceeded>;

    /// Gives one unit back: what it was taken for doesn't count after all.
    async fn give_back(&self, key: &LimitKey, quota: Quota);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_gives_its_burst_at_once_and_refills_steadily() {
        let quota = Quota::new(5, 60);
        let mut full_at = 0;
        let now = 1_000_000_000;
        for remaining in (0..5).rev() {
            let (next, budget) = gcra(full_at, now, quota).unwrap();
            assert_eq!(budget.remaining, remaining);
            full_at = next;
        }
        assert_eq!(gcra(full_at, now, quota).unwrap_err().retry_after, 12);
        assert!(gcra(full_at, now + 11_999_999, quota).is_err());
        let (_, budget) = gcra(full_at, now + 12_000_000, quota).unwrap();
        assert_eq!(budget.remaining, 0);
        let (_, budget) = gcra(full_at, now + 60_000_000, quota).unwrap();
        assert_eq!(budget.remaining, 4);
    }

    #[test]
    fn a_clock_that_goes_back_leaves_a_budget_empty_for_no_longer_than_it_fills() {
        let quota = Quota::new(5, 60);
        let (an_hour_on, now) = (4_600_000_000, 1_000_000_000);
        assert_eq!(gcra(an_hour_on, now, quota).unwrap_err().retry_after, 12);
        let full_at = given_back(an_hour_on, now, quota);
        let (full_at, budget) = gcra(full_at, now, quota).unwrap();
        assert_eq!((full_at, budget.remaining), (now + 60_000_000, 0));
    }

    #[test]
    fn aliases_of_an_address_share_a_budget() {
        let mapped = LimitSubject::client("::ffff:192.0.2.1".parse().unwrap());
        assert_eq!(mapped, LimitSubject::client("192.0.2.1".parse().unwrap()));
        let neighbour = LimitSubject::client("2001:db8:1:2:ffff::1".parse().unwrap());
        assert_eq!(
            neighbour,
            LimitSubject::client("2001:db8:1:2::2".parse().unwrap())
        );
    }
}
