//! What the feed says, as this process has read it, and what has left it since it began to read.
//!
//! Every entry has the number since which it is listed, so whoever holds any number can be told what
//! came after. What left is known for as long as this process has looked: `floor` is the number
//! from which on it has. It may notice later than it happened, and then says so once too often, which
//! is nothing to somebody who doesn't hold the entry any more. What came and left between two of its
//! reads it never hears of; who has that from another process keeps it until everything comes next,
//! and it revokes nobody whose tokens aren't over.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::ports::feed::{FeedPosition, Revoked};

/// How many entries that have left are remembered. Who asks for what was before gets everything.
const MOST_LEFT: usize = 2_048;

/// The first bytes of the SHA-256 of a `sid` or a `sub`.
pub(super) type Prefix = [u8; 8];

/// What the feed says at a number.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) position: FeedPosition,
    /// Ended sessions, and since when they are listed.
    sessions: BTreeMap<Prefix, u64>,
    /// Least versions, and since when they are listed.
    accounts: BTreeMap<Prefix, (u64, u64)>,
    /// Refused keys, and since when they are listed.
    kids: BTreeMap<String, u64>,
    left: BTreeMap<Prefix, Left>,
    floor: u64,
}

/// A session's entry that is there no more.
#[derive(Clone, Copy, Debug)]
struct Left {
    came_at: u64,
    gone_by: u64,
}

/// What is to be said.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Lists {
    /// Ended sessions, sorted.
    pub(super) sessions: Vec<Prefix>,
    /// Sessions that left, sorted.
    pub(super) left: Vec<Prefix>,
    /// Least versions, sorted.
    pub(super) accounts: Vec<(Prefix, u64)>,
    /// Refused keys, sorted.
    pub(super) kids: Vec<String>,
}

impl State {
    /// The first that is read.
    pub(super) fn first(revoked: &Revoked) -> Self {
        let mut accounts: BTreeMap<Prefix, (u64, u64)> = BTreeMap::new();
        for one in &revoked.accounts {
            let entry = accounts
                .entry(prefix(&one.account.to_string()))
                .or_default();
            *entry = (entry.0.max(one.version), entry.1.max(one.seq));
        }
        let sessions = revoked.sessions.iter();
        let kids = revoked.kids.iter();
        Self {
            position: revoked.position,
            sessions: sessions
                .map(|one| (prefix(&one.session.to_string()), one.seq))
                .collect(),
            accounts,
            kids: kids.map(|one| (one.kid.clone(), one.seq)).collect(),
            left: BTreeMap::new(),
            floor: revoked.position.seq,
        }
    }

    /// The next that is read, and what this one knows of those before.
    pub(super) fn then(&self, revoked: &Revoked) -> Self {
        let mut next = Self::first(revoked);
        let goes_on =
            next.position.epoch == self.position.epoch && next.position.seq >= self.position.seq;
        if !goes_on {
            return next;
        }
        let gone_by = next.position.seq;
        let leaving = self.sessions.iter().map(|(prefix, came_at)| {
            let came_at = *came_at;
            (*prefix, Left { came_at, gone_by })
        });
        next.left = self.left.clone().into_iter().chain(leaving).collect();
        next.left
            .retain(|prefix, _| !next.sessions.contains_key(prefix));
        next.floor = self.floor;
        next.forget_the_oldest();
        next
    }

    fn forget_the_oldest(&mut self) {
        let excess = self.left.len().saturating_sub(MOST_LEFT);
        let Some(excess) = excess.checked_sub(1) else {
            return;
        };
        let mut ages: Vec<u64> = self.left.values().map(|left| left.gone_by).collect();
        ages.sort_unstable();
        let floor = ages.get(excess).copied().unwrap_or_default();
        self.left.retain(|_, left| left.gone_by > floor);
        self.floor = self.floor.max(floor);
    }

    /// Everything.
    pub(super) fn snapshot(&self) -> Lists {
        Lists {
            left: Vec::new(),
            ..self.listed_after(None)
        }
    }

    /// What somebody lacks who holds this number of this epoch; `None` where nobody here knows.
    pub(super) fn delta(&self, since: u64) -> Option<Lists> {
        let is_known = (self.floor..=self.position.seq).contains(&since);
        let held = |left: &Left| left.came_at <= since && since < left.gone_by;
        is_known.then(|| Lists {
            left: (self.left.iter())
                .filter_map(|(prefix, left)| held(left).then_some(*prefix))
                .collect(),
            ..self.listed_after(Some(since))
        })
    }

    fn listed_after(&self, since: Option<u64>) -> Lists {
        let is_new = |seq: u64| since.is_none_or(|since| seq > since);
        let sessions = self.sessions.iter().filter(|(_, seq)| is_new(**seq));
        let accounts = self.accounts.iter().filter(|(_, (_, seq))| is_new(*seq));
        let kids = self.kids.iter().filter(|(_, seq)| is_new(**seq));
        Lists {
            sessions: sessions.map(|(prefix, _)| *prefix).collect(),
            left: Vec::new(),
            accounts: accounts
                .map(|(prefix, (version, _))| (*prefix, *version))
                .collect(),
            kids: kids.map(|(kid, _)| kid.clone()).collect(),
        }
    }
}

impl Lists {
    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        [self.sessions.len(), self.left.len(), self.accounts.len()]
            .into_iter()
            .fold(self.kids.len(), usize::saturating_add)
    }
}

fn prefix(identifier: &str) -> Prefix {
    let hash: [u8; 32] = Sha256::digest(identifier).into();
    let [a, b, c, d, e, f, g, h, ..] = hash;
    [a, b, c, d, e, f, g, h]
}
