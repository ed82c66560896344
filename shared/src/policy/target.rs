//! The target of a request: one spelling per path, and no spelling that two parties could read
//! differently.
//!
//! A target is a path and perhaps a query (RFC 3986, sections 3.3 and 3.4), as it came over the
//! wire. The path is decoded once: percent-encoded unreserved characters become themselves, the
//! other encodings stay, in upper case. What proxies and services are known to disagree about is
//! refused instead of being guessed at.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

/// A path whose every segment has one spelling.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TargetPath<'a> {
    /// Begins with a slash.
    path: Cow<'a, str>,
}

/// Why a target is refused. Clients see `invalid_request` for each.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TargetFault {
    /// It doesn't begin with a slash: a URL, `*`, or nothing.
    NotAPath,
    /// A character that RFC 3986 has no place for, raw non-ASCII and `#` among them.
    Character,
    /// `%` without two hexadecimal digits behind it.
    BrokenEncoding,
    /// `%25`, which someone might decode a second time.
    DoubleEncoding,
    /// `\`, `%2f` or `%5c`.
    SlashLike,
    /// `;` or `%3b`.
    Semicolon,
    /// A control character, encoded or not.
    Control,
    /// Encoded bytes that aren't UTF-8.
    NotUtf8,
    /// Two slashes in a row.
    EmptySegment,
    /// `.` or `..`, encoded or not.
    DotSegment,
}

impl<'a> TargetPath<'a> {
    /// `/`.
    pub(crate) const ROOT: Self = Self {
        path: Cow::Borrowed("/"),
    };

    /// Reads a target.
    ///
    /// # Errors
    /// The first fault that is found.
    pub fn parse(target: &'a [u8]) -> Result<Self, TargetFault> {
        if target.first() != Some(&b'/') {
            return Err(TargetFault::NotAPath);
        }
        let (path, query) = match target.iter().position(|byte| *byte == b'?') {
            Some(at) => target.split_at(at),
            None => (target, &[][..]),
        };
        let path = core::str::from_utf8(path).map_err(|_| TargetFault::Character)?;
        let path = normalize(path)?;
        check_segments(&path)?;
        check_query(query)?;
        Ok(Self { path })
    }

    /// The path in its one spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.path
    }

    /// The path as a server reads it that decodes all of it before it looks for a handler: encoded
    /// characters that may as well stand there raw, such as `%3A`, become themselves. `None` where
    /// that changes nothing.
    #[must_use]
    pub fn read_further(&self) -> Option<TargetPath<'static>> {
        match read_further(&self.path) {
            Cow::Borrowed(_) => None,
            Cow::Owned(path) => Some(TargetPath {
                path: Cow::Owned(path),
            }),
        }
    }

    /// The segments; that of a trailing slash is empty, and so is the only one of `/`.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.path.split('/').skip(1)
    }
}

/// Decodes a segment in full. `None` where it isn't UTF-8, which no segment of a path is.
#[must_use]
pub fn decode_segment(segment: &str) -> Option<Cow<'_, str>> {
    if !segment.contains('%') {
        return Some(Cow::Borrowed(segment));
    }
    let mut decoded = alloc::vec::Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        let (byte, behind) = match first {
            b'%' => encoded_byte(rest).ok()?,
            _ => (*first, rest),
        };
        rest = behind;
        decoded.push(byte);
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

/// Writes a path, or a segment of one, in its one spelling.
pub(super) fn normalize(path: &str) -> Result<Cow<'_, str>, TargetFault> {
    let Some(first_encoded) = path.find('%') else {
        path.bytes().try_for_each(check_raw)?;
        return Ok(Cow::Borrowed(path));
    };
    let mut normal = String::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first != b'%' {
            check_raw(*first)?;
            normal.push(char::from(*first));
            continue;
        }
        let (byte, behind) = encoded_byte(rest)?;
        rest = behind;
        check_encoded(byte)?;
        if is_unreserved(byte) {
            normal.push(char::from(byte));
        } else {
            normal.push('%');
            normal.extend([byte >> 4, byte & 0x0F].map(hexadecimal));
        }
    }
    check_text(path.get(first_encoded..).unwrap_or(path))?;
    Ok(Cow::Owned(normal))
}

