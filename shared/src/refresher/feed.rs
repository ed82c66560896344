//! The feed: asked for what has changed since the one in force, if it was signed anew; or for
//! everything, where there is none or what came for the smaller question couldn't be used.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;

use super::clock::Reading;
use super::config::{FEED_LATE, Pace};
use super::jitter::Jitter;
use super::schedule::Schedule;
use super::{Answer, Document, Fetch, RefreshFault, Refreshed, Ticket};
use crate::gate::Gate;
use crate::rejection::Rejection;
use crate::revocation::{FeedFault, LARGEST_FEED};

/// The gate doesn't have the key that signed the feed. It may be a new one.
const UNKNOWN_KEY: RefreshFault = RefreshFault::Feed(FeedFault::Envelope(Rejection::UnknownKid));

/// When the feed is fetched, from where, and since when.
#[derive(Debug)]
pub(super) struct Feed {
    pub(super) schedule: Schedule,
    url: String,
    takes_deltas: bool,
    /// The feed in force. While there is none, everything is asked for.
    known: Option<Known>,
    /// Whether the last answer was signed by a key that the gate didn't have.
    lacks_key: bool,
}

#[derive(Debug)]
struct Known {
    position: (u64, u64),
    /// What it came with, if it was fresh.
    entity_tag: Option<String>,
}

impl Feed {
    pub(super) fn new(url: String, takes_deltas: bool) -> Self {
        Self {
            schedule: Schedule::new(Pace::feed()),
            url,
            takes_deltas,
            known: None,
            lacks_key: false,
        }
    }

    pub(super) fn fetch(&mut self, now: Reading) -> Fetch {
        Fetch {
            ticket: Ticket {
                document: Document::Feed,
                number: self.schedule.hand_out(now),
            },
            url: self.url(),
            if_none_match: self.entity_tag().map(str::to_owned),
            most_bytes: LARGEST_FEED,
            timeout: self.schedule.timeout(),
        }
    }

    /// Has the gate read the feed in an answer.
    pub(super) fn on_response(
        &mut self,
        now: Reading,
        number: u64,
        answer: Answer<'_>,
        gate: &mut Gate,
        jitter: &mut Jitter,
    ) -> Result<Refreshed, RefreshFault> {
        let age = self.schedule.answered(now, number)?;
        let refreshed = self.read(now, answer, gate);
        match refreshed {
            Ok(_) => self.schedule.succeed(now, age, jitter),
            // At most once: what is wrong with everything isn't mended by asking again.
            Err(fault) if asks_for_too_little(fault) && self.known.is_some() => {
                self.schedule.repeat(now, fault);
            }
            Err(fault) => self.schedule.back_off(now, fault, jitter),
        }
        self.lacks_key = refreshed == Err(UNKNOWN_KEY);
        if let Err(RefreshFault::NotModified | RefreshFault::Feed(_)) = refreshed {
            self.known = None;
        }
        refreshed
    }

    /// Fetches the feed at once if the keys that have come may have the one it lacked, or no longer
    /// have the one that signed what is in force.
    pub(super) fn on_new_keys(&mut self, now: Reading, gate: &Gate) {
        if self.lacks_key || gate.has_disowned_feed() {
            self.schedule.hasten(now);
        }
    }

    /// Whether the feed isn't fresh, and another may come soon.
    pub(super) fn is_overdue(&self, now: Reading, gate: &Gate) -> bool {
        let Self { schedule, .. } = self;
        let is_old = schedule.is_older_than(FEED_LATE, now);
        let is_stale = is_old && !gate.has_fresh_feed(now.shown.unix_time());
        is_stale && self.is_expected() && schedule.is_near(now)
    }

    /// Whether the last fetch didn't fail. One that came before its key is fetched again when that
    /// has come.
    pub(super) fn is_expected(&self) -> bool {
        !self.schedule.has_failed() || self.lacks_key
    }

    fn url(&self) -> String {
        let known = self.known.as_ref().filter(|_| self.takes_deltas);
        let Some(Known { position, .. }) = known else {
            return self.url.clone();
        };
        let separator = match self.url.contains('?') {
            true => '&',
            false => '?',
        };
        let (epoch, seq) = position;
        format!("{}{separator}since={epoch}.{seq}", self.url)
    }

    fn entity_tag(&self) -> Option<&str> {
        self.known.as_ref()?.entity_tag.as_deref()
    }

    fn read(
        &mut self,
        now: Reading,
        answer: Answer<'_>,
        gate: &mut Gate,
    ) -> Result<Refreshed, RefreshFault> {
        let now = now.shown.unix_time();
        let body = match answer.body() {
            // How long a feed is fresh, its signed time says and never a 304.
            Err(RefreshFault::NotModified)
                if self.entity_tag().is_some() && gate.has_fresh_feed(now) =>
            {
                return Ok(Refreshed::FeedNotModified);
            }
            body => body?,
        };
        let applied = gate.apply_feed(body, now).map_err(RefreshFault::Feed)?;
        let entity_tag = answer.entity_tag().filter(|_| gate.has_fresh_feed(now));
        self.known = gate.feed_position().map(|position| Known {
            position,
            entity_tag: entity_tag.map(str::to_owned),
        });
        Ok(Refreshed::Feed(applied))
    }
}

/// Whether other keys may mend it: they have one that is lacking, or have no longer the one that
/// signed what is in force, which then stands in nobody's way.
pub(super) fn may_be_due_to_keys(fault: &RefreshFault) -> bool {
    let is_outdone = matches!(
        fault,
        RefreshFault::Feed(FeedFault::Rollback | FeedFault::RefusedKey)
    );
    is_outdone || *fault == UNKNOWN_KEY
}

/// Whether an answer couldn't be used for what was asked, and one to a fetch of everything may.
fn asks_for_too_little(fault: RefreshFault) -> bool {
    matches!(
        fault,
        RefreshFault::NotModified | RefreshFault::Feed(FeedFault::Gap | FeedFault::TooManyEntries)
    )
}
