//! The tree of a text, for those who want everything in it.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::checked::integer;
use super::{Checked, JsonError, Limits};

/// A JSON value that borrows from its text where it can.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as it is written.
    Number(&'a str),
    /// A string, escapes resolved.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Value<'a>>),
    /// An object; names are distinct.
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
}

impl<'a> Value<'a> {
    /// Reads a text that holds one value and nothing else.
    ///
    /// # Errors
    /// See [`JsonError`].
    pub fn parse(text: &'a [u8], limits: &Limits) -> Result<Self, JsonError> {
        Checked::parse(text, limits).map(Self::from)
    }

    /// The value of an object's member.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members
                .iter()
                .find(|(member, _)| member == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The values of an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(values) => Some(values),
            _ => None,
        }
    }

    /// A number that is written as an integer without sign, if it fits.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Number(text) => integer(text),
            _ => None,
        }
    }
}

impl<'a> From<Checked<'a>> for Value<'a> {
    fn from(value: Checked<'a>) -> Self {
        if let Some(members) = value.members() {
            return Self::Object(members.map(|(name, value)| (name, value.into())).collect());
        }
        if let Some(elements) = value.elements() {
            return Self::Array(elements.map(Self::from).collect());
        }
        match value.text() {
            "null" => Self::Null,
            "true" => Self::Bool(true),
            "false" => Self::Bool(false),
            number => value.as_str().map_or(Self::Number(number), Self::String),
        }
    }
}
