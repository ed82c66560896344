//! The key set: always asked for as a whole, since a 304 to a mistaken tag would keep withdrawn keys.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::clock::Reading;
use super::config::{KEYS_FRESH, Pace};
use super::jitter::Jitter;
use super::schedule::Schedule;
use super::{Answer, Document, Fetch, RefreshFault, Ticket};
use crate::gate::Gate;
use crate::keyset::{KeySet, LARGEST_KEY_SET, LeftOutKey, LoadedKeySet};

/// When the key set is fetched, from where, and how long it may be used.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) schedule: Schedule,
    url: String,
    max_stale: Duration,
}

impl Keys {
    pub(super) fn new(url: String, max_stale: Duration) -> Self {
        Self {
            schedule: Schedule::new(Pace::keys(max_stale)),
            url,
            max_stale,
        }
    }

    pub(super) fn fetch(&mut self, now: Reading) -> Fetch {
        Fetch {
            ticket: Ticket {
                document: Document::Keys,
                number: self.schedule.hand_out(now),
            },
            url: self.url.clone(),
            if_none_match: None,
            most_bytes: LARGEST_KEY_SET,
            timeout: self.schedule.timeout(),
        }
    }

    /// Gives the keys in an answer to the gate, and tells which can't be used.
    pub(super) fn on_response(
        &mut self,
        now: Reading,
        number: u64,
        answer: Answer<'_>,
        gate: &mut Gate,
        jitter: &mut Jitter,
    ) -> Result<Vec<LeftOutKey>, RefreshFault> {
        let age = self.schedule.answered(now, number)?;
        match answer.body().and_then(usable_keys) {
            Ok(LoadedKeySet { key_set, left_out }) => {
                let asked_at = now.shown.saturating_sub(age);
                let until = asked_at.saturating_add(self.max_stale);
                gate.install_keys_until(key_set, until.unix_time());
                self.schedule.succeed(now, age, jitter);
                Ok(left_out)
            }
            Err(fault) => {
                self.schedule.back_off(now, fault, jitter);
                Err(fault)
            }
        }
    }

    /// Whether the keys are old, or nobody has fetched them, and others may come soon.
    pub(super) fn is_overdue(&self, now: Reading) -> bool {
        let Self { schedule, .. } = self;
        schedule.is_older_than(KEYS_FRESH, now) && !schedule.has_failed() && schedule.is_near(now)
    }
}

/// The keys of a set that has any. One without is no set of this issuer, who always has a key to
/// sign with: something else answered.
fn usable_keys(jwks: &[u8]) -> Result<LoadedKeySet, RefreshFault> {
    let loaded = KeySet::from_jwks(jwks).map_err(RefreshFault::KeySet)?;
    match loaded.key_set.is_empty() {
        true => Err(RefreshFault::NoUsableKey),
        false => Ok(loaded),
    }
}
