//! The closed set of problem codes. Each has a page in `docs/problems/`.
//!
//! To add one, add a line here and its page; a test compares the two.

use http::StatusCode;

macro_rules! codes {
    ($($variant:ident = $name:literal, $status:ident, $title:literal;)*) => {
        /// What went wrong, for programs.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[expect(missing_docs, reason = "the titles say it, and docs/problems at length")]
        pub enum Code {
            $($variant,)*
        }

        impl Code {
            /// Every code there is.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in problem documents and in `docs/problems/`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The URI in `type`.
            #[must_use]
            pub fn uri(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!("urn:signet:problem:", $name),)*
                }
            }

            /// The status it always has.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self {
                    $(Self::$variant => StatusCode::$status,)*
                }
            }

            /// One short sentence, the same for every occurrence.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self {
                    $(Self::$variant => $title,)*
                }
            }
        }
    };
}

codes! {
    InvalidRequest = "invalid_request", BAD_REQUEST, "The request can't be read";
    InvalidCredentials = "invalid_credentials", UNAUTHORIZED, "The address or the password is wrong";
    MissingToken = "missing_token", UNAUTHORIZED, "A token is needed";
    InvalidToken = "invalid_token", UNAUTHORIZED, "The token is not valid";
    ReauthenticationRequired = "reauthentication_required", UNAUTHORIZED, "The login is too old for this";
    InvalidRefreshToken = "invalid_refresh_token", UNAUTHORIZED, "The refresh token is not valid";
    EmailNotVerified = "email_not_verified", FORBIDDEN, "The address is not verified yet";
    AccountSuspended = "account_suspended", FORBIDDEN, "The account is suspended";
    InsufficientScope = "insufficient_scope", FORBIDDEN, "The account may not do this";
    NoRule = "no_rule", FORBIDDEN, "Nothing is allowed here";
    UnknownProxy = "unknown_proxy", FORBIDDEN, "The caller is no known proxy";
    CrossSiteRequest = "cross_site_request", FORBIDDEN, "The request comes from another site";
    NotFound = "not_found", NOT_FOUND, "There is nothing here";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "The method is not allowed here";
    Conflict = "conflict", CONFLICT, "Something stands in the way";
    PayloadTooLarge = "payload_too_large", PAYLOAD_TOO_LARGE, "The body is too large";
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "The body is not plain JSON";
    MisdirectedRequest = "misdirected_request", MISDIRECTED_REQUEST, "The host is not known here";
    ValidationFailed = "validation_failed", UNPROCESSABLE_ENTITY, "The request holds something invalid";
    WeakPassword = "weak_password", UNPROCESSABLE_ENTITY, "The password can't be taken";
    InvalidMailedToken = "invalid_mailed_token", UNPROCESSABLE_ENTITY, "The token from the mail is not valid";
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, "Too many requests";
    InternalError = "internal_error", INTERNAL_SERVER_ERROR, "Something went wrong";
    Overloaded = "overloaded", SERVICE_UNAVAILABLE, "There is too much to do";
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "The service is not available";
    KeysUnavailable = "keys_unavailable", SERVICE_UNAVAILABLE, "Tokens can't be checked at the moment";
    RevocationUnavailable = "revocation_unavailable", SERVICE_UNAVAILABLE, "Revocations can't be checked at the moment";
}

