//! Tokens that have been verified, so that the next request with one of them costs no signature.
//!
//! A token is found by the beginning of its signature, which nobody but the issuer can choose, and
//! is the same only if every byte is, compared in constant time. What was verified under other keys
//! or another policy is no answer: the caller stamps what it keeps with the generation of both, and
//! a token of another stamp is a miss and leaves. Times and revocations aren't the cache's business;
//! they are checked on every hit.
//!
//! There is room for 1,024 tokens and 2 MiB. What has to go is chosen by S3-FIFO (Yang, Zhang, Qiu,
//! Yue, Rashmi: "FIFO Queues are All You Need for Cache Eviction", SOSP 2023, algorithm 1). New
//! tokens wait in a small queue, a tenth of the room, and only those that come back get into the
//! main one; there, whoever was asked for goes round again. A token that left the small queue is
//! remembered by its key, and goes straight to the main one when it returns. So any number of tokens
//! that are used once pass through the small queue and flush none that is used often, and a hit
//! moves nothing.

mod equality;
mod ghosts;
mod key;
mod queues;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use core::fmt;

use ghosts::Ghosts;
use key::Key;
use queues::{Home, Queues};

/// The most tokens.
const MOST_TOKENS: usize = 1_024;
/// The most weight, in bytes.
const MOST_WEIGHT: usize = 2 * 1_024 * 1_024;
/// The small queue's part of both: one tenth.
const SMALL_PART: usize = 10;
/// So many hits count; more would keep a token long after its time.
const MOST_HITS: u8 = 3;

/// Verified tokens, and what each of them became.
pub struct Cache<T> {
    entries: BTreeMap<Key, Entry<T>>,
    queues: Queues,
    ghosts: Ghosts,
}

/// A place in a queue. Its token may be gone; then the place waits for it to be verified anew.
struct Entry<T> {
    home: Home,
    hits: u8,
    held: Option<Held<T>>,
}

struct Held<T> {
    token: Box<[u8]>,
    stamp: u64,
    weight: usize,
    value: T,
}

impl<T: Clone> Cache<T> {
    /// An empty cache.
    #[must_use]
    pub fn new() -> Self {
        Self {
            entries: BTreeMap::new(),
            queues: Queues::default(),
            ghosts: Ghosts::default(),
        }
    }

    /// What this very token became, if it was kept under this stamp.
    pub fn find(&mut self, token: &[u8], stamp: u64) -> Option<T> {
        let key = Key::of(token)?;
        let entry = self.entries.get_mut(&key)?;
        let held = entry.held.as_ref()?;
        if !equality::are_equal(&held.token, token) {
            return None;
        }
        entry.hits = entry.hits.saturating_add(1).min(MOST_HITS);
        if held.stamp == stamp {
            return Some(held.value.clone());
        }
        self.release(key);
        None
    }

    /// Keeps what a verified token became. `weight_bytes` is what the value holds beside the token.
    ///
    /// A token that would fill the small queue by itself isn't kept.
    pub fn keep(&mut self, token: &[u8], stamp: u64, weight_bytes: usize, value: T) {
        let Some(key) = Key::of(token) else {
            return;
        };
        self.release(key);
        let weight = token.len().saturating_add(weight_bytes);
        if weight > MOST_WEIGHT / SMALL_PART {
            return;
        }
        while !self.has_room(key, weight) && self.give_way().is_some() {}
        let held = Some(Held {
            token: token.into(),
            stamp,
            weight,
            value,
        });
        if let Some(entry) = self.entries.get_mut(&key) {
            self.queues.of(entry.home).add_weight(weight);
            entry.held = held;
            return;
        }
        let home = match self.ghosts.recall(key) {
            true => Home::Main,
            false => Home::Small,
        };
        self.queues.of(home).push(key, weight);
        let hits = 0;
        self.entries.insert(key, Entry { home, hits, held });
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    fn has_room(&self, key: Key, weight: usize) -> bool {
        let has_place = self.entries.len() < MOST_TOKENS || self.entries.contains_key(&key);
        has_place && self.queues.weight().saturating_add(weight) <= MOST_WEIGHT
    }

    /// Lets a token go, but not its place: what is in use keeps it through a change of keys.
    fn release(&mut self, key: Key) {
        if let Some(entry) = self.entries.get_mut(&key)
            && let Some(held) = entry.held.take()
        {
            self.queues.of(entry.home).remove_weight(held.weight);
        }
    }

    /// Takes the head of a queue: it leaves, or goes on to the end of the main one. `None` where
    /// both are empty.
    fn give_way(&mut self) -> Option<()> {
        let home = self.queues.to_give();
        let key = self.queues.of(home).pop()?;
        let entry = self.entries.get_mut(&key)?;
        let weight = entry.held.as_ref().map_or(0, |held| held.weight);
        self.queues.of(home).remove_weight(weight);
        let hits_left = match (home, entry.hits) {
            _ if entry.held.is_none() => None,
            (Home::Small, 0 | 1) => None,
            (Home::Small, _) => Some(0),
            (Home::Main, hits) => hits.checked_sub(1),
        };
        match (hits_left, home) {
            (Some(hits), _) => {
                entry.hits = hits;
                entry.home = Home::Main;
                self.queues.of(Home::Main).push(key, weight);
            }
            (None, Home::Small) => {
                self.entries.remove(&key);
                self.ghosts.remember(key);
            }
            (None, Home::Main) => drop(self.entries.remove(&key)),
        }
        Some(())
    }
}

impl<T: Clone> Default for Cache<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Cache<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cache")
    }
}
