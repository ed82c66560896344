//! Limits: how often something may be asked for, and how guessing passwords is slowed down.
//!
//! A [`Quota`] is a budget that refills steadily (GCRA: the generic cell rate algorithm of ATM,
//! ITU-T I.371); [`gcra`] is its arithmetic, the same in every [`Limiter`]. Guesses are counted in
//! the store instead, since they must survive a restart; [`GuessPolicy::judge`] is their rule.

pub mod in_process;

use std::fmt;
use std::net::IpAddr;

use async_trait::async_trait;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::email::EmailAddress;
use crate::secret::SecretBytes;
use crate::session::SessionId;
use crate::time::UnixTime;

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

/// The arithmetic of a budget. `full_at` is when it will be full again (the theoretical arrival
/// time), `now` the present, both in microseconds of one steady clock. Answers the new `full_at`.
///
/// # Errors
/// When nothing is left.
pub fn gcra(full_at: u64, now: u64, quota: Quota) -> Result<(u64, Budget), Exceeded> {
    let interval = quota.emission_interval();
    let capacity = interval.saturating_mul(u64::from(quota.burst.max(1)));
    let taken_until = full_at.max(now).saturating_add(interval);
    let allowed_from = taken_until.saturating_sub(capacity);
    if allowed_from > now {
        return Err(Exceeded {
            quota,
            retry_after: whole_seconds(allowed_from.saturating_sub(now)).max(1),
        });
    }
    let unused = capacity.saturating_sub(taken_until.saturating_sub(now));
    let remaining = unused.checked_div(interval).unwrap_or(0);
    let budget = Budget {
        quota,
        remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
        reset_after: whole_seconds(taken_until.saturating_sub(now)),
    };
    Ok((taken_until, budget))
}

fn whole_seconds(microseconds: u64) -> u32 {
    u32::try_from(microseconds.div_ceil(1_000_000)).unwrap_or(u32::MAX)
}

/// Whose budget it is.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum LimitSubject {
    /// A client's address; the /64 of an IPv6 one.
    Client(IpAddr),
    /// Whoever's guesses are counted together, or a mail recipient.
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

/// Whose failed guesses are counted together: an address, a device that once logged in, a session.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct GuessKey([u8; 32]);

impl GuessKey {
    /// The 32 bytes that a store keeps.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for GuessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuessKey")
    }
}

/// Turns addresses and devices into keys that tell nothing to who reads the store.
#[derive(Clone, Debug)]
pub struct GuessKeys(SecretBytes<32>);

impl GuessKeys {
    /// Keys under `secret`.
    #[must_use]
    pub fn new(secret: SecretBytes<32>) -> Self {
        Self(secret)
    }

    /// The key of an address, whether an account has it or not.
    #[must_use]
    pub fn address(&self, email: &EmailAddress) -> GuessKey {
        self.key(b"address\0", email.canonical().as_bytes())
    }

    /// The key of a device that once logged in.
    #[must_use]
    pub fn device(&self, id: &[u8; 16]) -> GuessKey {
        self.key(b"device\0", id)
    }

    /// The key of a session that proves its password again.
    #[must_use]
    pub fn session(&self, id: SessionId) -> GuessKey {
        self.key(b"session\0", id.0.as_bytes())
    }

    fn key(&self, kind: &[u8], value: &[u8]) -> GuessKey {
        // HMAC takes keys of any length, so this can't fail; an error would make all keys alike,
        // which is the strict side.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.expose()) else {
            return GuessKey([0; 32]);
        };
        mac.update(b"signet guesses\0");
        mac.update(kind);
        mac.update(value);
        GuessKey(mac.finalize().into_bytes().into())
    }
}

/// What a store holds of failed guesses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Failures {
    /// How many.
    pub count: u32,
    /// When the first was.
    pub first_at: UnixTime,
    /// When the last was.
    pub last_at: UnixTime,
}

/// Whether a guess may be checked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Guess {
    /// It may, and is counted as a failure until it is cleared.
    Allowed,
    /// Not before so many seconds have passed.
    Wait {
        /// Seconds; at least 1.
        retry_after: u32,
    },
}

