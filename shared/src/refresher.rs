//! When the issuer's key set and its revocation feed are fetched, and what becomes of the answers.
//!
//! The [`Refresher`] does no I/O and has no clock. A host asks it what to do, does that, and tells
//! what came of it; so a tokio task, a Worker and an Envoy filter keep the same times and refuse the
//! same answers.
//!
//! ```
//! use signet_verifier::Gate;
//! use signet_verifier::refresher::{Answer, Next, Refresher};
//! use signet_verifier::time::UnixMillis;
//!
//! # fn turn(refresher: &mut Refresher, gate: &mut Gate, clock: impl Fn() -> UnixMillis,
//! #         get: impl Fn(&str) -> Option<Vec<u8>>, sleep_until: impl Fn(UnixMillis)) {
//! match refresher.poll(clock()) {
//!     Next::Wait(until) => sleep_until(until),
//!     Next::Fetch(fetch) => {
//!         let body = get(&fetch.url);
//!         let answer = body.as_deref().map_or(Answer::Failed, |body| Answer::Response {
//!             status: 200,
//!             etag: None,
//!             body,
//!         });
//!         if let Err(fault) = refresher.on_response(clock(), fetch.ticket, answer, gate) {
//!             eprintln!("{}: {fault}", fetch.ticket.document);
//!         }
//!     }
//! }
//! # }
//! ```
//!
//! A host polls when the time to wait is over, after every answer, and after every
//! [want](Refresher::want). It may be slow, and it may lose a fetch: one without an answer is handed
//! out again soon after its timeout, and what comes for the old one is ignored from then on.
//! Whatever is wrong with an answer, the gate keeps what it has. How long it may use keys, it is told
//! with the keys, and watches by itself. A gate that takes another's place gets a new refresher.
//!
//! The way of an answer: it comes to `keys` or `feed`, `schedule` knows whether somebody still waits
//! for it, `answer` finds a body in it, the gate reads that, and `schedule` sets the time of the next
//! fetch. All times are [`config`]'s constants; `clock` makes of a clock that may be set one that
//! only runs, and `jitter` keeps hosts from asking all at once. To fetch another document, write a
//! module like `keys` and give [`Document`] a variant. Why it is done like this, where the protocol
//! leaves a choice: `docs/adr/0010-what-the-refresher-does-when.md`.

mod answer;
mod clock;
pub mod config;
mod fault;
mod feed;
mod fetch;
mod jitter;
mod keys;
mod schedule;
mod status;

use alloc::vec::Vec;

pub use answer::{Answer, Reply};
pub use config::Config;
pub use fault::RefreshFault;
pub use fetch::{Document, Fetch, Next, Ticket};
pub use status::{DocumentStatus, Status};

use crate::gate::Gate;
use crate::keyset::LeftOutKey;
use crate::revocation::Applied;
use crate::time::UnixMillis;
use clock::Clock;
use feed::Feed;
use jitter::Jitter;
use keys::Keys;

/// Keeps a gate's keys and revocations up to date.
#[derive(Debug)]
pub struct Refresher {
    clock: Clock,
    jitter: Jitter,
    keys: Keys,
    feed: Option<Feed>,
}

/// What a good answer brought.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refreshed {
    /// The gate has the keys of the set that can be used.
    Keys {
        /// The others, to be logged.
        left_out: Vec<LeftOutKey>,
    },
    /// The gate has read the feed.
    Feed(Applied),
    /// The feed in force is the newest, and still fresh.
    FeedNotModified,
}

impl Refresher {
    /// A refresher that fetches everything when it is first polled.
    ///
    /// `seed` is any number that other hosts don't have: it only spreads their fetches.
    #[must_use]
    pub fn new(config: Config, seed: u64) -> Self {
        Self {
            clock: Clock::default(),
            jitter: Jitter::new(seed),
            keys: Keys::new(config.keys_url, config.max_stale),
            feed: config
                .feed_url
                .map(|url| Feed::new(url, config.takes_deltas)),
        }
    }