impl Code {
    /// What the answer says where nothing more particular is known.
    pub(in crate::http) fn detail(self) -> &'static str {
        match self {
            Self::InvalidRequest => "The request is malformed.",
            Self::InvalidCredentials => "No account has this address and password.",
            Self::MissingToken => "Send an access token: Authorization: Bearer TOKEN.",
            Self::InvalidToken => "Refresh the session, or log in again.",
            Self::ReauthenticationRequired => {
                "The password must have been given within the last 5 minutes: \
                 POST /v1/reauthenticate."
            }
            Self::InvalidRefreshToken => "The session is over. Log in again.",
            Self::EmailNotVerified => {
                "Use the link in the mail of the registration, or ask for another one."
            }
            Self::AccountSuspended => "An administrator suspended this account.",
            Self::InsufficientScope => "The account lacks a permission for this.",
            Self::NoRule => "No rule allows this method on this path.",
            Self::UnknownProxy => "Only the proxies of forward_auth.proxies may ask this.",
            Self::CrossSiteRequest => {
                "Other sites may send no form here, and no request that brings or asks for a \
                 cookie of this service."
            }
            Self::NotFound => "There is nothing at this address, or not for you.",
            Self::MethodNotAllowed => "The header Allow lists the methods for this address.",
            Self::Conflict => "The request contradicts what is there.",
            Self::PayloadTooLarge => "A body may have at most 16384 bytes.",
            Self::UnsupportedMediaType => {
                "Send Content-Type: application/json, without Content-Encoding."
            }
            Self::MisdirectedRequest => "This service answers under its public URL only.",
            Self::ValidationFailed => "The list of errors names each member and what is wrong.",
            Self::WeakPassword => "Choose another password.",
            Self::InvalidMailedToken => {
                "It is unknown, used, or too old, or something beside it is wrong. \
                 Ask for a new mail."
            }
            Self::RateLimited => "Wait as many seconds as Retry-After says.",
            Self::InternalError => "The request's id leads the operator to what happened.",
            Self::Overloaded
            | Self::Unavailable
            | Self::KeysUnavailable
            | Self::RevocationUnavailable => "Try again after as many seconds as Retry-After says.",
        }
    }

    /// The status for a proxy that asks about somebody's request. Proxies hand on 401 and 403; of
    /// any other refusal nginx makes a 500. That nothing is set up here stays 404.
    pub(in crate::http) fn status_for_proxies(self) -> StatusCode {
        match self.status() {
            status @ (StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND) => status,
            _ => StatusCode::FORBIDDEN,
        }
    }

    /// RFC 6750's challenge, which every 401 carries, and a 403 for want of a permission.
    pub(super) fn challenge(self) -> Option<&'static str> {
        match self {
            Self::MissingToken | Self::InvalidCredentials | Self::InvalidRefreshToken => {
                Some(r#"Bearer realm="signet""#)
            }
            Self::InvalidToken => Some(r#"Bearer realm="signet", error="invalid_token""#),
            Self::InsufficientScope => Some(r#"Bearer realm="signet", error="insufficient_scope""#),
            Self::ReauthenticationRequired => Some(
                r#"Bearer realm="signet", error="insufficient_user_authentication", max_age=300"#,
            ),
            Self::InvalidRequest
            | Self::EmailNotVerified
            | Self::AccountSuspended
            | Self::NoRule
            | Self::UnknownProxy
            | Self::CrossSiteRequest
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::Conflict
            | Self::PayloadTooLarge
            | Self::UnsupportedMediaType
            | Self::MisdirectedRequest
            | Self::ValidationFailed
            | Self::WeakPassword
            | Self::InvalidMailedToken
            | Self::RateLimited
            | Self::InternalError
            | Self::Overloaded
            | Self::Unavailable
            | Self::KeysUnavailable
            | Self::RevocationUnavailable => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use signet_verifier::gate;

    use super::*;

    #[test]
    fn every_code_has_its_page_and_every_page_its_code() {
        let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/problems");
        let documented: BTreeSet<String> = std::fs::read_dir(pages)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "README.md")
            .collect();
        let ours = Code::ALL.iter().map(|code| code.as_str());
        let of_gates = gate::Code::ALL.iter().map(|code| code.as_str());
        let codes = ours.chain(of_gates).map(|code| format!("{code}.md"));
        assert_eq!(documented, codes.collect());
    }

    #[test]
    fn a_code_that_gates_have_too_says_the_same() {
        for gates in gate::Code::ALL {
            let mut codes = Code::ALL.iter();
            if let Some(ours) = codes.find(|code| code.as_str() == gates.as_str()) {
                assert_eq!(ours.status().as_u16(), gates.status());
                assert_eq!(ours.title(), gates.title());
            }
        }
    }

    #[test]
    fn every_401_carries_a_challenge() {
        for code in Code::ALL {
            if code.status() == StatusCode::UNAUTHORIZED {
                assert!(code.challenge().is_some(), "{code:?}");
            }
        }
    }
}
