//! What the revocation feed says, as the store keeps it.
//!
//! Nothing here writes a revocation: the database does, by triggers, in the transaction that ends a
//! session, raises an account's version, or deletes an account (docs/adr/0029). So an operation of
//! another port that does one of these needs no call, and can't forget one.

use async_trait::async_trait;

use super::StoreResult;
use crate::account::AccountId;
use crate::session::SessionId;
use crate::time::UnixTime;

/// The number of what a feed says. It rises with every change; whoever sees a number sees every
/// change up to it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FeedPosition {
    /// Rises where the store went back in time.
    pub epoch: u64,
    /// Rises with each transaction that changes what the feed says.
    pub seq: u64,
}

/// A session that ended while tokens of it may be good.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct EndedSession {
    /// The session.
    pub session: SessionId,
    /// The number since which it is listed.
    pub seq: u64,
}

/// An account whose older tokens are void.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RaisedVersion {
    /// The account, which may be gone.
    pub account: AccountId,
    /// The lowest version that a token may have.
    pub version: u64,
    /// The number since which it is listed.
    pub seq: u64,
}

/// A signing key whose signatures count for nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RefusedKey {
    /// Its kid.
    pub kid: String,
    /// The number since which it is listed.
    pub seq: u64,
}

/// All that is revoked, at one moment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Revoked {
    /// The number of it.
    pub position: FeedPosition,
    /// Ended sessions, in no order.
    pub sessions: Vec<EndedSession>,
    /// Raised versions, in no order.
    pub accounts: Vec<RaisedVersion>,
    /// Refused keys, by their kids.
    pub kids: Vec<RefusedKey>,
    /// Whether some of it isn't dated yet, so that [`FeedStore::settle_feed`] has something to do.
    pub is_undated: bool,
    /// When the first of it leaves.
    pub leaves_at: Option<UnixTime>,
}

/// How long entries are kept, and how many.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FeedPolicy {
    /// How long an entry lives at least, in seconds, from when it was first seen. It lives longer where
    /// a key is there whose tokens do: see [`crate::feed::entry_life`].
    pub lifetime: u64,
    /// How many ended sessions, and as many raised versions, are listed before the store looks which
    /// can do without.
    pub most: u32,
    /// What becomes of those whose time is over.
    pub leaving: Leaving,
}

/// What becomes of entries whose time is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Leaving {
    /// They leave.
    Due,
    /// They stay: by a clock that was set nobody knows that it is over.
    Held,
}

/// What settling did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FeedSettled {
    /// How many entries left.
    pub left: u64,
    /// How many accounts' versions were raised in place of entries for their sessions.
    pub folded: u64,
}

/// The feed's content.
#[async_trait]
pub trait FeedStore: Send + Sync {
    /// The number of what the feed says: one small read, made for nearly every fetch of the feed.
    async fn feed_position(&self) -> StoreResult<FeedPosition>;

    /// What the feed says, at most `limit` ended sessions and as many raised versions: a list of
    /// that length may be cut off.
    async fn revoked(&self, limit: u32) -> StoreResult<Revoked>;

    /// Dates new entries: from now, or from the last token of the session or of the account's
    /// sessions where that is later, by a day at most, since it may be of a process whose clock is
    /// ahead. Removes those whose time is over, refused keys among them, unless they are
    /// [`Leaving::Held`]. Where there are more than [`FeedPolicy::most`] of a kind, also those of which
    /// no token is out: of sessions and accounts that were not refreshed for as long as an entry lives;
    /// and where there are still more ended sessions, raises the version of every account that has two
    /// or more of them, which lists the account instead. That ends no session: whoever has one gets a
    /// token of the new version with the next refresh. Records nothing.
    async fn settle_feed(&self, now: UnixTime, policy: &FeedPolicy) -> StoreResult<FeedSettled>;
}