/// Decodes what may stand in a segment raw, of a path in its one spelling.
pub(super) fn read_further(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let is_both = |encoded: &str| {
        let (byte, _) = encoded_byte(encoded.as_bytes()).ok()?;
        is_segment_character(byte).then_some(char::from(byte))
    };
    let mut pieces = path.split('%');
    let mut read = String::from(pieces.next().unwrap_or_default());
    for piece in pieces {
        match is_both(piece) {
            Some(character) => {
                read.push(character);
                read.push_str(piece.get(2..).unwrap_or_default());
            }
            None => {
                read.push('%');
                read.push_str(piece);
            }
        }
    }
    match read == path {
        true => Cow::Borrowed(path),
        false => Cow::Owned(read),
    }
}

fn check_raw(byte: u8) -> Result<(), TargetFault> {
    match byte {
        b'\\' => Err(TargetFault::SlashLike),
        b';' => Err(TargetFault::Semicolon),
        0..0x20 | 0x7F => Err(TargetFault::Control),
        b'/' => Ok(()),
        _ if is_segment_character(byte) => Ok(()),
        _ => Err(TargetFault::Character),
    }
}

fn check_encoded(byte: u8) -> Result<(), TargetFault> {
    match byte {
        b'%' => Err(TargetFault::DoubleEncoding),
        b'/' | b'\\' => Err(TargetFault::SlashLike),
        b';' => Err(TargetFault::Semicolon),
        0..0x20 | 0x7F => Err(TargetFault::Control),
        _ => Ok(()),
    }
}

/// What the encoded bytes of each segment say must be text without control characters.
fn check_text(encoded: &str) -> Result<(), TargetFault> {
    for segment in encoded.split('/') {
        let text = decode_segment(segment).ok_or(TargetFault::NotUtf8)?;
        if text.chars().any(char::is_control) {
            return Err(TargetFault::Control);
        }
    }
    Ok(())
}

fn check_segments(path: &str) -> Result<(), TargetFault> {
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "" if !is_last => return Err(TargetFault::EmptySegment),
            "." | ".." => return Err(TargetFault::DotSegment),
            _ => {}
        }
    }
    Ok(())
}

/// The query is nobody's business here, but it must be one.
fn check_query(query: &[u8]) -> Result<(), TargetFault> {
    let mut rest = query;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match first {
            b'%' => (_, rest) = encoded_byte(rest)?,
            b'/' | b'?' | b';' => {}
            0..0x20 | 0x7F => return Err(TargetFault::Control),
            byte if is_segment_character(*byte) => {}
            _ => return Err(TargetFault::Character),
        }
    }
    Ok(())
}

/// The byte whose two digits `text` begins with, and what is behind them.
fn encoded_byte(text: &[u8]) -> Result<(u8, &[u8]), TargetFault> {
    let (digits, rest) = text
        .split_first_chunk::<2>()
        .ok_or(TargetFault::BrokenEncoding)?;
    let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
    let byte = high.zip(low).map(|(high, low)| (high << 4) | low);
    let byte = byte.and_then(|byte| u8::try_from(byte).ok());
    Ok((byte.ok_or(TargetFault::BrokenEncoding)?, rest))
}

fn hexadecimal(digit: u8) -> char {
    let digit = char::from_digit(u32::from(digit), 16).unwrap_or('0');
    digit.to_ascii_uppercase()
}

/// RFC 3986, section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// RFC 3986's `pchar` without encodings, and without `;`, which paths may not have.
fn is_segment_character(byte: u8) -> bool {
    is_unreserved(byte) || b"!$&'()*+,=:@".contains(&byte)
}

impl fmt::Display for TargetFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAPath => "does not begin with a slash",
            Self::Character => "has a character that paths don't have",
            Self::BrokenEncoding => "has % without two hexadecimal digits",
            Self::DoubleEncoding => "has an encoded %",
            Self::SlashLike => "has a backslash or an encoded slash",
            Self::Semicolon => "has a semicolon",
            Self::Control => "has a control character",
            Self::NotUtf8 => "has encoded bytes that are not UTF-8",
            Self::EmptySegment => "has two slashes in a row",
            Self::DotSegment => "has a segment of dots",
        })
    }
}

