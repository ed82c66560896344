//! A document as values with their places, whichever notation it came in.

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use super::fault::{Fault, FaultKind, Place};
use crate::json::{Limits, Value};

/// A value and the bytes of the text it came from, none where nobody will look for it.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) span: Option<Range<usize>>,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Text(String),
    Number(Option<u64>),
    Bool(bool),
    List(Vec<Tree>),
    Table(Vec<Member>),
    /// A value that no policy has.
    Other,
}

/// A member of a table.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) span: Option<Range<usize>>,
    pub(super) value: Tree,
}

/// Reads JSON.
pub(super) fn from_json(text: &[u8]) -> Result<Tree, Vec<Fault>> {
    match Value::parse(text, &Limits::DOCUMENT) {
        Ok(value) => Ok(Tree::from(value)),
        Err(_) => Err(Vec::from([Fault {
            place: Place::default(),
            kind: FaultKind::Syntax("not JSON, or a member twice".into()),
        }])),
    }
}

impl From<Value<'_>> for Tree {
    fn from(value: Value<'_>) -> Self {
        let kind = match value {
            Value::Null => Kind::Other,
            Value::Bool(value) => Kind::Bool(value),
            Value::Number(_) => Kind::Number(value.as_u64()),
            Value::String(text) => Kind::Text(text.into()),
            Value::Array(values) => Kind::List(values.into_iter().map(Self::from).collect()),
            Value::Object(members) => {
                let members = members.into_iter().map(|(name, value)| Member {
                    name: name.into(),
                    span: None,
                    value: value.into(),
                });
                Kind::Table(members.collect())
            }
        };
        Self { span: None, kind }
    }
}
