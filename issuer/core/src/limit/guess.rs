//! Guesses at passwords: whose are counted together, and how they are slowed down.
//!
//! A store keeps each guess as a row of its own under a [`GuessKey`]. It is counted as a failure
//! before the password is looked at, so that parallel guesses can't overrun the limit; what comes
//! of it is the business of `session::attempt`.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::account::AccountId;
use crate::email::EmailAddress;
use crate::secret::SecretBytes;
use crate::session::SessionId;
use crate::time::UnixTime;

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

    /// The key of an account, whatever its address is: nobody guesses at it, but it has budgets.
    #[must_use]
    pub fn account(&self, id: AccountId) -> GuessKey {
        self.key(b"account\0", id.0.as_bytes())
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
    /// When the last was.
    pub last_at: UnixTime,
}

/// One counted guess, among all that a store ever counted.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct GuessId(pub u64);

/// Whether a guess may be checked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Guess {
    /// It may, and counts as a failure until it is cleared or withdrawn.
    Counted(GuessId),
    /// Not before so many seconds have passed.
    Wait {
        /// Seconds; at least 1.
        retry_after: u32,
    },
}

/// What a store is to do with the next guess.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Judgement {
    /// Count it beside the failures there are.
    Count,
    /// Forget the failures there are, which are too old, and count it.
    CountAfresh,
    /// Leave everything as it is.
    Wait {
        /// Seconds until the next guess; at least 1.
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
    /// Decides about the next guess.
    #[must_use]
    pub fn judge(&self, failures: Option<Failures>, now: UnixTime) -> Judgement {
        let Some(failures) = failures else {
            return Judgement::Count;
        };
        let forgotten_at = failures.last_at.saturating_add(self.window);
        if now >= forgotten_at {
            return Judgement::CountAfresh;
        }
        let free_at = if failures.count >= self.ceiling {
            forgotten_at
        } else {
            failures.last_at.saturating_add(self.delay(failures.count))
        };
        if now >= free_at {
            return Judgement::Count;
        }
        let wait = free_at.as_secs().saturating_sub(now.as_secs());
        let retry_after = u32::try_from(wait).unwrap_or(u32::MAX).max(1);
        Judgement::Wait { retry_after }
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
        let judge = |count, now| {
            let last_at = UnixTime::from_secs(2_000);
            policy.judge(Some(Failures { count, last_at }), UnixTime::from_secs(now))
        };
        let wait = |retry_after| Judgement::Wait { retry_after };
        assert_eq!(policy.judge(None, UnixTime::from_secs(5)), Judgement::Count);
        assert_eq!(judge(2, 2_000), Judgement::Count);
        assert_eq!(judge(5, 2_003), wait(1));
        assert_eq!(judge(5, 2_004), Judgement::Count);
        assert_eq!(judge(100, 80_000), wait(8_400));
        assert_eq!(judge(100, 88_400), Judgement::CountAfresh);
    }
}
