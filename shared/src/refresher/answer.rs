//! What a host tells of a fetch, and where there is a document in it.

use alloc::string::String;
use alloc::vec::Vec;

use super::RefreshFault;

/// What came of a fetch.
#[derive(Clone, Copy, Debug)]
pub enum Answer<'a> {
    /// No whole response: no connection, an error on the way, or the timeout.
    Failed,
    /// A response whose body is longer than [most_bytes](super::Fetch::most_bytes). The host stops
    /// reading there.
    TooLarge,
    /// A response as the server sent it. A host doesn't follow redirects.
    Response {
        /// The status code.
        status: u16,
        /// The `ETag` header, if there is one.
        etag: Option<&'a str>,
        /// The body, without its transfer and content codings.
        body: &'a [u8],
    },
}

/// An [`Answer`] with a body of its own, for hosts that keep it until they tell of it.
#[derive(Clone, Debug)]
pub enum Reply {
    /// See [`Answer::Failed`].
    Failed,
    /// See [`Answer::TooLarge`].
    TooLarge,
    /// See [`Answer::Response`].
    Response {
        /// The status code.
        status: u16,
        /// The `ETag` header, if there is one.
        etag: Option<String>,
        /// The body, without its transfer and content codings.
        body: Vec<u8>,
    },
}

impl Reply {
    /// What the refresher is told.
    #[must_use]
    pub fn answer(&self) -> Answer<'_> {
        match self {
            Self::Failed => Answer::Failed,
            Self::TooLarge => Answer::TooLarge,
            Self::Response { status, etag, body } => Answer::Response {
                status: *status,
                etag: etag.as_deref(),
                body,
            },
        }
    }
}

impl<'a> Answer<'a> {
    /// The document. Only a 200 has one: what a 203 or a 206 has may be something else. Whether it
    /// isn't too large after all, whoever reads it looks first.
    pub(super) fn body(self) -> Result<&'a [u8], RefreshFault> {
        match self {
            Self::Failed => Err(RefreshFault::NoResponse),
            Self::TooLarge => Err(RefreshFault::TooLarge),
            Self::Response { status, body, .. } => match status {
                200 => Ok(body),
                304 => Err(RefreshFault::NotModified),
                300..=399 => Err(RefreshFault::Redirect),
                _ => Err(RefreshFault::Status(status)),
            },
        }
    }

    /// What may be sent back to the server as `If-None-Match`: an entity tag (RFC 9110, section
    /// 8.8.3) of at most [`LONGEST_TAG`] bytes. Anything else, such as a line break, would be written
    /// into our next request.
    pub(super) fn entity_tag(self) -> Option<&'a str> {
        let Self::Response { etag, .. } = self else {
            return None;
        };
        let tag = etag?;
        let opaque = tag.strip_prefix("W/").unwrap_or(tag);
        let opaque = opaque.strip_prefix('"')?.strip_suffix('"')?;
        let is_good = |byte: u8| byte.is_ascii_graphic() && byte != b'"';
        (tag.len() <= LONGEST_TAG && opaque.bytes().all(is_good)).then_some(tag)
    }
}

/// The longest entity tag that is sent back, in bytes.
const LONGEST_TAG: usize = 128;
