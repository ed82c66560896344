//! Strict JSON (RFC 8259): UTF-8 only, one spelling of a structure per meaning.
//!
//! A member that is named twice, a lone surrogate, and whatever exceeds the [`Limits`] is refused.
//! Duplicates are found after escapes are resolved, and told only of text that is JSON otherwise.
//! Nesting is bounded before it is followed, so no input can exhaust the stack.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

/// How much structure is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// How deep arrays and objects may nest; the outermost counts as 1.
    pub depth: usize,
    /// How many members one object may have.
    pub members: usize,
    /// How long one string may be, in bytes of UTF-8 after escapes are resolved; names included.
    pub string: usize,
}

impl Limits {
    /// Headers and claims of tokens.
    pub const TOKEN: Self = Self {
        depth: 8,
        members: 64,
        string: 1_024,
    };

    /// Documents whose size is bounded in another way: key sets and feeds.
    pub const DOCUMENT: Self = Self {
        depth: 32,
        members: usize::MAX,
        string: usize::MAX,
    };
}

/// Why a text isn't read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum JsonError {
    /// It isn't JSON in UTF-8.
    Syntax,
    /// It exceeds a limit.
    Limit,
    /// An object names a member twice.
    Duplicate,
}

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
        let text = core::str::from_utf8(text).map_err(|_| JsonError::Syntax)?;
        let mut parser = Parser {
            rest: text,
            limits,
            duplicate: false,
        };
        parser.skip_blanks();
        let value = parser.value(0)?;
        parser.skip_blanks();
        match (parser.rest, parser.duplicate) {
            ("", false) => Ok(value),
            ("", true) => Err(JsonError::Duplicate),
            _ => Err(JsonError::Syntax),
        }
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
            Self::Number(text) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
            _ => None,
        }
    }
}

struct Parser<'a, 'l> {
    rest: &'a str,
    limits: &'l Limits,
    duplicate: bool,
}