impl core::error::Error for TargetFault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_spelling() {
        for (target, path) in [
            ("/", "/"),
            ("/a", "/a"),
            ("/a/", "/a/"),
            ("/ADMIN", "/ADMIN"),
            ("/%61dmin", "/admin"),
            ("/%41", "/A"),
            ("/a%2db%2Ec%5f%7E", "/a-b.c_~"),
            ("/a%20b", "/a%20b"),
            ("/caf%c3%a9", "/caf%C3%A9"),
            ("/a:b@c!$&'()*+,=", "/a:b@c!$&'()*+,="),
            ("/%3a", "/%3A"),
            ("/...", "/..."),
            ("/.a/a.", "/.a/a."),
            ("/a?b=c&d=/?", "/a"),
            ("/a?//../%25;%2f%00", "/a"),
            ("/a?", "/a"),
        ] {
            let parsed = TargetPath::parse(target.as_bytes());
            assert_eq!(
                parsed.as_ref().map(TargetPath::as_str),
                Ok(path),
                "{target}"
            );
        }
    }

    #[test]
    fn some_paths_may_be_read_further() {
        for (path, further) in [
            ("/", None),
            ("/a:b@c", None),
            ("/a%20b/caf%C3%A9", None),
            ("/a%3Ab", Some("/a:b")),
            ("/%3a%20%40/%21%27%2C", Some("/:%20@/!',")),
        ] {
            let path = TargetPath::parse(path.as_bytes()).unwrap();
            let read = path.read_further();
            assert_eq!(read.as_ref().map(TargetPath::as_str), further);
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        use TargetFault::*;
        for (target, fault) in [
            (&b""[..], NotAPath),
            (b"*", NotAPath),
            (b"a", NotAPath),
            (b"?a", NotAPath),
            (b"http://a/b", NotAPath),
            (b"a:443", NotAPath),
            (b"//admin", EmptySegment),
            (b"/a//b", EmptySegment),
            (b"/a//", EmptySegment),
            (b"/.", DotSegment),
            (b"/admin/.", DotSegment),
            (b"/public/../admin", DotSegment),
            (b"/%2e%2E/admin", DotSegment),
            (b"/.%2e", DotSegment),
            (b"/%", BrokenEncoding),
            (b"/%6", BrokenEncoding),
            (b"/%6g", BrokenEncoding),
            (b"/%+1", BrokenEncoding),
            (b"/%2561dmin", DoubleEncoding),
            (b"/admin%2f..", SlashLike),
            (b"/admin%2F", SlashLike),
            (b"/admin%5cx", SlashLike),
            (b"/admin\\x", SlashLike),
            (b"/admin;x", Semicolon),
            (b"/admin%3bx", Semicolon),
            (b"/admin%00", Control),
            (b"/admin\0", Control),
            (b"/a%0d%0ab", Control),
            (b"/a\tb", Control),
            (b"/%7f", Control),
            (b"/%c2%85", Control),
            (b"/a b", Character),
            (b"/a#b", Character),
            (b"/a{b}", Character),
            (b"/a|b", Character),
            (b"/a\"b", Character),
            (b"/[a]", Character),
            (b"/\xc3\xa9", Character),
            (b"/\xff", Character),
            (b"/%ff", NotUtf8),
            (b"/%c3", NotUtf8),
            (b"/%c3/%a9", NotUtf8),
            (b"/%c0%af", NotUtf8),
            (b"/%ed%a0%80", NotUtf8),
            (b"/a?b%", BrokenEncoding),
            (b"/a?b c", Character),
            (b"/a?b#c", Character),
            (b"/a?b\nc", Control),
            (b"/a?\xff", Character),
        ] {
            assert_eq!(TargetPath::parse(target), Err(fault), "{target:?}");
        }
    }

    #[test]
    fn segments_decode_in_full() {
        assert_eq!(
            decode_segment("caf%C3%A9%20%40").as_deref(),
            Some("caf\u{e9} @")
        );
        assert_eq!(decode_segment("a+b").as_deref(), Some("a+b"));
    }
}
