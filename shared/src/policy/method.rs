//! Request methods (RFC 9110, section 9).

use alloc::string::String;
use core::fmt;

/// The methods that a rule covers which names none.
const USUAL: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// A method that a request may have. Case matters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Method<'a>(&'a str);

/// Why a rule can't have these methods.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum MethodFault {
    /// The list is empty, so that the rule would never decide.
    Empty,
    /// This is no token.
    NotAToken(String),
    /// TRACE or CONNECT, which nothing allows.
    Forbidden(String),
    /// This is named twice.
    Duplicate(String),
}

impl<'a> Method<'a> {
    /// `None` for what isn't a token (RFC 9110, section 5.6.2).
    #[must_use]
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        let is_token = !text.is_empty()
            && text
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte));
        let text = core::str::from_utf8(text).ok()?;
        is_token.then_some(Self(text))
    }

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether a rule without methods covers it.
    pub(super) fn is_usual(self) -> bool {
        USUAL.contains(&self.0)
    }

    /// Whether nothing allows it, whatever the rules say.
    pub(super) fn is_forbidden(self) -> bool {
        matches!(self.0, "TRACE" | "CONNECT")
    }
}

impl fmt::Display for MethodFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("methods is empty; leave it out to mean the usual ones"),
            Self::NotAToken(name) => write!(f, "{name:?} is no method"),
            Self::Forbidden(name) => write!(f, "{name} can't be allowed"),
            Self::Duplicate(name) => write!(f, "{name} is named twice"),
        }
    }
}

impl core::error::Error for MethodFault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_tokens_in_their_own_case() {
        for text in ["GET", "get", "M-SEARCH", "a!#$%&'*+-.^_`|~9"] {
            assert_eq!(
                Method::parse(text.as_bytes()).map(Method::as_str),
                Some(text)
            );
        }
        for text in [
            &b""[..],
            b"G T",
            b"GET ",
            b"G\0",
            b"G/T",
            b"G\xc3\xa9",
            b"G:",
            b"\"G\"",
        ] {
            assert_eq!(Method::parse(text), None);
        }
    }
}
