//! Why a feed is ignored: a closed list, for logs, metrics and the next fetch.

use core::fmt;

use crate::rejection::Rejection;

/// Why a feed is ignored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FeedFault {
    /// It isn't a feed that a key of the set signed. An unknown kid may be a new key's.
    Envelope(Rejection),
    /// It is signed by a key that the feed in force refuses.
    RefusedKey,
    /// Its payload isn't one JSON object.
    BadJson,
    /// An object in it names a member twice.
    DuplicateMember,
    /// This claim is missing, or isn't what it must be.
    BadClaim(&'static str),
    /// Another issuer made it.
    BadIssuer,
    /// It was signed in the future.
    IssuedInFuture,
    /// It would be good for longer than any feed, or ends before it begins.
    Lifetime,
    /// It is older than the one in force.
    Rollback,
    /// It is a delta to another feed than the one in force, or to what another key has signed: a
    /// snapshot is needed.
    Gap,
    /// With it there would be more entries than are ever held: a snapshot has to say what is left.
    TooManyEntries,
}

impl FeedFault {
    /// The code in logs and metrics. That of an envelope is the [`Rejection`]'s.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Envelope(rejection) => rejection.code(),
            Self::RefusedKey => "refused_key",
            Self::BadJson => "bad_json",
            Self::DuplicateMember => "dup_member",
            Self::BadClaim(_) => "bad_claim",
            Self::BadIssuer => "bad_issuer",
            Self::IssuedInFuture => "issued_in_future",
            Self::Lifetime => "lifetime",
            Self::Rollback => "rollback",
            Self::Gap => "gap",
            Self::TooManyEntries => "too_many_entries",
        }
    }
}

impl fmt::Display for FeedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())?;
        match self {
            Self::BadClaim(claim) => write!(f, ": {claim}"),
            _ => Ok(()),
        }
    }
}

impl core::error::Error for FeedFault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_shown_by_its_code_and_what_it_is_about() {
        let shown = |fault: FeedFault| alloc::format!("{fault}");
        assert_eq!(shown(FeedFault::Gap), "gap");
        assert_eq!(shown(FeedFault::BadClaim("e")), "bad_claim: e");
        assert_eq!(shown(FeedFault::Envelope(Rejection::BadType)), "bad_typ");
    }
}
