//! What a feed lists, sorted, so that a look-up halves and a delta is merged in one pass.

use alloc::vec::Vec;

use super::{FeedFault, Prefix};
use crate::key_id::KeyId;

/// The most sessions, and the most subjects: a little more than the largest snapshot can list.
/// Deltas could pile up any number.
const MOST_ENTRIES: usize = 20_000;
/// The most refused keys: a key set has 32 at a time.
pub(super) const MOST_KIDS: usize = 1_024;

/// What is revoked. Every list is sorted and without repetition.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Entries {
    /// Sessions that have ended.
    pub(super) sessions: Vec<Prefix>,
    /// Subjects whose older tokens are void.
    pub(super) subjects: Vec<LeastVersion>,
    /// Keys whose signatures count for nothing.
    pub(super) kids: Vec<KeyId>,
}

/// The least `ver` that a subject's tokens must have.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct LeastVersion {
    pub(super) subject: Prefix,
    pub(super) version: u64,
}

impl Entries {
    /// Whether that session has ended.
    pub(super) fn end(&self, session: &Prefix) -> bool {
        self.sessions.binary_search(session).is_ok()
    }

    /// Whether that subject's tokens of that version are void.
    pub(super) fn outdate(&self, subject: &Prefix, version: u64) -> bool {
        let place = self
            .subjects
            .binary_search_by_key(subject, |least| least.subject);
        let least = place.ok().and_then(|place| self.subjects.get(place));
        least.is_some_and(|least| version < least.version)
    }

    /// Whether that key is refused.
    pub(super) fn refuse(&self, kid: &KeyId) -> bool {
        self.kids.binary_search(kid).is_ok()
    }

    /// These entries without the sessions that left, and with the added ones. What is in both lists
    /// is added, and the higher of two versions counts: a doubt revokes.
    pub(super) fn changed(&self, left: &[Prefix], added: Self) -> Result<Self, FeedFault> {
        let mut left = left.iter().peekable();
        let stays = |session: &Prefix| {
            while left.next_if(|next| *next < session).is_some() {}
            left.peek() != Some(&session)
        };
        let held = self.sessions.iter().copied().filter(stays);
        let mut sessions = merged(held, added.sessions);
        sessions.dedup();
        let mut subjects = merged(self.subjects.iter().copied(), added.subjects);
        subjects.dedup_by(|next, least| {
            let is_same = next.subject == least.subject;
            if is_same {
                least.version = next.version;
            }
            is_same
        });
        let mut kids = merged(self.kids.iter().cloned(), added.kids);
        kids.dedup();
        if sessions.len().max(subjects.len()) > MOST_ENTRIES || kids.len() > MOST_KIDS {
            return Err(FeedFault::TooManyEntries);
        }
        Ok(Self {
            sessions,
            subjects,
            kids,
        })
    }
}

/// Two sorted lists as one.
fn merged<T: Ord>(held: impl Iterator<Item = T>, added: Vec<T>) -> Vec<T> {
    let (mut held, mut added) = (held.peekable(), added.into_iter().peekable());
    let next = || match (held.peek(), added.peek()) {
        (Some(one), Some(other)) if other < one => added.next(),
        (Some(_), _) => held.next(),
        (None, _) => added.next(),
    };
    core::iter::from_fn(next).collect()
}