impl<'a> Parser<'a, '_> {
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

    fn expect(&mut self, token: &str) -> Result<(), JsonError> {
        self.rest = self.rest.strip_prefix(token).ok_or(JsonError::Syntax)?;
        Ok(())
    }

    /// Reads the value ahead, which is inside of `depth` arrays and objects.
    fn value(&mut self, depth: usize) -> Result<Value<'a>, JsonError> {
        match self.peek().ok_or(JsonError::Syntax)? {
            b'{' => self.object(self.deeper(depth)?),
            b'[' => self.array(self.deeper(depth)?),
            b'"' => self.string().map(Value::String),
            b't' => self.expect("true").map(|()| Value::Bool(true)),
            b'f' => self.expect("false").map(|()| Value::Bool(false)),
            b'n' => self.expect("null").map(|()| Value::Null),
            _ => self.number(),
        }
    }

    fn deeper(&self, depth: usize) -> Result<usize, JsonError> {
        if depth < self.limits.depth {
            Ok(depth.saturating_add(1))
        } else {
            Err(JsonError::Limit)
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value<'a>, JsonError> {
        let mut values = Vec::new();
        self.expect("[")?;
        self.skip_blanks();
        if self.peek() == Some(b']') {
            self.take(1)?;
            return Ok(Value::Array(values));
        }
        loop {
            self.skip_blanks();
            values.push(self.value(depth)?);
            self.skip_blanks();
            match self.take(1)? {
                "," => {}
                "]" => return Ok(Value::Array(values)),
                _ => return Err(JsonError::Syntax),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value<'a>, JsonError> {
        let mut members = Vec::new();
        self.expect("{")?;
        self.skip_blanks();
        if self.peek() == Some(b'}') {
            self.take(1)?;
            return Ok(Value::Object(members));
        }
        loop {
            self.skip_blanks();
            let name = self.string()?;
            self.skip_blanks();
            self.expect(":")?;
            self.skip_blanks();
            let value = self.value(depth)?;
            if members.len() >= self.limits.members {
                return Err(JsonError::Limit);
            }
            members.push((name, value));
            self.skip_blanks();
            match self.take(1)? {
                "," => {}
                "}" => break,
                _ => return Err(JsonError::Syntax),
            }
        }
        self.duplicate |= has_duplicates(&members);
        Ok(Value::Object(members))
    }

    fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        self.expect("\"")?;
        let mut resolved: Option<String> = None;
        loop {
            let plain_length = self
                .rest
                .bytes()
                .position(|b| b == b'"' || b == b'\\' || b < 0x20)
                .ok_or(JsonError::Syntax)?;
            let plain = self.take(plain_length)?;
            let so_far = resolved.as_ref().map_or(0, String::len);
            if so_far.saturating_add(plain.len()) > self.limits.string {
                return Err(JsonError::Limit);
            }
            match (self.take(1)?, &mut resolved) {
                ("\"", None) => return Ok(Cow::Borrowed(plain)),
                ("\"", Some(text)) => {
                    text.push_str(plain);
                    return Ok(Cow::Owned(core::mem::take(text)));
                }
                ("\\", _) => {
                    let text = resolved.get_or_insert_default();
                    text.push_str(plain);
                    let character = self.escape()?;
                    if let Some(text) = &mut resolved {
                        text.push(character);
                    }
                }
                _ => return Err(JsonError::Syntax),
            }
        }
    }

    /// Reads what follows a backslash.
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
            let second = self.code_unit()?;
            let pair = [first, second];
            let mut decoded = char::decode_utf16(pair);
            return match decoded.next() {
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

    fn number(&mut self) -> Result<Value<'a>, JsonError> {
        let length = self
            .rest
            .bytes()
            .take_while(|b| matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
            .count();
        let text = self.take(length)?;
        if is_number(text) {
            Ok(Value::Number(text))
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

/// Compares each with each while there are few, and neighbours in order where there are many.
fn has_duplicates(members: &[(Cow<'_, str>, Value<'_>)]) -> bool {
    if members.len() <= 24 {
        return members.iter().enumerate().any(|(position, (name, _))| {
            members
                .iter()
                .take(position)
                .any(|(earlier, _)| earlier == name)
        });
    }
    let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_ref()).collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair.first() == pair.last())
}

#[cfg(test)]
mod tests {
    use super::JsonError::{Duplicate, Limit, Syntax};
    use super::*;

    fn parse(text: &str) -> Result<Value<'_>, JsonError> {
        Value::parse(text.as_bytes(), &Limits::TOKEN)
    }

    #[test]
    fn values_are_read_as_they_are_meant() {
        let text = " { \"a\\u0062\" : [ 1, -2.5e+3, true, null ], \"s\":\"\\ud83d\\ude00\\n\" } ";
        let value = parse(text).unwrap();
        let list = value.get("ab").unwrap().as_array().unwrap();
        assert_eq!(list[0].as_u64(), Some(1));
        assert_eq!(list[1], Value::Number("-2.5e+3"));
        assert_eq!(list[1].as_u64(), None);
        assert_eq!(value.get("s").unwrap().as_str(), Some("\u{1F600}\n"));
    }

    #[test]
    fn only_integers_without_sign_are_integers() {
        for (text, integer) in [
            ("0", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("-0", None),
            ("-1", None),
            ("1.0", None),
            ("1e3", None),
        ] {
            assert_eq!(parse(text).unwrap().as_u64(), integer, "{text}");
        }
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            "",
            " ",
            "{",
            "[",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "{\"a\" 1}",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "+1",
            "NaN",
            "Infinity",
            "tru",
            "truex",
            "\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u+123\"",
            "\"\t\"",
            "\"\\ud800\"",
            "\"\\udc00\"",
            "\"\\ud800\\u0041\"",
            "1 2",
            "{} x",
            "// c\n1",
            "\u{feff}{}",
            "[1 2]",
            "'a'",
            "{\"a\":1 \"b\":2}",
            "\u{a0}1",
            "\"a\0\"",
        ] {
            assert_eq!(parse(text), Err(Syntax), "{text:?}");
        }
        assert_eq!(Value::parse(b"\"\xff\"", &Limits::TOKEN), Err(Syntax));
    }

    #[test]
    fn duplicates_are_found_behind_escapes_and_inside_but_after_syntax() {
        assert_eq!(parse(r#"{"alg":1,"\u0061lg":2}"#), Err(Duplicate));
        assert_eq!(parse(r#"{"a":[{"b":1,"b":1}]}"#), Err(Duplicate));
        assert_eq!(parse(r#"{"a":1,"a":2"#), Err(Syntax));
        let many: Vec<String> = (0..40).map(|n| alloc::format!("\"m{n}\":0")).collect();
        let text = alloc::format!("{{{},\"m7\":1}}", many.join(","));
        assert_eq!(parse(&text), Err(Duplicate));
    }

    #[test]
    fn limits_hold_exactly() {
        let nested = |depth| alloc::format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(&nested(8)).is_ok());
        assert_eq!(parse(&nested(9)), Err(Limit));
        assert_eq!(parse(&nested(100_000)), Err(Limit));
        let string = |length| alloc::format!("\"{}\"", "a".repeat(length));
        assert!(parse(&string(1_024)).is_ok());
        assert_eq!(parse(&string(1_025)), Err(Limit));
        let escaped = alloc::format!("\"{}\\n\"", "a".repeat(1_024));
        assert_eq!(parse(&escaped), Err(Limit));
        let members = |count: usize| {
            let all: Vec<String> = (0..count).map(|n| alloc::format!("\"m{n}\":0")).collect();
            alloc::format!("{{{}}}", all.join(","))
        };
        assert!(parse(&members(64)).is_ok());
        assert_eq!(parse(&members(65)), Err(Limit));
    }
}
