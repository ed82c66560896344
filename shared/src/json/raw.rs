//! JSON that is checked all through and read one level at a time.
//!
//! The scanner goes over a text once and allocates for what is open at a time: the names of the
//! objects around it, and strings with escapes. What it has passed can be read again without limits.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::{JsonError, Limits};

/// A JSON value whose arrays and objects are still text.
#[derive(Clone, Debug)]
pub(crate) enum Raw<'a> {
    Null,
    Bool(bool),
    /// As it is written.
    Number(&'a str),
    /// Escapes resolved.
    String(Cow<'a, str>),
    Array(Array<'a>),
    Object(Object<'a>),
}

/// An array's text, checked, without the bracket that opens it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Array<'a>(&'a str);

/// An object's text, checked, without the brace that opens it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Object<'a>(&'a str);

impl<'a> Raw<'a> {
    /// Checks a text that holds one value and nothing else.
    pub(crate) fn parse(text: &'a [u8], limits: &Limits) -> Result<Self, JsonError> {
        let text = core::str::from_utf8(text).map_err(|_| JsonError::Syntax)?;
        let mut scanner = Scanner::new(text, limits);
        scanner.skip_blanks();
        let value = scanner.value(0)?;
        scanner.skip_blanks();
        match (scanner.rest, scanner.duplicate) {
            ("", false) => Ok(value),
            ("", true) => Err(JsonError::Duplicate),
            _ => Err(JsonError::Syntax),
        }
    }

    /// The text of a string.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// A number that is written as an integer without sign, if it fits.
    pub(crate) fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Number(text) => super::integer(text),
            _ => None,
        }
    }
}

impl<'a> Array<'a> {
    /// The values, one by one.
    pub(crate) fn values(self) -> impl Iterator<Item = Raw<'a>> {
        let mut scanner = Scanner::new(self.0, &Limits::NONE);
        core::iter::from_fn(move || {
            scanner.skip_separators();
            // The closing bracket is no value, and the text behind it was cut off.
            scanner.value(0).ok()
        })
    }
}

impl<'a> Object<'a> {
    /// The members, one by one, in the order they are written in.
    pub(crate) fn members(self) -> impl Iterator<Item = (Cow<'a, str>, Raw<'a>)> {
        let mut scanner = Scanner::new(self.0, &Limits::NONE);
        core::iter::from_fn(move || {
            scanner.skip_separators();
            scanner.member(0).ok()
        })
    }
}

/// What is left of a text, and what is known of its beginning.
struct Scanner<'a, 'l> {
    rest: &'a str,
    limits: &'l Limits,
    /// The names in all objects that are open, innermost last.
    names: Vec<Cow<'a, str>>,
    /// Whether an object had a name twice.
    duplicate: bool,
}

impl<'a, 'l> Scanner<'a, 'l> {
    fn new(rest: &'a str, limits: &'l Limits) -> Self {
        Self {
            rest,
            limits,
            names: Vec::new(),
            duplicate: false,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.rest.as_bytes().first().copied()
    }

    /// Splits off the next `length` bytes.
    fn take(&mut self, length: usize) -> Result<&'a str, JsonError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(JsonError::Syntax)?;
        self.rest = rest;
        Ok(taken)
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// What stands between two values of a text that was checked before.
    fn skip_separators(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r', ',']);
    }

    fn expect(&mut self, token: &str) -> Result<(), JsonError> {
        self.rest = self.rest.strip_prefix(token).ok_or(JsonError::Syntax)?;
        Ok(())
    }

    /// Passes the value ahead, which is inside of `depth` arrays and objects.
    fn value(&mut self, depth: usize) -> Result<Raw<'a>, JsonError> {
        match self.peek().ok_or(JsonError::Syntax)? {
            b'{' => self
                .container(depth, Self::object)
                .map(|text| Raw::Object(Object(text))),
            b'[' => self
                .container(depth, Self::array)
                .map(|text| Raw::Array(Array(text))),
            b'"' => self.string().map(Raw::String),
            b't' => self.expect("true").map(|()| Raw::Bool(true)),
            b'f' => self.expect("false").map(|()| Raw::Bool(false)),
            b'n' => self.expect("null").map(|()| Raw::Null),
            _ => self.number(),
        }
    }

