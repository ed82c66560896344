//! A family: the line of refresh tokens of one session, of which exactly one is the head.
//!
//! While a session goes on, this comes of a refresh token whose MAC is good:
//!
//! | its generation | what is done |
//! |---|---|
//! | the head's | the next one becomes the head, and is the answer |
//! | the one before, within the grace | the head is the answer once more: one was lost, or two tabs asked |
//! | the one before, later; any older one | the session ends, and its owner is told: somebody has a copy |
//! | newer than the head's | the session ends with an alarm: the store went back in time, or a key leaked |
//! | one of the first two, but the session's time is up | the session ends |
//!
//! Of the first two, a suspended account has no use; the trail has a row of all but the first. An
//! ended session is silent, and whatever isn't answered with a token is refused in the same words.
//!
//! [`judge`] decides so: stores call it inside the transaction with the row they read there, and
//! carry out what it says.

use std::fmt;

use crate::secret::SecretBytes;
use crate::time::UnixTime;

/// Identifies a family. It stands in its row and in refresh tokens, nowhere else.
#[derive(Clone, Eq, PartialEq)]
pub struct FamilyId(SecretBytes<16>);

impl FamilyId {
    /// Takes the 16 bytes of a row or a token.
    #[must_use]
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(SecretBytes::new(bytes))
    }

    /// The 16 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.expose()
    }
}

impl fmt::Debug for FamilyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FamilyId")
    }
}

/// The limits of a session, in seconds.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct RefreshPolicy {
    /// How long the predecessor of the head is answered with the head again.
    pub grace: u64,
    /// How long a session lives without a refresh.
    pub idle: u64,
    /// How long a session lives at all.
    pub absolute: u64,
}

impl Default for RefreshPolicy {
    fn default() -> Self {
        Self {
            grace: 10,
            idle: 14 * 86_400,
            absolute: 30 * 86_400,
        }
    }
}

/// The head of a family: the one refresh token that refreshes its session.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct FamilyHead {
    /// The generation of that token.
    pub generation: u32,
    /// When it became the head.
    pub advanced_at: UnixTime,
    /// When the session was opened.
    pub created_at: UnixTime,
}

/// What a family is judged by.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct FamilyState {
    /// Its head.
    pub head: FamilyHead,
    /// Whether the session was ended.
    pub ended: bool,
    /// Whether the account may be used.
    pub account_active: bool,
}

/// What is to be done about a presented refresh token whose MAC is good.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Make `next` the head, and answer with it.
    Advance {
        /// The new head.
        next: u32,
    },
    /// A lost answer or a second tab: answer with the head once more, change nothing, audit.
    Repeat,
    /// A used token came back: end the family, audit, tell the account's owner.
    Replay,
    /// A token the store never issued: end the family, audit, raise an alarm.
    FromFuture,
    /// The session's time is up: end the family, audit. A clock that goes back doesn't revive what
    /// was once refused.
    Over,
    /// Nothing to refresh.
    Dead,
}

impl FamilyHead {
    /// The head of a session that is opened at `now`.
    #[must_use]
    pub fn first(now: UnixTime) -> Self {
        Self {
            generation: 0,
            advanced_at: now,
            created_at: now,
        }
    }

    /// When the session ends if nobody refreshes it any more.
    #[must_use]
    pub fn expires_at(&self, policy: &RefreshPolicy) -> UnixTime {
        let idle = self.advanced_at.saturating_add(policy.idle);
        let absolute = self.created_at.saturating_add(policy.absolute);
        idle.min(absolute)
    }
}

