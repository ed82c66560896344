//! The id of a request: random, made here whatever the client sends, in the header `x-request-id`
//! of the answer, in problem documents, in the log and in the audit trail.

use std::fmt;

use http::HeaderValue;
use signet_core::secret::Randomness;
use uuid::fmt::Hyphenated;

/// The id of a request: a UUIDv4 as text.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) struct RequestId([u8; Hyphenated::LENGTH]);

impl RequestId {
    /// A new id.
    pub(super) fn generate(randomness: &dyn Randomness) -> Self {
        let mut text = [0; Hyphenated::LENGTH];
        randomness.uuid().hyphenated().encode_lower(&mut text);
        Self(text)
    }

    /// What stands for the id of a request that came in by another way than [`super::frame`].
    pub(super) fn unknown() -> Self {
        let mut text = [0; Hyphenated::LENGTH];
        uuid::Uuid::nil().hyphenated().encode_lower(&mut text);
        Self(text)
    }

    /// The id.
    #[must_use]
    pub(crate) fn text(&self) -> &str {
        // The encoder writes ASCII only.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The id as the value of a header.
    pub(super) fn header(&self) -> HeaderValue {
        HeaderValue::from_bytes(&self.0).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
