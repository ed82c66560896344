//! What a host is told to do.

use alloc::string::String;
use core::fmt;
use core::time::Duration;

use crate::time::UnixMillis;

/// What a host does next.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Next {
    /// It fetches this, and polls again meanwhile: there may be more to fetch.
    Fetch(Fetch),
    /// It polls again at this time, or earlier.
    Wait(UnixMillis),
}

/// A GET request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fetch {
    /// What comes of it is told with this.
    pub ticket: Ticket,
    /// From where. Redirects aren't followed.
    pub url: String,
    /// The `If-None-Match` header, if one is sent.
    pub if_none_match: Option<String>,
    /// The longest body, in bytes. Nothing beyond it is read.
    pub most_bytes: usize,
    /// When the host gives up and says so, from now on. If it says nothing until a second later, the
    /// document is fetched again.
    pub timeout: Duration,
}

/// Which fetch it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ticket {
    /// What is fetched.
    pub document: Document,
    /// Which fetch of it.
    pub number: u64,
}

/// What is fetched from the issuer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Document {
    /// The key set.
    Keys,
    /// The revocation feed.
    Feed,
}

impl Fetch {
    /// The request's headers. In a browser `cache: "no-cache"` does the same, and doesn't make a
    /// preflight of the request.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let if_none_match = self.if_none_match.as_deref();
        let if_none_match = if_none_match.map(|tag| ("if-none-match", tag));
        [("cache-control", "no-cache")]
            .into_iter()
            .chain(if_none_match)
    }
}

impl Document {
    /// Its name in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Feed => "feed",
        }
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
