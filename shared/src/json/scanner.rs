//! The tokens of JSON: white space, strings, numbers and literals, taken from the front of a text.

use alloc::borrow::Cow;
use alloc::string::String;

use super::JsonError;
use super::plain::plain_length;

/// What is left of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scanner<'a> {
    rest: &'a str,
}

/// A string as it is written, between its quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Literal<'a> {
    written: &'a str,
    /// Its length in bytes once its escapes are resolved.
    pub(super) length: usize,
}

impl<'a> Literal<'a> {
    /// Resolves the escapes.
    pub(super) fn resolve(self) -> Cow<'a, str> {
        if self.length == self.written.len() {
            // Every escape is longer than what it stands for, so there is none.
            return Cow::Borrowed(self.written);
        }
        let mut resolved = String::with_capacity(self.length);
        let mut scanner = Scanner::new(self.written);
        while let Ok(plain) = scanner.take(plain_length(scanner.rest)) {
            resolved.push_str(plain);
            match scanner.take(1).and_then(|_backslash| scanner.escape()) {
                Ok(character) => resolved.push(character),
                Err(_) => break,
            }
        }
        Cow::Owned(resolved)
    }
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// What hasn't been taken yet.
    pub(super) fn rest(&self) -> &'a str {
        self.rest
    }

    /// What has been taken since it was like `earlier`.
    pub(super) fn taken_since(&self, earlier: Self) -> Result<&'a str, JsonError> {
        let length = earlier.rest.len().saturating_sub(self.rest.len());
        let (taken, _) = earlier
            .rest
            .split_at_checked(length)
            .ok_or(JsonError::Syntax)?;
        Ok(taken)
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.as_bytes().first().copied()
    }

    /// Takes the next `length` bytes.
    pub(super) fn take(&mut self, length: usize) -> Result<&'a str, JsonError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(JsonError::Syntax)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Takes `token`, which must be next.
    pub(super) fn expect(&mut self, token: &str) -> Result<(), JsonError> {
        self.rest = self.rest.strip_prefix(token).ok_or(JsonError::Syntax)?;
        Ok(())
    }

    /// Takes `token` if it is next.
    pub(super) fn takes(&mut self, token: &str) -> bool {
        self.expect(token).is_ok()
    }

    pub(super) fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.rest = self.rest.get(1..).unwrap_or_default();
        }
    }

    /// Takes a string.
    pub(super) fn string(&mut self) -> Result<Literal<'a>, JsonError> {
        self.expect("\"")?;
        let start = *self;
        let mut length: usize = 0;
        loop {
            let plain = self.take(plain_length(self.rest))?;
            length = length.saturating_add(plain.len());
            let written = self.taken_since(start)?;
            match self.take(1)? {
                "\"" => return Ok(Literal { written, length }),
                "\\" => length = length.saturating_add(self.escape()?.len_utf8()),
                _ => return Err(JsonError::Syntax),
            }
        }
    }

    /// Takes what follows a backslash.
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
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(JsonError::Syntax);
        }
        u16::from_str_radix(digits, 16).map_err(|_| JsonError::Syntax)
    }

    /// Takes a number: everything that could belong to one, which must then be one.
    pub(super) fn number(&mut self) -> Result<(), JsonError> {
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = self.rest.bytes().take_while(is_part).count();
        if is_number(self.take(length)?) {
            Ok(())
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
