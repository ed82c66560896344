//! What the issuer has taken back: ended sessions, accounts whose older tokens are void, refused
//! keys.
//!
//! The issuer signs a feed of them every few seconds. A host fetches it, hands the text to
//! [`Revocations::apply`], and asks [`Revocations::revokes`] about every token, cached ones too. A
//! feed is a snapshot, which says everything, or a delta to one particular feed. Whatever is wrong
//! with it, it is ignored as a whole and what was in force stays; [`FeedFault`] tells why.
//!
//! A feed has two ages. `(epoch, seq)` numbers what it says, and doesn't go back. Its signed `exp`
//! says how long this is known to be all there is: a stale feed still revokes, but isn't
//! [fresh](Revocations::is_fresh), and a policy's rules say which of them need that.
//!
//! What is in force, one key has signed. Where that key leaves the set, a thief may have had it, and
//! have numbered a feed so that no other counts. Then the next whole and fresh feed takes its
//! place, whatever the numbers; until it comes, what was in force revokes, and
//! [nobody vouches for it](Revocations::is_disowned_by).
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
    /// It is the first one, or the first after a key has left, or revokes other tokens than before.
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
    /// A feed whose time is over is taken too, for what it revokes. What `keys` disown binds no fresh
    /// feed: neither its number counts, nor which keys it refuses.
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
        let (signer, payload) = signed_payload(feed, &FEED, keys).map_err(FeedFault::Envelope)?;
        let is_disowned = self.is_disowned_by(keys);
        let in_force = self.in_force.as_ref();
        if !is_disowned && in_force.is_some_and(|it| it.entries.refuse(&signer)) {
            return Err(FeedFault::RefusedKey);
        }
        let feed = Feed::read(&payload, issuer, now.saturating_add(leeway))?;
        // An old copy would be a way back in time: only what was signed just now begins anew.
        let begins_anew = is_disowned && now < feed.expires_at;
        match &mut self.in_force {
            Some(in_force) if !begins_anew => in_force.take(feed, signer),
            in_force => {
                *in_force = Some(InForce::first(feed, signer)?);
                Ok(Applied::Changed)
            }
        }
    }

    /// Whether there is a feed, and the key that signed it isn't one of these: it was withdrawn, and
    /// who has it may have signed anything. Then the feed still revokes, and vouches for nothing.
    ///
    /// An honest feed is signed anew every few seconds, and its key stays in the set for minutes
    /// after the last time. So hosts meet this only for a moment after a key was revoked, or when
    /// they were away for long.
    #[must_use]
    pub fn is_disowned_by(&self, keys: &KeySet) -> bool {
        let in_force = self.in_force.as_ref();
        in_force.is_some_and(|in_force| keys.get(&in_force.signer).is_none())
    }

    /// Whether there is a feed whose signed `exp` is still to come. Whether its key is still one of
    /// the set, [`Revocations::is_disowned_by`] says.
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
    /// The key that signed all of it.
    signer: KeyId,
    position: Position,
    issued_at: UnixTime,
    expires_at: UnixTime,
    entries: Entries,
}

impl InForce {
    fn first(feed: Feed, signer: KeyId) -> Result<Self, FeedFault> {
        match feed.kind {
            Kind::Delta { .. } => Err(FeedFault::Gap),
            Kind::Snapshot => Ok(Self {
                signer,
                position: feed.position,
                issued_at: feed.issued_at,
                expires_at: feed.expires_at,
                entries: feed.entries,
            }),
        }
    }

    fn take(&mut self, feed: Feed, signer: KeyId) -> Result<Applied, FeedFault> {
        let age = feed.position.cmp(&self.position);
        match age {
            Ordering::Less => return Err(FeedFault::Rollback),
            Ordering::Equal if feed.issued_at <= self.issued_at => {
                return Ok(Applied::AlreadyKnown);
            }
            Ordering::Equal | Ordering::Greater => {}
        }
        let is_of_one_key = signer == self.signer;
        // One number of one key, so nothing but its age should differ: what does may only add.
        let is_renewal = is_of_one_key && age == Ordering::Equal;
        let entries = match feed.kind {
            Kind::Snapshot if is_renewal => self.entries.changed(&[], feed.entries)?,
            Kind::Snapshot => feed.entries,
            Kind::Delta { since, left } if is_of_one_key && since == self.position => {
                self.entries.changed(&left, feed.entries)?
            }
            Kind::Delta { .. } => return Err(FeedFault::Gap),
        };
        let applied = match entries == self.entries {
            true => Applied::Extended,
            false => Applied::Changed,
        };
        *self = Self {
            signer,
            position: feed.position,
            issued_at: feed.issued_at,
            expires_at: match is_renewal {
                true => feed.expires_at.max(self.expires_at),
                false => feed.expires_at,
            },
            entries,
        };
        Ok(applied)
    }
}
