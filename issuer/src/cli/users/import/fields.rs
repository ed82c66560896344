//! What stands in a row: fields by their names, each a value that may be absent.

use std::collections::BTreeMap;

use signet_verifier::json::{Limits, check};

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Text, which is all that CSV and dumps know.
    Text(String),
    /// What JSON knows beside text.
    Json(serde_json::Value),
}

/// How the values of a row are written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Notation {
    /// As texts: CSV and dumps.
    #[default]
    Texts,
    /// As JSON, where a text is nothing but a text.
    Json,
}

/// The fields of a row. What is null or empty is named and isn't there.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    values: BTreeMap<String, Option<Value>>,
    notation: Notation,
}

impl Fields {
    pub(super) fn written_as(notation: Notation) -> Self {
        Self {
            values: BTreeMap::new(),
            notation,
        }
    }

    pub(super) fn insert(&mut self, name: impl Into<String>, value: Value) {
        let is_there = match &value {
            Value::Text(text) => !text.is_empty(),
            Value::Json(json) => !json.is_null(),
        };
        self.values.insert(name.into(), is_there.then_some(value));
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.values.remove(name).flatten()
    }

    /// The text of a field.
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<String>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Json(_)) => Err(format!("{name} is no text")),
        }
    }

    /// Yes or no, as JSON, CSV and PostgreSQL write it. JSON has words of its own for it: whoever
    /// wrote a text there may have meant anything.
    pub(super) fn truth(&mut self, name: &'static str) -> Result<Option<bool>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Json(serde_json::Value::Bool(truth))) => Ok(Some(truth)),
            Some(Value::Text(_)) if self.notation == Notation::Json => Err(format!(
                "{name} is a text; true and false have no quotes in JSON"
            )),
            Some(Value::Text(text)) if ["true", "t"].contains(&text.as_str()) => Ok(Some(true)),
            Some(Value::Text(text)) if ["false", "f"].contains(&text.as_str()) => Ok(Some(false)),
            Some(_) => Err(format!("{name} is neither true nor false")),
        }
    }

    /// JSON, which in CSV and dumps stands as text.
    pub(super) fn json(&mut self, name: &'static str) -> Result<Option<serde_json::Value>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Json(json)) => Ok(Some(json)),
            Some(Value::Text(text)) => match json(&text) {
                Some(json) => Ok(Some(json)),
                None => Err(format!("{name} is no JSON")),
            },
        }
    }

    /// Whether there is such a field, with or without a value.
    pub(super) fn names(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The name of a field whose value nobody has taken.
    pub(super) fn left(&self) -> Option<&str> {
        let mut left = self.values.iter().filter(|(_, value)| value.is_some());
        left.next().map(|(name, _)| name.as_str())
    }
}

/// JSON in which every name stands once.
pub(super) fn json(text: &str) -> Option<serde_json::Value> {
    check(text.as_bytes(), &Limits::DOCUMENT).ok()?;
    serde_json::from_str(text).ok()
}
