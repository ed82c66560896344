//! Why a request is refused: a closed list, each with what the client is told.

use alloc::format;
use alloc::string::String;
use core::fmt;

use crate::rejection::Rejection;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// Its head can be read in two ways, or in none.
    InvalidRequest,
    /// It has no token, and needs one.
    MissingToken,
    /// Its token is bad. Why is for logs; the client isn't told.
    InvalidToken(Rejection),
    /// The login behind its token is too old.
    ReauthenticationRequired {
        /// The oldest login that would do, in seconds.
        max_age: u64,
    },
    /// Its token is good, and doesn't allow this.
    InsufficientScope,
    /// Its token is good, and no rule is about this.
    NoRule,
    /// There are no keys to check its token with.
    KeysUnavailable,
    /// The rule wants to know what was revoked up to now, and nobody does.
    RevocationUnavailable,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $status:literal, $title:literal, $detail:literal;)*) => {
        /// What clients are told: the `code` of a problem document (RFC 9457).
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)*
                }
            }

            /// The HTTP status it always has.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self {
                    $(Self::$variant => $status,)*
                }
            }

            /// One short sentence for people, the same each time.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self {
                    $(Self::$variant => $title,)*
                }
            }

            /// What to do.
            #[must_use]
            pub const fn detail(self) -> &'static str {
                match self {
                    $(Self::$variant => $detail,)*
                }
            }
        }
    };
}

codes! {
    /// The head can't be read in one way.
    InvalidRequest = "invalid_request", 400, "The request can't be read",
        "The method, the path or a header is malformed.";
    /// A token is needed.
    MissingToken = "missing_token", 401, "A token is needed",
        "Send an access token: Authorization: Bearer TOKEN.";
    /// The token is bad, for whatever reason.
    InvalidToken = "invalid_token", 401, "The token is not valid",
        "Refresh the session, or log in again.";
    /// A new login would help.
    ReauthenticationRequired = "reauthentication_required", 401, "The login is too old for this",
        "Give the password again.";
    /// Nothing that the client does would help.
    InsufficientScope = "insufficient_scope", 403, "The account may not do this",
        "The account lacks a role or a permission for this.";
    /// No rule is about this method and path.
    NoRule = "no_rule", 403, "Nothing is allowed here",
        "No rule allows this method on this path.";
    /// There are no keys.
    KeysUnavailable = "keys_unavailable", 503, "Tokens can't be checked at the moment",
        "Try again after as many seconds as Retry-After says.";
    /// There is no fresh feed.
    RevocationUnavailable = "revocation_unavailable", 503, "Revocations can't be checked at the moment",
        "Try again after as many seconds as Retry-After says.";
}

impl Refusal {
    /// What the client is told.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::InvalidRequest => Code::InvalidRequest,
            Self::MissingToken => Code::MissingToken,
            Self::InvalidToken(_) => Code::InvalidToken,
            Self::ReauthenticationRequired { .. } => Code::ReauthenticationRequired,
            Self::InsufficientScope => Code::InsufficientScope,
            Self::NoRule => Code::NoRule,
            Self::KeysUnavailable => Code::KeysUnavailable,
            Self::RevocationUnavailable => Code::RevocationUnavailable,
        }
    }

    /// Why the token is bad, for logs and metrics only.
    #[must_use]
    pub const fn reason(self) -> Option<Rejection> {
        match self {
            Self::InvalidToken(rejection) => Some(rejection),
            Self::InvalidRequest
            | Self::MissingToken
            | Self::ReauthenticationRequired { .. }
            | Self::InsufficientScope
            | Self::NoRule
            | Self::KeysUnavailable
            | Self::RevocationUnavailable => None,
        }
    }

    /// The value of `WWW-Authenticate` (RFC 6750, section 3; RFC 9470, section 3).
    #[must_use]
    pub fn challenge(self) -> Option<String> {
        let error = match self {
            Self::MissingToken => return Some(r#"Bearer realm="signet""#.into()),
            Self::InvalidRequest => "invalid_request",
            Self::InvalidToken(_) => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::ReauthenticationRequired { max_age } => {
                return Some(format!(
                    r#"Bearer realm="signet", error="insufficient_user_authentication", max_age={max_age}"#
                ));
            }
            Self::NoRule | Self::KeysUnavailable | Self::RevocationUnavailable => return None,
        };
        Some(format!(r#"Bearer realm="signet", error="{error}""#))
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self::InvalidToken(rejection)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code().as_str())?;
        match self.reason() {
            Some(rejection) => write!(f, " ({rejection})"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for Refusal {}