    /// Passes an array or an object and answers its text without what opens it.
    fn container(
        &mut self,
        depth: usize,
        pass: fn(&mut Self, usize) -> Result<(), JsonError>,
    ) -> Result<&'a str, JsonError> {
        if depth >= self.limits.depth {
            return Err(JsonError::Limit);
        }
        self.take(1)?;
        let start = self.rest;
        pass(self, depth.saturating_add(1))?;
        let length = start.len().saturating_sub(self.rest.len());
        start.get(..length).ok_or(JsonError::Syntax)
    }

    fn array(&mut self, depth: usize) -> Result<(), JsonError> {
        self.skip_blanks();
        if self.peek() == Some(b']') {
            return self.expect("]");
        }
        loop {
            self.skip_blanks();
            self.value(depth)?;
            self.skip_blanks();
            match self.take(1)? {
                "," => {}
                "]" => return Ok(()),
                _ => return Err(JsonError::Syntax),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), JsonError> {
        self.skip_blanks();
        if self.peek() == Some(b'}') {
            return self.expect("}");
        }
        let outer = self.names.len();
        loop {
            self.skip_blanks();
            let (name, _) = self.member(depth)?;
            if self.names.len().saturating_sub(outer) >= self.limits.members {
                return Err(JsonError::Limit);
            }
            self.names.push(name);
            self.skip_blanks();
            match self.take(1)? {
                "," => {}
                "}" => break,
                _ => return Err(JsonError::Syntax),
            }
        }
        self.close(outer);
        Ok(())
    }

    /// Looks for duplicates among the names of the innermost object, and forgets them.
    fn close(&mut self, outer: usize) {
        let names = self.names.get_mut(outer..).unwrap_or_default();
        names.sort_unstable();
        self.duplicate |= names.windows(2).any(|pair| pair.first() == pair.last());
        self.names.truncate(outer);
    }

    fn member(&mut self, depth: usize) -> Result<(Cow<'a, str>, Raw<'a>), JsonError> {
        let name = self.string()?;
        self.skip_blanks();
        self.expect(":")?;
        self.skip_blanks();
        Ok((name, self.value(depth)?))
    }

    fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        self.expect("\"")?;
        let plain = self.plain(0)?;
        if self.peek() == Some(b'"') {
            self.take(1)?;
            return Ok(Cow::Borrowed(plain));
        }
        let mut resolved = String::from(plain);
        loop {
            match self.take(1)? {
                "\"" => return Ok(Cow::Owned(resolved)),
                "\\" => resolved.push(self.escape()?),
                _ => return Err(JsonError::Syntax),
            }
            resolved.push_str(self.plain(resolved.len())?);
        }
    }

    /// Passes characters that mean themselves, of a string that has `so_far` bytes already.
    fn plain(&mut self, so_far: usize) -> Result<&'a str, JsonError> {
        let length = self
            .rest
            .bytes()
            .position(|b| b == b'"' || b == b'\\' || b < 0x20)
            .ok_or(JsonError::Syntax)?;
        if so_far.saturating_add(length) > self.limits.string {
            return Err(JsonError::Limit);
        }
        self.take(length)
    }

    /// Passes what follows a backslash.
    fn escape(&mut self) -> Result<char, JsonError> {
        Ok(match self.take(1)? {
            "\"" => '"',
            "\\" => '\\',
            "/" => '/',
            "b" => '\u{8}',
            "f" => '\u{c}',
            "n" => '\n',
            "r" => '\r',
            "t" => '\t',
            "u" => return self.unicode_escape(),
            _ => return Err(JsonError::Syntax),
        })
    }

    fn unicode_escape(&mut self) -> Result<char, JsonError> {
        let first = self.code_unit()?;
        if (0xD800..0xDC00).contains(&first) {
            self.expect("\\u")?;
            let pair = [first, self.code_unit()?];
            return match char::decode_utf16(pair).next() {
                Some(Ok(character)) => Ok(character),
                Some(Err(_)) | None => Err(JsonError::Syntax),
            };
        }
        char::from_u32(u32::from(first)).ok_or(JsonError::Syntax)
    }

    fn code_unit(&mut self) -> Result<u16, JsonError> {
        let digits = self.take(4)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(JsonError::Syntax);
        }
        u16::from_str_radix(digits, 16).map_err(|_| JsonError::Syntax)
    }

    fn number(&mut self) -> Result<Raw<'a>, JsonError> {
        let length = self
            .rest
            .bytes()
            .take_while(|b| matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
            .count();
        let text = self.take(length)?;
        if is_number(text) {
            Ok(Raw::Number(text))
        } else {
            Err(JsonError::Syntax)
        }
    }
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (integer, fraction) = match mantissa.split_once('.') {
        Some((integer, fraction)) => (integer, Some(fraction)),
        None => (mantissa, None),
    };
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let exponent = exponent.map(|text| text.strip_prefix(['+', '-']).unwrap_or(text));
    are_digits(integer)
        && (integer == "0" || !integer.starts_with('0'))
        && fraction.is_none_or(are_digits)
        && exponent.is_none_or(are_digits)
}
