//! What a case says, and how a file says it.
//!
//! A file has `defaults`, which a case overrides by members of the same name; `key_sets`, whose
//! texts cases name in `jwks`; and `cases`. A text is a string (its UTF-8 is meant), `{"parts":
//! [text or {"repeat": [string, times]}, …]}`, or `{"base64": …}` for bytes that are no text.
//! `now` is a number, or a string of digits where JavaScript's numbers end.

use serde_json::{Map, Value, json};

use super::keys;

/// Who issues the tokens of the corpus.
pub(crate) const ISSUER: &str = "https://auth.example.com";
/// Whom they are for.
pub(crate) const AUDIENCE: &str = "agents-api";
/// The time at which they are checked.
pub(crate) const NOW: u64 = 1_800_000_000;
/// The leeway they are checked with, in seconds.
pub(crate) const LEEWAY: u64 = 30;

/// The outcome of a token that is good.
pub(crate) const ACCEPT: &str = "accept";

/// One token and what becomes of it.
pub(crate) struct Case(Map<String, Value>);

impl Case {
    /// A token that is text.
    pub(crate) fn new(id: &str, note: &str, token: impl Into<String>, expect: &str) -> Self {
        Self::of(id, note, Value::String(token.into()), expect)
    }

    /// A token in the file's own notation.
    pub(crate) fn of(id: &str, note: &str, token: Value, expect: &str) -> Self {
        let members = [
            ("id", json!(id)),
            ("note", json!(note)),
            ("token", token),
            ("expect", json!(expect)),
        ];
        Self(Map::from_iter(
            members.map(|(name, value)| (name.into(), value)),
        ))
    }

    /// Overrides one of the file's defaults.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }
}

/// A file of tokens.
pub(crate) struct TokenFile {
    pub(crate) about: &'static str,
    pub(crate) cases: Vec<Case>,
}

impl TokenFile {
    pub(crate) fn to_json(&self) -> Value {
        let cases: Vec<Value> = self.cases.iter().map(|case| json!(case.0)).collect();
        let used = |name: &str| {
            let is_named = |case: &Value| case.get("jwks").is_some_and(|jwks| jwks == name);
            name == keys::MAIN_SET || cases.iter().any(is_named)
        };
        let key_sets: Map<String, Value> = keys::named_sets()
            .into_iter()
            .filter(|(name, _)| used(name))
            .map(|(name, text)| (name.into(), text.into()))
            .collect();
        json!({
            "about": self.about,
            "defaults": {
                "jwks": keys::MAIN_SET,
                "issuer": ISSUER,
                "audiences": [AUDIENCE],
                "now": NOW,
                "leeway": LEEWAY,
                "max_lifetime": 3_600,
            },
            "key_sets": key_sets,
            "cases": cases,
        })
    }
}
