//! The claims of a feed whose signature is good.
//!
//! All of them are required and typed, lists sorted and without repetition, so that one state of
//! the issuer has one text and a producer's mistake shows here and not in a decision. Claims we
//! don't know may stand there. The order: JSON, members named twice, `iss`, `iat`, `exp`, `epoch`,
//! `seq`, `since`, `d`, `e`, `u`, `k`.

use alloc::vec::Vec;

use super::entries::{Entries, LeastVersion, MOST_KIDS};
use super::{FeedFault, Prefix};
use crate::base64url;
use crate::json::{Checked, JsonError, Limits, Object};
use crate::key_id::KeyId;
use crate::time::UnixTime;

/// The longest time for which a feed is good, from `iat` to `exp`, in seconds.
const LONGEST_LIFE: u64 = 30;

/// A feed that is good in itself.
#[derive(Debug)]
pub(super) struct Feed {
    pub(super) position: Position,
    pub(super) issued_at: UnixTime,
    pub(super) expires_at: UnixTime,
    pub(super) kind: Kind,
    pub(super) entries: Entries,
}

/// The number of what a feed says. It only rises; the epoch does where the issuer goes back in time.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Position {
    pub(super) epoch: u64,
    pub(super) seq: u64,
}

/// Whether a feed says everything.
#[derive(Debug)]
pub(super) enum Kind {
    /// What it doesn't say isn't revoked.
    Snapshot,
    /// What it says comes on top of the feed `since`, without what has left.
    Delta {
        since: Position,
        /// Sessions whose tokens are all over.
        left: Vec<Prefix>,
    },
}

impl Feed {
    /// Reads a payload. `latest` is the latest time at which it can have been signed.
    pub(super) fn read(payload: &[u8], issuer: &str, latest: UnixTime) -> Result<Self, FeedFault> {
        let claims = Object::parse(payload, &Limits::DOCUMENT).map_err(|error| match error {
            JsonError::Duplicate => FeedFault::DuplicateMember,
            JsonError::Syntax | JsonError::Limit => FeedFault::BadJson,
        })?;
        let claims = Claims(claims);
        if claims.required("iss", Checked::as_str)? != issuer {
            return Err(FeedFault::BadIssuer);
        }
        let time = |name| claims.required(name, Checked::as_u64);
        let [issued_at, expires_at] = [time("iat")?, time("exp")?].map(UnixTime::from_secs);
        if issued_at > latest {
            return Err(FeedFault::IssuedInFuture);
        }
        if !(issued_at..=issued_at.saturating_add(LONGEST_LIFE)).contains(&expires_at) {
            return Err(FeedFault::Lifetime);
        }
        let position = Position {
            epoch: claims.required("epoch", Checked::as_u64)?,
            seq: claims.required("seq", Checked::as_u64)?,
        };
        Ok(Self {
            position,
            issued_at,
            expires_at,
            // A struct is built in the order in which its fields stand here.
            kind: claims.kind(position)?,
            entries: Entries {
                sessions: claims.required("e", prefixes)?,
                subjects: claims.required("u", least_versions)?,
                kids: claims.kids()?,
            },
        })
    }
}

struct Claims<'a>(Object<'a>);

impl<'a> Claims<'a> {
    fn required<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(Checked<'a>) -> Option<T>,
    ) -> Result<T, FeedFault> {
        let claim = self.0.get(name).and_then(read);
        claim.ok_or(FeedFault::BadClaim(name))
    }

    fn kind(&self, position: Position) -> Result<Kind, FeedFault> {
        let has = |name| self.0.get(name).is_some();
        if !has("since") {
            // A delta that lost its `since` would take back what it doesn't mention.
            return match has("d") {
                true => Err(FeedFault::BadClaim("since")),
                false => Ok(Kind::Snapshot),
            };
        }
        let since = self.required("since", Checked::as_u64)?;
        if since > position.seq {
            return Err(FeedFault::BadClaim("since"));
        }
        let left = self.required("d", prefixes)?;
        let since = Position {
            seq: since,
            ..position
        };
        Ok(Kind::Delta { since, left })
    }

    /// In any order, since the protocol doesn't say one.
    fn kids(&self) -> Result<Vec<KeyId>, FeedFault> {
        let kids = self.required("k", Checked::elements)?;
        let kid = |value: Checked<'_>| KeyId::parse(&value.as_str()?);
        let most = kids.take(MOST_KIDS.saturating_add(1));
        let kids: Option<Vec<KeyId>> = most.map(kid).collect();
        let mut kids = kids.ok_or(FeedFault::BadClaim("k"))?;
        if kids.len() > MOST_KIDS {
            return Err(FeedFault::TooManyEntries);
        }
        kids.sort_unstable();
        match is_strictly_sorted(&kids) {
            true => Ok(kids),
            false => Err(FeedFault::BadClaim("k")),
        }
    }
}

/// Prefixes one after the other in one base64url text: a feed has thousands.
fn prefixes(value: Checked<'_>) -> Option<Vec<Prefix>> {
    let bytes = base64url::decode(value.as_str()?.as_bytes()).ok()?;
    let (prefixes, rest) = bytes.as_chunks::<8>();
    let prefixes: Vec<Prefix> = prefixes.iter().copied().map(Prefix::from_bytes).collect();
    (rest.is_empty() && is_strictly_sorted(&prefixes)).then_some(prefixes)
}

/// Pairs of a prefix and a version. No prefix comes twice, or there would be two least versions.
fn least_versions(value: Checked<'_>) -> Option<Vec<LeastVersion>> {
    let least: Option<Vec<LeastVersion>> = value.elements()?.map(least_version).collect();
    least.filter(|least| least.is_sorted_by(|one, next| one.subject < next.subject))
}

fn least_version(value: Checked<'_>) -> Option<LeastVersion> {
    let mut pair = value.elements()?;
    let (subject, version) = (pair.next()?.as_str()?, pair.next()?.as_u64()?);
    let subject = base64url::decode_exactly(subject.as_bytes()).ok()?;
    pair.next().is_none().then_some(LeastVersion {
        subject: Prefix::from_bytes(subject),
        version,
    })
}

fn is_strictly_sorted<T: Ord>(values: &[T]) -> bool {
    values.is_sorted_by(|one, next| one < next)
}