/// How guessing is slowed down.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct GuessPolicy {
    /// How many failures are free of delay.
    pub free: u32,
    /// How many failures there may be at all within the window.
    pub ceiling: u32,
    /// How long failures count, in seconds.
    pub window: u64,
    /// The longest delay, in seconds.
    pub longest: u64,
}

impl Default for GuessPolicy {
    fn default() -> Self {
        Self {
            free: 2,
            ceiling: 100,
            window: 86_400,
            longest: 3_600,
        }
    }
}

impl GuessPolicy {
    /// Decides about the next guess, and what the failures are once it is counted.
    #[must_use]
    pub fn judge(&self, failures: Option<Failures>, now: UnixTime) -> (Guess, Failures) {
        let fresh = Failures {
            count: 1,
            first_at: now,
            last_at: now,
        };
        let Some(failures) = failures else {
            return (Guess::Allowed, fresh);
        };
        let forgotten_at = failures.last_at.saturating_add(self.window);
        if now >= forgotten_at {
            return (Guess::Allowed, fresh);
        }
        let free_at = if failures.count >= self.ceiling {
            forgotten_at
        } else {
            failures.last_at.saturating_add(self.delay(failures.count))
        };
        if now < free_at {
            let wait = free_at.as_secs().saturating_sub(now.as_secs());
            let retry_after = u32::try_from(wait).unwrap_or(u32::MAX).max(1);
            return (Guess::Wait { retry_after }, failures);
        }
        let counted = Failures {
            count: failures.count.saturating_add(1),
            last_at: now,
            ..failures
        };
        (Guess::Allowed, counted)
    }

    /// The delay after so many failures, in seconds.
    fn delay(&self, failures: u32) -> u64 {
        match failures.checked_sub(self.free.saturating_add(1)) {
            None => 0,
            Some(doublings) => 1u64
                .checked_shl(doublings)
                .unwrap_or(self.longest)
                .min(self.longest),
        }
    }
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
    fn aliases_of_an_address_share_a_budget() {
        let mapped = LimitSubject::client("::ffff:192.0.2.1".parse().unwrap());
        assert_eq!(mapped, LimitSubject::client("192.0.2.1".parse().unwrap()));
        let neighbour = LimitSubject::client("2001:db8:1:2:ffff::1".parse().unwrap());
        assert_eq!(
            neighbour,
            LimitSubject::client("2001:db8:1:2::2".parse().unwrap())
        );
    }

    #[test]
    fn delays_start_at_the_third_failure_and_double_up_to_an_hour() {
        let policy = GuessPolicy::default();
        let delays: Vec<u64> = (0..17).map(|failures| policy.delay(failures)).collect();
        assert_eq!(
            delays,
            [
                0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600
            ]
        );
        assert_eq!(policy.delay(u32::MAX), 3600);
    }

    #[test]
    fn a_guess_waits_for_its_delay_and_the_ceiling_for_the_window() {
        let policy = GuessPolicy::default();
        let at = UnixTime::from_secs;
        let failures = |count| {
            Some(Failures {
                count,
                first_at: at(1_000),
                last_at: at(2_000),
            })
        };
        assert_eq!(policy.judge(None, at(5)).0, Guess::Allowed);
        assert_eq!(policy.judge(failures(2), at(2_000)).0, Guess::Allowed);
        let (guess, counted) = policy.judge(failures(5), at(2_003));
        assert_eq!(guess, Guess::Wait { retry_after: 1 });
        assert_eq!(counted.count, 5);
        let (guess, counted) = policy.judge(failures(5), at(2_004));
        assert_eq!((guess, counted.count), (Guess::Allowed, 6));
        let (guess, _) = policy.judge(failures(100), at(80_000));
        assert_eq!(guess, Guess::Wait { retry_after: 8_400 });
        let (guess, counted) = policy.judge(failures(100), at(88_400));
        assert_eq!((guess, counted.count), (Guess::Allowed, 1));
    }
}
