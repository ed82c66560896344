//! The head of a request. Its strings are Latin-1: each character stands for one byte.

use serde_json::{Value, json};

use super::token::Token;

/// A method, a target, and headers.
#[derive(Clone)]
pub(crate) struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
}

impl Request {
    /// A request without headers.
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.into(),
            path: path.into(),
            headers: Vec::new(),
        }
    }

    /// A GET without headers.
    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// With one header more.
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// With more headers.
    pub(crate) fn headers(mut self, headers: &[(&str, &str)]) -> Self {
        let headers = headers.iter().map(|(name, value)| (*name, *value));
        self.headers
            .extend(headers.map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// With a token.
    pub(crate) fn bearer(self, token: &Token) -> Self {
        self.header("Authorization", format!("Bearer {}", token.text()))
    }

    /// The head as the file has it.
    pub(crate) fn to_json(&self) -> Value {
        json!({ "method": self.method, "path": self.path, "headers": self.headers })
    }
}
