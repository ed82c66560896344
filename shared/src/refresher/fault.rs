//! Why an answer is ignored: a closed list, for logs and metrics.

use core::fmt;

use crate::keyset::KeySetError;
use crate::revocation::FeedFault;

/// Why an answer is ignored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RefreshFault {
    /// The host told nothing of a fetch until its timeout: the request it belonged to may have ended.
    Lost,
    /// It answers a fetch that was handed out again since, or has been answered.
    Late,
    /// There was no whole response.
    NoResponse,
    /// The body is larger than any of the kind.
    TooLarge,
    /// The server sends us elsewhere, and we don't go.
    Redirect,
    /// Nothing has changed, says the server, but it wasn't asked that, or we have nothing fresh.
    NotModified,
    /// The status is none that brings a document.
    Status(u16),
    /// No key set that can be used.
    KeySet(KeySetError),
    /// A key set in which no key can be used.
    NoUsableKey,
    /// No feed that can be used.
    Feed(FeedFault),
}

impl RefreshFault {
    /// The code in logs and metrics. That of a key set or a feed is its own.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Late => "late",
            Self::NoResponse => "no_response",
            Self::TooLarge => "too_large",
            Self::Redirect => "redirect",
            Self::NotModified => "not_modified",
            Self::Status(_) => "status",
            Self::KeySet(error) => error.code(),
            Self::NoUsableKey => "no_usable_key",
            Self::Feed(fault) => fault.code(),
        }
    }

    /// Whether somebody must be called: the issuer, or whoever answers in its place, has published a
    /// private key. All else may pass by itself.
    #[must_use]
    pub const fn is_alarm(self) -> bool {
        matches!(self, Self::KeySet(KeySetError::PrivateKey))
    }
}

impl fmt::Display for RefreshFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost => f.write_str("no answer was told of"),
            Self::Late => f.write_str("the answer to an earlier fetch"),
            Self::NoResponse => f.write_str("no whole response"),
            Self::TooLarge => f.write_str("the body is too large"),
            Self::Redirect => f.write_str("a redirect"),
            Self::NotModified => f.write_str("304 without reason"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::KeySet(error) => error.fmt(f),
            Self::NoUsableKey => f.write_str("no key that can be used"),
            Self::Feed(fault) => fault.fmt(f),
        }
    }
}

impl core::error::Error for RefreshFault {}
