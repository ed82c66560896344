//! The two queues of tokens, each with its weight.

use alloc::collections::VecDeque;

use super::key::Key;
use super::{MOST_TOKENS, MOST_WEIGHT, SMALL_PART};

/// The queue that a token is in.
#[derive(Clone, Copy)]
pub(super) enum Home {
    /// Where new tokens wait to be asked for again.
    Small,
    /// Where those are that were.
    Main,
}

#[derive(Default)]
pub(super) struct Queues {
    small: Queue,
    main: Queue,
}

impl Queues {
    pub(super) fn of(&mut self, home: Home) -> &mut Queue {
        match home {
            Home::Small => &mut self.small,
            Home::Main => &mut self.main,
        }
    }

    pub(super) fn weight(&self) -> usize {
        self.small.weight.saturating_add(self.main.weight)
    }

    /// The queue that has to give: the small one where it has its part of the room.
    pub(super) fn to_give(&self) -> Home {
        let has_its_part = self.small.order.len() >= MOST_TOKENS / SMALL_PART
            || self.small.weight >= MOST_WEIGHT / SMALL_PART;
        if has_its_part || self.main.order.is_empty() {
            Home::Small
        } else {
            Home::Main
        }
    }
}

/// Keys in the order in which they came.
#[derive(Default)]
pub(super) struct Queue {
    order: VecDeque<Key>,
    weight: usize,
}

impl Queue {
    pub(super) fn push(&mut self, key: Key, weight: usize) {
        self.order.push_back(key);
        self.add_weight(weight);
    }

    /// Takes the first key. Its weight is for the caller to remove.
    pub(super) fn pop(&mut self) -> Option<Key> {
        self.order.pop_front()
    }

    pub(super) fn add_weight(&mut self, weight: usize) {
        self.weight = self.weight.saturating_add(weight);
    }

    pub(super) fn remove_weight(&mut self, weight: usize) {
        self.weight = self.weight.saturating_sub(weight);
    }
}
