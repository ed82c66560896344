//! Values of a text that has been checked, read where they are asked for.
//!
//! Walking trusts what checking has found: that brackets pair and strings end. Were it wrong,
//! walking would end early; it never panics and never fails.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::scanner::Scanner;
use super::{JsonError, Limits, check};

/// A value as it is written, in a text that has been checked.
#[derive(Clone, Copy, Debug)]
pub struct Checked<'a> {
    text: &'a str,
}

/// An object whose members can be looked up.
#[derive(Clone, Debug)]
pub struct Object<'a> {
    members: Vec<(Cow<'a, str>, Checked<'a>)>,
}

impl<'a> Checked<'a> {
    /// Checks a text that holds one value and nothing else.
    ///
    /// # Errors
    /// See [`JsonError`].
    pub fn parse(text: &'a [u8], limits: &Limits) -> Result<Self, JsonError> {
        let text = core::str::from_utf8(text).map_err(|_| JsonError::Syntax)?;
        check::check(text, limits)?;
        let text = text.trim_matches([' ', '\t', '\n', '\r']);
        Ok(Self { text })
    }

    /// The value as it is written.
    #[must_use]
    pub fn text(self) -> &'a str {
        self.text
    }

    /// The text of a string, its escapes resolved.
    #[must_use]
    pub fn as_str(self) -> Option<Cow<'a, str>> {
        let mut scanner = Scanner::new(self.text);
        scanner.string().ok().map(|string| string.resolve())
    }

    /// A number that is written as an integer without sign, if it fits.
    #[must_use]
    pub fn as_u64(self) -> Option<u64> {
        integer(self.text)
    }

    /// The values of an array.
    #[must_use]
    pub fn elements(self) -> Option<impl Iterator<Item = Self>> {
        let mut rest = Scanner::new(self.text.strip_prefix('[')?);
        Some(core::iter::from_fn(move || next_value(&mut rest)))
    }

    /// The members of an object.
    #[must_use]
    pub fn members(self) -> Option<impl Iterator<Item = (Cow<'a, str>, Self)>> {
        let mut rest = Scanner::new(self.text.strip_prefix('{')?);
        Some(core::iter::from_fn(move || {
            skip_separators(&mut rest);
            let name = rest.string().ok()?.resolve();
            let value = next_value(&mut rest)?;
            Some((name, value))
        }))
    }
}

impl<'a> Object<'a> {
    /// Checks a text that holds one object and nothing else.
    ///
    /// # Errors
    /// See [`JsonError`].
    pub fn parse(text: &'a [u8], limits: &Limits) -> Result<Self, JsonError> {
        if !text.trim_ascii_start().starts_with(b"{") {
            return Err(JsonError::Syntax);
        }
        let text = core::str::from_utf8(text).map_err(|_| JsonError::Syntax)?;
        let members = check::check(text, limits)?.into_iter();
        let members = members.map(|(name, text)| (name, Checked { text }));
        Ok(Self {
            members: members.collect(),
        })
    }

    /// `None` where the value isn't an object.
    #[must_use]
    pub fn new(value: Checked<'a>) -> Option<Self> {
        let members = value.members()?.collect();
        Some(Self { members })
    }

    /// The value of a member.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Checked<'a>> {
        self.members
            .iter()
            .find(|(member, _)| member == name)
            .map(|(_, value)| *value)
    }

    /// The names of all members, in the order of the text.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(name, _)| name.as_ref())
    }
}

/// Digits and nothing else, if they fit.
pub(super) fn integer(text: &str) -> Option<u64> {
    let are_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| are_digits)
}

fn skip_separators(rest: &mut Scanner<'_>) {
    rest.skip_blanks();
    while rest.takes(",") || rest.takes(":") {
        rest.skip_blanks();
    }
}

/// Takes the next value; `None` at the bracket that closes what it would be in.
fn next_value<'a>(rest: &mut Scanner<'a>) -> Option<Checked<'a>> {
    skip_separators(rest);
    let text = rest.take(value_length(rest.rest())).ok()?;
    (!text.is_empty()).then_some(Checked { text })
}

/// How many bytes belong to the value that `text` begins with.
fn value_length(text: &str) -> usize {
    let is_end = |byte: u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r');
    match text.as_bytes().first() {
        Some(b'"') => string_length(text),
        Some(b'[' | b'{') => bracketed_length(text),
        _ => text.bytes().position(is_end).unwrap_or(text.len()),
    }
}

/// From a quote through the one that ends its string.
fn string_length(text: &str) -> usize {
    let mut rest = Scanner::new(text);
    let end = rest.string().map_or("", |_| rest.rest());
    text.len().saturating_sub(end.len())
}

/// From a bracket through the one that pairs with it. Most bytes are between quotes, or neither.
fn bracketed_length(text: &str) -> usize {
    let is_mark = |byte: u8| matches!(byte, b'"' | b'[' | b']' | b'{' | b'}');
    let mut depth: usize = 0;
    let mut rest = text;
    while let Some(before) = rest.bytes().position(is_mark) {
        rest = rest.get(before..).unwrap_or_default();
        let mut length = 1;
        match rest.as_bytes().first() {
            Some(b'"') => length = string_length(rest),
            Some(b'[' | b'{') => depth = depth.saturating_add(1),
            _ => depth = depth.saturating_sub(1),
        }
        rest = rest.get(length..).unwrap_or_default();
        if depth == 0 {
            break;
        }
    }
    text.len().saturating_sub(rest.len())
}
