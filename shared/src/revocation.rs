//! What the issuer has taken back: ended sessions, accounts whose older tokens are void, refused
//! keys.
//!
//! The issuer signs a feed of them every few seconds. A host fetches it, hands the text to
//! [`Revocations::apply`], and asks [`Revocations::revokes`] about every token, cached ones too. A
//! feed is a snapshot, which says everything, or a delta to one particular feed. Whatever is wrong
//! with it, it is ignored as a whole and what was in force stays; [`FeedFault`] tells why.
//!
//! A feed has two ages. `(epoch, seq)` numbers what it says, and never goes back. Its signed `exp`
//! says how long this is known to be all there is: a stale feed still revokes, but isn't
//! [fresh](Revocations::is_fresh), and a policy's rules say which of them need that.
//!
//! The way of a feed: `jws` checks the signature, `feed` the claims, `entries` holds what they list.
//! To revoke by something new, give `entries` a list, `feed` a claim, and [`Revocations::revokes`]
//! an argument. Where the protocol leaves a choice, `docs/adr/0007-what-a-feed-may-do.md` says what
//! was chosen.

mod entries;
mod fault;
mod feed;
mod prefix;

use core::cmp::Ordering;

pub use fault::FeedFault;
pub use prefix::Prefix;

use crate::compact::Sizes;
use crate::jws::{Shape, signed_payload};
use crate::key_id::KeyId;
use crate::keyset::KeySet;
use crate::time::UnixTime;
use entries::Entries;
use feed::{Feed, Kind, Position};

/// The largest feed, in bytes.
pub const LARGEST_FEED: usize = 262_144;

const FEED: Shape = Shape {
    media_type: "signet-rev+jwt",
    sizes: Sizes {
        whole: LARGEST_FEED,
        header: 512,
        payload: LARGEST_FEED,
    },
};

/// What a good feed did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Applied {
    /// It is the first one, or revokes other tokens than before.
    Changed,
    /// It revokes the same tokens, and was signed later or has a later number.
    Extended,
    /// Nothing: it is the feed in force, or an earlier signature of the same number.
    AlreadyKnown,
}

/// The revocations in force; none before the first feed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Revocations {
    in_force: Option<InForce>,
}

impl Revocations {
    /// Takes a feed if it is good, newer, and (a delta) fits. `leeway` is how many seconds the
    /// issuer's clock may be ahead of `now`.
    ///
    /// A feed whose time is over is taken too, for what it revokes.
    ///
    /// # Errors
    /// Why the feed is ignored. What was in force is as it was.
    pub fn apply(
        &mut self,
        feed: &[u8],
        keys: &KeySet,
        issuer: &str,
        leeway: u64,
        now: UnixTime,
    ) -> Result<Applied, FeedFault> {
        let (kid, payload) = signed_payload(feed, &FEED, keys).map_err(FeedFault::Envelope)?;
        let in_force = self.in_force.as_ref();
        if in_force.is_some_and(|it| it.entries.refuse(&kid)) {
            return Err(FeedFault::RefusedKey);
        }
        let feed = Feed::read(&payload, issuer, now.saturating_add(leeway))?;
        let Some(in_force) = &mut self.in_force else {
            self.in_force = Some(InForce::first(feed)?);
            return Ok(Applied::Changed);
        };
        in_force.take(feed)
    }

    /// Whether there is a feed whose signed `exp` is still to come.
    #[must_use]
    pub fn is_fresh(&self, now: UnixTime) -> bool {
        let in_force = self.in_force.as_ref();
        in_force.is_some_and(|in_force| now < in_force.expires_at)
    }

    /// Whether a token is revoked, as far as is known: its session has ended, its `ver` (0 where it
    /// has none) is below the least of its subject, or its key is refused.
    #[must_use]
    pub fn revokes(&self, kid: &KeyId, session: &Prefix, subject: &Prefix, version: u64) -> bool {
        self.in_force.as_ref().is_some_and(|in_force| {
            let entries = &in_force.entries;
            entries.end(session) || entries.outdate(subject, version) || entries.refuse(kid)
        })
    }

    /// The epoch and number of the feed in force, after which a host asks for a delta.
    #[must_use]
    pub fn position(&self) -> Option<(u64, u64)> {
        let Position { epoch, seq } = self.in_force.as_ref()?.position;
        Some((epoch, seq))
    }
}

/// The feed in force, and all the deltas to it.
#[derive(Clone, Debug, Eq, PartialEq)]
struct InForce {
    position: Position,
    issued_at: UnixTime,
    expires_at: UnixTime,
    entries: Entries,
}

impl InForce {
    fn first(feed: Feed) -> Result<Self, FeedFault> {
        match feed.kind {
            Kind::Delta { .. } => Err(FeedFault::Gap),
            Kind::Snapshot => Ok(Self {
                position: feed.position,
                issued_at: feed.issued_at,
                expires_at: feed.expires_at,
                entries: feed.entries,
            }),
        }
    }

    fn take(&mut self, feed: Feed) -> Result<Applied, FeedFault> {
        let age = feed.position.cmp(&self.position);
        match age {
            Ordering::Less => return Err(FeedFault::Rollback),
            Ordering::Equal if feed.issued_at <= self.issued_at => {
                return Ok(Applied::AlreadyKnown);
            }
            Ordering::Equal | Ordering::Greater => {}
        }
        let entries = match (feed.kind, age) {
            (Kind::Snapshot, Ordering::Greater) => feed.entries,
            // One number, so nothing but its age should differ: what does may only add.
            (Kind::Snapshot, _) => self.entries.changed(&[], feed.entries)?,
            (Kind::Delta { since, left }, _) if since == self.position => {
                self.entries.changed(&left, feed.entries)?
            }
            (Kind::Delta { .. }, _) => return Err(FeedFault::Gap),
        };
        let applied = match entries == self.entries {
            true => Applied::Extended,
            false => Applied::Changed,
        };
        *self = Self {
            position: feed.position,
            issued_at: feed.issued_at,
            expires_at: match age {
                Ordering::Equal => feed.expires_at.max(self.expires_at),
                Ordering::Less | Ordering::Greater => feed.expires_at,
            },
            entries,
        };
        Ok(applied)
    }
}
