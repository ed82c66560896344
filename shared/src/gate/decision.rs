//! What a host is to do with a request.

use alloc::boxed::Box;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Outcome;
use super::answer::Answer;
use super::identity::Identity;
use super::refusal::{Code, Refusal};
use crate::json::quoted;
use crate::policy::document::{Revocation, Rule};
use crate::refresher::Document;
use crate::rejection::Rejection;
use crate::verify::VerifiedToken;

/// What a host is to do with a request: hand it on without the headers of [`Decision::removed`] and
/// with those of [`Decision::set`], or send the [`Decision::answer`].
#[derive(Clone, Debug)]
#[must_use = "a decision that nobody looks at lets everything through"]
pub struct Decision {
    outcome: Outcome,
    rule: Option<Arc<str>>,
    /// Whether the rule holds tokens against the feed.
    heeds_feed: bool,
    removed: Vec<Box<[u8]>>,
}

impl Decision {
    /// The rule is that of the decision. A request that can't be read has none.
    pub(super) fn new(rule: Option<&Rule>, outcome: Outcome, removed: Vec<Box<[u8]>>) -> Self {
        let rule = rule.filter(|_| !matches!(outcome, Err(Refusal::InvalidRequest)));
        Self {
            rule: rule.map(|rule| Arc::clone(&rule.id)),
            heeds_feed: rule.is_some_and(|rule| rule.revocation != Revocation::Off),
            outcome,
            removed,
        }
    }

    /// Whether the request may go on.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.outcome.is_ok()
    }

    /// Why it may not.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        self.outcome.as_ref().err().copied()
    }

    /// What the client is told, if it may not.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        self.refusal().map(Refusal::code)
    }

    /// The status of the answer; 200 where the request may go on.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.code().map_or(200, Code::status)
    }

    /// Why its token is bad, for logs and metrics only.
    #[must_use]
    pub fn reason(&self) -> Option<Rejection> {
        self.refusal().and_then(Refusal::reason)
    }

    /// The id of the rule that decided, if one did.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        self.rule.as_deref()
    }

    /// The good token that the request goes on with.
    #[must_use]
    pub fn token(&self) -> Option<&VerifiedToken> {
        self.identity().map(|identity| identity.token())
    }

    /// Whoever has that token.
    #[must_use]
    pub fn identity(&self) -> Option<&Arc<Identity>> {
        self.outcome.as_ref().ok()?.as_ref()
    }

    /// The headers to set: names in lower case, and values of visible ASCII. None without an
    /// identity.
    pub fn set(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let identity = self.identity();
        let rule = identity.and(self.rule());
        let headers = identity
            .map(|identity| identity.headers())
            .into_iter()
            .flatten();
        headers.chain(rule.map(|rule| ("x-signet-rule", rule)))
    }

    /// The headers to take away before, in lower case, each once: those of the request that clients
    /// may not send. A header that is to be set is never here unless it was sent.
    pub fn removed(&self) -> impl Iterator<Item = &[u8]> {
        self.removed.iter().map(|name| &**name)
    }

    /// What to answer, if the request may not go on.
    #[must_use]
    pub fn answer(&self) -> Option<Answer> {
        self.refusal().map(Refusal::answer)
    }

    /// What would have to be fetched for another decision, to be told to
    /// [`Refresher::want`](crate::refresher::Refresher::want). A request with a token of a well-formed
    /// but unknown kid isn't worth waiting for; one whose rule requires a fresh feed is.
    #[must_use]
    pub fn lacks(&self) -> Option<Document> {
        match self.refusal()? {
            Refusal::KeysUnavailable | Refusal::InvalidToken(Rejection::UnknownKid) => {
                Some(Document::Keys)
            }
            Refusal::RevocationUnavailable => Some(Document::Feed),
            Refusal::InvalidToken(_)
            | Refusal::InvalidRequest
            | Refusal::MissingToken
            | Refusal::ReauthenticationRequired { .. }
            | Refusal::InsufficientScope
            | Refusal::NoRule => None,
        }
    }

    /// Whether it lets somebody through by what is known of a document: by keys always, by a feed
    /// unless the rule wants nothing of one. What is old may be worth waiting for, where
    /// [`Refresher::is_overdue`](crate::refresher::Refresher::is_overdue) says so.
    #[must_use]
    pub fn rests_on(&self, document: Document) -> bool {
        let lets_somebody_through = self.identity().is_some();
        match document {
            Document::Keys => lets_somebody_through,
            Document::Feed => lets_somebody_through && self.heeds_feed,
        }
    }

    /// The decision as `signet decide` writes it: all members, always in this order. Bytes that
    /// aren't ASCII are written as Latin-1.
    #[must_use]
    pub fn to_json(&self) -> String {
        let refusal = self.refusal();
        let text = |text: Option<&str>| text.map_or_else(|| "null".into(), quoted);
        let pairs = self.set();
        let pairs = pairs.map(|(name, value)| list([quoted(name), quoted(value)]));
        let removed = self.removed();
        let removed = removed.map(|name| quoted(&latin_1(name)));
        let members = [
            (
                "outcome",
                quoted(if self.is_allowed() { "allow" } else { "deny" }),
            ),
            ("status", self.status().to_string()),
            ("code", text(self.code().map(Code::as_str))),
            ("reason", text(self.reason().map(Rejection::code))),
            ("rule", text(self.rule())),
            (
                "challenge",
                text(refusal.and_then(Refusal::challenge).as_deref()),
            ),
            ("set", list(pairs)),
            ("remove", list(removed)),
        ];
        let members: Vec<String> = members
            .into_iter()
            .map(|(name, value)| [&quoted(name), ":", &value].concat())
            .collect();
        ["{", &members.join(","), "}"].concat()
    }
}

fn list(values: impl IntoIterator<Item = String>) -> String {
    let values: Vec<String> = values.into_iter().collect();
    ["[", &values.join(","), "]"].concat()
}

fn latin_1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}
