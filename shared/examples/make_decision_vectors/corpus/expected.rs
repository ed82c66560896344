//! The decision that a case wants, all members of it.

use serde_json::{Value, json};

use super::token::Token;

/// A decision.
#[derive(Clone)]
pub(crate) struct Expected {
    refusal: Option<Refusal>,
    rule: Option<String>,
    set: Vec<(&'static str, String)>,
    remove: Vec<String>,
}

/// Why a request is refused.
#[derive(Clone, Copy)]
pub(crate) enum Refusal {
    /// The head can be read in two ways, or in none.
    InvalidRequest,
    /// A token is needed, and there is none.
    MissingToken,
    /// The token is bad, for this reason.
    InvalidToken(&'static str),
    /// A login at most that many seconds old is needed.
    Reauthentication(u64),
    /// The condition of the rule doesn't hold.
    InsufficientScope,
    /// No rule is about this.
    NoRule,
    /// There is no key to check the token with.
    KeysUnavailable,
    /// The rule wants a fresh feed, and there is none.
    RevocationUnavailable,
}

impl Expected {
    /// The rule lets the request through without an identity.
    pub(crate) fn allow(rule: &str) -> Self {
        Self {
            refusal: None,
            rule: Some(rule.into()),
            set: Vec::new(),
            remove: Vec::new(),
        }
    }

    /// The rule lets the request through as the one whom the token says.
    pub(crate) fn allow_as(rule: &str, token: &Token) -> Self {
        Self {
            set: token.identity(rule),
            ..Self::allow(rule)
        }
    }

    /// A preflight passes without a rule.
    pub(crate) fn pass() -> Self {
        Self {
            rule: None,
            ..Self::allow("")
        }
    }

    /// The rule refuses the request.
    pub(crate) fn deny(rule: &str, refusal: Refusal) -> Self {
        Self {
            refusal: Some(refusal),
            ..Self::allow(rule)
        }
    }

    /// The request is refused before there is a rule, or for want of one.
    pub(crate) fn deny_without_rule(refusal: Refusal) -> Self {
        Self {
            rule: None,
            ..Self::deny("", refusal)
        }
    }

    /// The head is refused.
    pub(crate) fn invalid_request() -> Self {
        Self::deny_without_rule(Refusal::InvalidRequest)
    }

    /// With headers that go.
    pub(crate) fn removing(mut self, names: &[&str]) -> Self {
        self.remove = names.iter().map(|name| (*name).into()).collect();
        self
    }

    /// The decision as the file has it, and as `signet decide` writes it.
    pub(crate) fn to_json(&self) -> Value {
        let refusal = self.refusal.as_ref();
        json!({
            "outcome": if refusal.is_some() { "deny" } else { "allow" },
            "status": refusal.map_or(200, Refusal::status),
            "code": refusal.map(Refusal::code),
            "reason": refusal.and_then(Refusal::reason),
            "rule": self.rule,
            "challenge": refusal.and_then(Refusal::challenge),
            "set": self.set,
            "remove": self.remove,
        })
    }
}

impl Refusal {
    fn status(&self) -> u16 {
        match self {
            Self::InvalidRequest => 400,
            Self::MissingToken | Self::InvalidToken(_) | Self::Reauthentication(_) => 401,
            Self::InsufficientScope | Self::NoRule => 403,
            Self::KeysUnavailable | Self::RevocationUnavailable => 503,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::MissingToken => "missing_token",
            Self::InvalidToken(_) => "invalid_token",
            Self::Reauthentication(_) => "reauthentication_required",
            Self::InsufficientScope => "insufficient_scope",
            Self::NoRule => "no_rule",
            Self::KeysUnavailable => "keys_unavailable",
            Self::RevocationUnavailable => "revocation_unavailable",
        }
    }

    fn reason(&self) -> Option<&'static str> {
        match self {
            Self::InvalidToken(reason) => Some(reason),
            Self::InvalidRequest
            | Self::MissingToken
            | Self::Reauthentication(_)
            | Self::InsufficientScope
            | Self::NoRule
            | Self::KeysUnavailable
            | Self::RevocationUnavailable => None,
        }
    }

    fn challenge(&self) -> Option<String> {
        let with = |error: &str| Some(format!(r#"Bearer realm="signet", error="{error}""#));
        match self {
            Self::MissingToken => Some(r#"Bearer realm="signet""#.into()),
            Self::InvalidRequest => with("invalid_request"),
            Self::InvalidToken(_) => with("invalid_token"),
            Self::InsufficientScope => with("insufficient_scope"),
            Self::Reauthentication(max_age) => with("insufficient_user_authentication")
                .map(|challenge| format!("{challenge}, max_age={max_age}")),
            Self::NoRule | Self::KeysUnavailable | Self::RevocationUnavailable => None,
        }
    }
}
