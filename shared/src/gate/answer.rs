//! What a client is answered whose request is refused: a problem document (RFC 9457).

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::refusal::Refusal;
use crate::json::quoted;

/// How long to wait where a 503 may be over soon, in seconds.
const RETRY_AFTER: &str = "1";

/// A whole answer, to be sent as it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names, in lower case, and values; all of them ASCII.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// JSON.
    pub body: String,
}

impl Refusal {
    /// The answer to the client.
    #[must_use]
    pub fn answer(self) -> Answer {
        let code = self.code();
        let mut headers = Vec::from([
            ("content-type", Cow::from("application/problem+json")),
            ("cache-control", Cow::from("no-store")),
        ]);
        if let Some(challenge) = self.challenge() {
            headers.push(("www-authenticate", challenge.into()));
        }
        if matches!(self, Self::KeysUnavailable | Self::RevocationUnavailable) {
            headers.push(("retry-after", RETRY_AFTER.into()));
        }
        Answer {
            status: code.status(),
            headers,
            body: format!(
                r#"{{"type":"urn:signet:problem:{name}","title":{},"status":{},"code":"{name}","detail":{}}}"#,
                quoted(code.title()),
                code.status(),
                quoted(code.detail()),
                name = code.as_str(),
            ),
        }
    }
}
