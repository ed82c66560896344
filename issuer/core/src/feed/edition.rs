//! An edition of the feed: what it says at a number, signed at a time. All who ask before the next
//! one get the same texts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use signet_verifier::revocation::LARGEST_FEED;

use super::state::{Lists, State};
use super::text::{Heading, sign};
use super::{FeedError, FeedText, GOOD_FOR, SIGNED_EVERY};
use crate::ports::feed::FeedPosition;
use crate::signing::Keyring;
use crate::time::UnixTime;

/// How many deltas are signed. Hosts that poll hold one of the last few numbers; who makes numbers up
/// gets everything, which is signed already.
const MOST_DELTAS: usize = 64;

/// An edition.
pub(super) struct Edition {
    pub(super) state: State,
    issuer: String,
    keyring: Keyring,
    issued_at: UnixTime,
    snapshot: Arc<str>,
    /// Signed when they are first asked for; `None` where everything is as short.
    deltas: Mutex<BTreeMap<u64, Option<Arc<str>>>>,
}

impl Edition {
    /// Signs what was found at `now`.
    pub(super) fn sign(
        state: State,
        issuer: &str,
        keyring: &Keyring,
        now: UnixTime,
    ) -> Result<Self, FeedError> {
        let mut edition = Self {
            state,
            issuer: issuer.to_owned(),
            keyring: keyring.clone(),
            issued_at: now,
            snapshot: Arc::from(""),
            deltas: Mutex::default(),
        };
        edition.snapshot = edition.text(None, &edition.state.snapshot())?;
        if edition.snapshot.len() > LARGEST_FEED {
            return Err(FeedError::TooLarge);
        }
        Ok(edition)
    }

    /// Whether it is to be signed anew at `now`, though it says all there is.
    pub(super) fn is_old(&self, keyring: &Keyring, now: UnixTime) -> bool {
        let next = self.issued_at.saturating_add(SIGNED_EVERY);
        !(self.issued_at..next).contains(&now) || self.keyring.active_kid() != keyring.active_kid()
    }

    /// Whether hardly anything can have come and left since.
    pub(super) fn is_of_late(&self, now: UnixTime) -> bool {
        now < self.expires_at().saturating_add(GOOD_FOR)
    }

    /// Whether verifiers still take it for all there is.
    pub(super) fn is_fresh(&self, now: UnixTime) -> bool {
        now < self.expires_at()
    }

    /// Whether who holds `since` knows more than this says.
    pub(super) fn is_behind(&self, since: Option<FeedPosition>) -> bool {
        since.is_some_and(|since| since > self.state.position)
    }

    /// What is served to who holds `since`, or to who holds nothing.
    pub(super) fn serve(&self, since: Option<FeedPosition>) -> Result<FeedText, FeedError> {
        let position = self.state.position;
        let since = since.filter(|since| since.epoch == position.epoch);
        let delta = match since {
            Some(since) => self.delta(since.seq)?,
            None => None,
        };
        let FeedPosition { epoch, seq } = position;
        Ok(FeedText {
            text: delta.unwrap_or_else(|| Arc::clone(&self.snapshot)),
            tag: format!("W/\"{epoch}.{seq}.{}\"", self.issued_at.as_secs()),
        })
    }

    fn delta(&self, since: u64) -> Result<Option<Arc<str>>, FeedError> {
        let mut deltas = self.deltas.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = deltas.get(&since) {
            return Ok(known.clone());
        }
        if deltas.len() >= MOST_DELTAS {
            return Ok(None);
        }
        let delta = match self.state.delta(since) {
            Some(lists) if lists.len() <= self.state.snapshot().len() => {
                let text = self.text(Some(since), &lists)?;
                Some(text).filter(|text| text.len() <= LARGEST_FEED)
            }
            Some(_) | None => None,
        };
        deltas.insert(since, delta.clone());
        Ok(delta)
    }

    fn text(&self, since: Option<u64>, lists: &Lists) -> Result<Arc<str>, FeedError> {
        let heading = Heading {
            issuer: &self.issuer,
            issued_at: self.issued_at,
            expires_at: self.expires_at(),
            position: self.state.position,
            since,
        };
        let text = sign(heading, lists, &self.keyring).map_err(FeedError::Signing)?;
        Ok(text.into())
    }

    fn expires_at(&self) -> UnixTime {
        self.issued_at.saturating_add(GOOD_FOR)
    }
}