    /// What to do at `now`: fetch something, or come back later.
    pub fn poll(&mut self, now: UnixMillis) -> Next {
        let now = self.clock.read(now);
        if self.keys.schedule.is_due(now) {
            return Next::Fetch(self.keys.fetch(now));
        }
        let keys_due = self.keys.schedule.due();
        match &mut self.feed {
            Some(feed) if feed.schedule.is_due(now) => Next::Fetch(feed.fetch(now)),
            Some(feed) => Next::Wait(now.when(keys_due.min(feed.schedule.due()))),
            None => Next::Wait(now.when(keys_due)),
        }
    }

    /// Hands what came of a fetch to the gate, if it is good.
    ///
    /// # Errors
    /// Why it is ignored. The gate is as it was.
    pub fn on_response(
        &mut self,
        now: UnixMillis,
        ticket: Ticket,
        answer: Answer<'_>,
        gate: &mut Gate,
    ) -> Result<Refreshed, RefreshFault> {
        let now = self.clock.read(now);
        let Ticket { document, number } = ticket;
        match (document, &mut self.feed) {
            (Document::Keys, feed) => {
                let keys = &mut self.keys;
                let left_out = keys.on_response(now, number, answer, gate, &mut self.jitter)?;
                if let Some(feed) = feed {
                    feed.on_new_keys(now, gate);
                }
                Ok(Refreshed::Keys { left_out })
            }
            (Document::Feed, Some(feed)) => {
                let refreshed = feed.on_response(now, number, answer, gate, &mut self.jitter);
                if refreshed.as_ref().is_err_and(feed::may_be_due_to_keys) {
                    self.keys.schedule.want();
                }
                refreshed
            }
            (Document::Feed, None) => Err(RefreshFault::Late),
        }
    }

    /// Notes that a decision lacked something: keys, where there are none or a token names one that
    /// the gate doesn't have; a feed, where a rule requires a fresh one. A kid that can't be one is
    /// no reason to want keys.
    ///
    /// However often something is wanted, [`config`] bounds how often it is fetched.
    pub fn want(&mut self, document: Document, now: UnixMillis) {
        self.clock.read(now);
        match (document, &mut self.feed) {
            (Document::Keys, _) => self.keys.schedule.want(),
            (Document::Feed, Some(feed)) => feed.schedule.want(),
            (Document::Feed, None) => {}
        }
    }

    /// Whether what the gate has of a document is old, and a newer one may come within
    /// [`config::FEED_PATIENCE`]: keys that were asked for longer ago than [`config::KEYS_FRESH`], a
    /// feed that isn't fresh.
    ///
    /// So it is after every pause of a host that fetches only while it is asked. It has everybody
    /// wait whom it would let through by that: see
    /// [`Decision::rests_on`](crate::gate::Decision::rests_on). Nobody waits behind a failure, nor
    /// for a fetch that takes longer, so an issuer that is away delays nobody twice.
    pub fn is_overdue(&mut self, document: Document, gate: &Gate, now: UnixMillis) -> bool {
        let now = self.clock.read(now);
        match (document, &self.feed) {
            (Document::Keys, _) => self.keys.is_overdue(now),
            (Document::Feed, Some(feed)) => feed.is_overdue(now, gate),
            (Document::Feed, None) => false,
        }
    }

    /// Whether another document is to be expected: the last fetch of it didn't fail. Behind a failure
    /// there is a pause, and waiting would hold requests open for nothing.
    #[must_use]
    pub fn expects(&self, document: Document) -> bool {
        match document {
            Document::Keys => !self.keys.schedule.has_failed(),
            Document::Feed => self.feed.as_ref().is_some_and(Feed::is_expected),
        }
    }

    /// How it has gone so far.
    #[must_use]
    pub fn status(&self) -> Status {
        Status {
            keys: self.keys.schedule.status(),
            feed: self.feed.as_ref().map(|feed| feed.schedule.status()),
        }
    }
}