/// Decides about a presented generation.
///
/// A used token ends its family even when the session has expired or the account is suspended:
/// the theft happened all the same. A family that has already ended stays silent. What holds
/// whatever tabs, thieves and clocks do is tried in [`crate::testing::families`] and worded in
/// `docs/adr/0031-what-a-family-promises.md`.
#[must_use]
pub fn judge(
    family: &FamilyState,
    presented: u32,
    now: UnixTime,
    policy: &RefreshPolicy,
) -> Verdict {
    if family.ended {
        return Verdict::Dead;
    }
    let head = &family.head;
    if presented > head.generation {
        return Verdict::FromFuture;
    }
    let is_head = presented == head.generation;
    let within_grace = presented.checked_add(1) == Some(head.generation)
        && now <= head.advanced_at.saturating_add(policy.grace);
    if !is_head && !within_grace {
        return Verdict::Replay;
    }
    if !family.account_active {
        return Verdict::Dead;
    }
    match presented.checked_add(1) {
        Some(next) if now < head.expires_at(policy) => match is_head {
            true => Verdict::Advance { next },
            false => Verdict::Repeat,
        },
        Some(_) | None => Verdict::Over,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RefreshPolicy = RefreshPolicy {
        grace: 10,
        idle: 1_000,
        absolute: 3_000,
    };

    const HEAD: FamilyHead = FamilyHead {
        generation: 7,
        advanced_at: UnixTime::from_secs(10_000),
        created_at: UnixTime::from_secs(9_000),
    };

    fn family() -> FamilyState {
        FamilyState {
            head: HEAD,
            ended: false,
            account_active: true,
        }
    }

    fn verdict(family: &FamilyState, presented: u32, now: u64) -> Verdict {
        judge(family, presented, UnixTime::from_secs(now), &POLICY)
    }

    #[test]
    fn the_head_advances_until_the_session_expires() {
        assert_eq!(verdict(&family(), 7, 10_999), Verdict::Advance { next: 8 });
        assert_eq!(verdict(&family(), 7, 11_000), Verdict::Over);
        let late = FamilyState {
            head: FamilyHead {
                advanced_at: UnixTime::from_secs(11_900),
                ..HEAD
            },
            ..family()
        };
        assert_eq!(verdict(&late, 7, 11_999), Verdict::Advance { next: 8 });
        assert_eq!(verdict(&late, 7, 12_000), Verdict::Over);
    }

    #[test]
    fn the_predecessor_is_repeated_within_the_grace_and_a_replay_after_it() {
        assert_eq!(verdict(&family(), 6, 10_010), Verdict::Repeat);
        assert_eq!(verdict(&family(), 6, 10_011), Verdict::Replay);
        assert_eq!(verdict(&family(), 5, 10_000), Verdict::Replay);
    }

    #[test]
    fn a_clock_that_went_back_neither_revives_nor_panics() {
        assert_eq!(verdict(&family(), 7, 0), Verdict::Advance { next: 8 });
        assert_eq!(verdict(&family(), 5, 0), Verdict::Replay);
    }

    #[test]
    fn a_generation_nobody_issued_is_from_the_future() {
        assert_eq!(verdict(&family(), 8, 10_000), Verdict::FromFuture);
    }

    #[test]
    fn ended_families_and_suspended_accounts_refresh_nothing() {
        let ended = FamilyState {
            ended: true,
            ..family()
        };
        for presented in 5..9 {
            assert_eq!(verdict(&ended, presented, 10_000), Verdict::Dead);
        }
        let suspended = FamilyState {
            account_active: false,
            ..family()
        };
        assert_eq!(verdict(&suspended, 7, 10_000), Verdict::Dead);
        assert_eq!(verdict(&suspended, 7, 11_000), Verdict::Dead);
        assert_eq!(verdict(&suspended, 6, 10_000), Verdict::Dead);
        assert_eq!(verdict(&suspended, 5, 10_000), Verdict::Replay);
    }

    #[test]
    fn the_last_generation_is_the_end() {
        let spent = FamilyState {
            head: FamilyHead {
                generation: u32::MAX,
                ..HEAD
            },
            ..family()
        };
        assert_eq!(verdict(&spent, u32::MAX, 10_000), Verdict::Over);
    }
}
