//! The cases of `signet policy test`: requests as TOML, each with a token that says what the case
//! needs, and the decision that is wanted. docs/POLICY.md describes the format.

use std::fmt;
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::json;
use signet_verifier::name::is_name;
use signet_verifier::policy::document::{Policy, duration_in_seconds};
use signet_verifier::time::UnixTime;
use toml::Spanned;

/// A file of cases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    case: Vec<Spanned<Case>>,
}

/// One case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    /// What it shows.
    pub(super) name: Option<String>,
    /// The method and the target.
    pub(super) request: RequestLine,
    /// More headers.
    #[serde(default)]
    pub(super) headers: Vec<(String, String)>,
    /// The token, by what it says. Without one there is none.
    pub(super) token: Option<Token>,
    /// What the host has of the revocation feed.
    #[serde(default)]
    pub(super) feed: Feed,
    /// The decision.
    pub(super) expect: Expected,
    /// The rule that has to make it.
    pub(super) rule: Option<String>,
}

/// A method and a target.
#[derive(Debug)]
pub(super) struct RequestLine {
    pub(super) method: String,
    pub(super) target: String,
}

/// What a token says, as far as a case cares.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Token {
    #[serde(default = "someone")]
    sub: String,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    permissions: Vec<String>,
    /// How long ago the password was given; not long where nothing is said.
    #[serde(default)]
    login_age: Age,
    /// The audience; the policy's first where nothing is said.
    aud: Option<String>,
    /// The issuer; the policy's where nothing is said.
    iss: Option<String>,
    /// Whether its time is over.
    #[serde(default)]
    expired: bool,
    /// Whether the feed says that its session has ended.
    #[serde(default)]
    pub(super) revoked: bool,
}

/// Seconds, written as in policies.
#[derive(Clone, Copy, Debug, Default)]
struct Age(u64);

/// What the host has of the revocation feed.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Feed {
    /// A fresh one.
    #[default]
    Fresh,
    /// One whose time is over.
    Stale,
    /// None.
    Missing,
}

/// The decisions there are on a stage that has keys.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Expected {
    Allow,
    InvalidRequest,
    MissingToken,
    InvalidToken,
    ReauthenticationRequired,
    InsufficientScope,
    NoRule,
    RevocationUnavailable,
}

/// The session of every token.
pub(super) const SESSION: &str = "session";

/// Reads a file of cases for a policy. They come with the line each begins on.
pub(super) fn read(path: &Path, policy: &Policy) -> Result<Vec<(usize, Case)>, String> {
    let shown = path.display();
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("can't read {shown}: {error}"))?;
    let line = |offset: usize| {
        let before = text.get(..offset).unwrap_or_default();
        before.matches('\n').count().saturating_add(1)
    };
    let document: Document = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| line(span.start));
        format!("{shown}:{line}: {}", error.message())
    })?;
    if document.case.is_empty() {
        return Err(format!("{shown} has no cases"));
    }
    let cases = document.case.into_iter();
    let cases = cases.map(|case| (line(case.span().start), case.into_inner()));
    let checked = cases.map(|(line, case)| match case.fault(policy) {
        Some(fault) => Err(format!("{shown}:{line}: {fault}")),
        None => Ok((line, case)),
    });
    checked.collect()
}

impl Case {
    /// Why no request can ever do what it says.
    fn fault(&self, policy: &Policy) -> Option<String> {
        let names = self.token.iter().flat_map(Token::names);
        let bad_name = names.into_iter().find(|(_, name)| !is_name(name));
        if let Some((what, name)) = bad_name {
            return Some(format!("no token has the {what} {name:?}"));
        }
        let is_known = |id: &&String| policy.rules().iter().any(|rule| *rule.id == ***id);
        let unknown = self.rule.as_ref().filter(|id| !is_known(id));
        unknown.map(|id| format!("the policy has no rule {id:?}"))
    }
}

impl Token {
    /// The roles and permissions, each with what it is.
    fn names(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let roles = self.roles.iter().map(|name| ("role", name.as_str()));
        let permissions = self.permissions.iter();
        roles.chain(permissions.map(|name| ("permission", name.as_str())))
    }

    /// The claims at a time, as the issuer would sign them.
    pub(super) fn claims(&self, policy: &Policy, now: UnixTime) -> String {
        let audience = policy.audiences().first().map(String::as_str);
        let issued = if self.expired {
            now.saturating_sub(3_600)
        } else {
            now
        };
        json!({
            "iss": self.iss.as_deref().unwrap_or(policy.issuer()),
            "sub": self.sub,
            "aud": self.aud.as_deref().or(audience),
            "client_id": "policy-test",
            "iat": issued.as_secs(),
            "exp": issued.saturating_add(300).as_secs(),
            "jti": "token",
            "sid": SESSION,
            "auth_time": now.saturating_sub(self.login_age.0).as_secs(),
            "ver": 0,
            "roles": self.roles,
            "permissions": self.permissions,
        })
        .to_string()
    }
}

impl Expected {
    /// The code of the decision; `None` for an allow.
    pub(super) fn code(self) -> Option<&'static str> {
        Some(match self {
            Self::Allow => return None,
            Self::InvalidRequest => "invalid_request",
            Self::MissingToken => "missing_token",
            Self::InvalidToken => "invalid_token",
            Self::ReauthenticationRequired => "reauthentication_required",
            Self::InsufficientScope => "insufficient_scope",
            Self::NoRule => "no_rule",
            Self::RevocationUnavailable => "revocation_unavailable",
        })
    }
}

impl fmt::Display for RequestLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.target)
    }
}

impl<'de> Deserialize<'de> for RequestLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (method, target) = text
            .split_once(' ')
            .ok_or_else(|| D::Error::custom("must be a method and a path: \"GET /v1/agents\""))?;
        Ok(Self {
            method: method.to_owned(),
            target: target.to_owned(),
        })
    }
}

impl<'de> Deserialize<'de> for Age {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let seconds = duration_in_seconds(&text);
        seconds.map(Self).ok_or_else(|| {
            D::Error::custom("must be a whole number and s, m, h or d, as in \"5m\"")
        })
    }
}

fn someone() -> String {
    "someone".to_owned()
}
