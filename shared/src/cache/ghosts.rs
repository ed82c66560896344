//! Keys of tokens that left the small queue: if one comes back, it wasn't used only once.

use alloc::collections::{BTreeSet, VecDeque};

use super::key::Key;
use super::{MOST_TOKENS, SMALL_PART};

/// As many as the main queue has places.
const MOST_GHOSTS: usize = MOST_TOKENS - MOST_TOKENS / SMALL_PART;

#[derive(Default)]
pub(super) struct Ghosts {
    known: BTreeSet<Key>,
    /// May hold keys that are known no more, and so forget one that came back a little early.
    order: VecDeque<Key>,
}

impl Ghosts {
    pub(super) fn remember(&mut self, key: Key) {
        if self.order.len() >= MOST_GHOSTS
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.known.insert(key);
        self.order.push_back(key);
    }

    /// Whether that key was remembered; it no longer is.
    pub(super) fn recall(&mut self, key: Key) -> bool {
        self.known.remove(&key)
    }
}
