//! One request, what it is held against, and the decision.

use serde_json::{Map, Value, json};

use super::expected::Expected;
use super::request::Request;

/// One case.
#[derive(Clone)]
pub(crate) struct Case {
    note: String,
    proves: &'static str,
    settings: Map<String, Value>,
    request: Request,
    expected: Expected,
}

impl Case {
    /// A case with the defaults of its file. `proves` is a row of the strictness table or a
    /// sentence of the contract.
    pub(crate) fn new(
        proves: &'static str,
        note: impl Into<String>,
        request: Request,
        expected: Expected,
    ) -> Self {
        Self {
            note: note.into(),
            proves,
            settings: Map::new(),
            request,
            expected,
        }
    }

    /// Decides by another policy of the file.
    pub(crate) fn policy(self, name: &str) -> Self {
        self.with("policy", name)
    }

    /// Decides with another key set.
    pub(crate) fn keys(self, name: &str) -> Self {
        self.with("keys", name)
    }

    /// Decides before a key set has been fetched.
    pub(crate) fn no_keys_yet(self) -> Self {
        self.with("keys", Value::Null)
    }

    /// Decides after these feeds came in, in this order.
    pub(crate) fn feeds<T: AsRef<str>>(self, feeds: impl IntoIterator<Item = T>) -> Self {
        let feeds: Vec<Value> = feeds.into_iter().map(|feed| json!(feed.as_ref())).collect();
        self.with("feeds", feeds)
    }

    /// Decides at another time. One that JavaScript's numbers don't hold is given as digits.
    pub(crate) fn now(self, now: impl Into<Value>) -> Self {
        self.with("now", now)
    }

    /// Decides with another leeway.
    pub(crate) fn leeway(self, seconds: u64) -> Self {
        self.with("leeway", seconds)
    }

    /// Whether it is decided with that key set.
    pub(crate) fn names_keys(&self, name: &str) -> bool {
        self.settings.get("keys").is_some_and(|keys| keys == name)
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.settings.insert(name.into(), value.into());
        self
    }

    /// The case as the file has it.
    pub(crate) fn to_json(&self, id: &str) -> Value {
        let mut members = Map::new();
        members.insert("id".into(), id.into());
        members.insert("note".into(), self.note.as_str().into());
        members.insert("proves".into(), self.proves.into());
        members.extend(self.settings.clone());
        members.insert("request".into(), self.request.to_json());
        members.insert("expect".into(), self.expected.to_json());
        Value::Object(members)
    }
}
