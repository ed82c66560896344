//! Lines of a file that may be of any size, or may be no text at all.

use std::io::{self, BufRead};

/// What was found where a line was looked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Found {
    /// A line, without its end (LF or CRLF).
    Line,
    /// A line that is longer than may be. It was skipped.
    TooLong,
    /// The end of the file.
    Nothing,
}

/// Reads the next line of at most `longest` bytes into `line`. Never holds more than that.
pub(super) fn next_line(
    reader: &mut impl BufRead,
    line: &mut Vec<u8>,
    longest: usize,
) -> io::Result<Found> {
    line.clear();
    let (mut too_long, mut any) = (false, false);
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            break;
        }
        any = true;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let (part, used) = match end {
            Some(end) => (buffer.get(..end), end.saturating_add(1)),
            None => (Some(buffer), buffer.len()),
        };
        let part = part.unwrap_or_default();
        too_long |= line.len().saturating_add(part.len()) > longest;
        if !too_long {
            line.extend_from_slice(part);
        }
        reader.consume(used);
        if end.is_some() {
            break;
        }
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(match (any, too_long) {
        (false, _) => Found::Nothing,
        (true, true) => Found::TooLong,
        (true, false) => Found::Line,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_one_by_one_and_long_ones_are_skipped() {
        let text = b"one\r\n\ntoo long a line\ntwo\nthree";
        let mut reader = io::BufReader::with_capacity(3, text.as_slice());
        let mut line = Vec::new();
        let mut found = Vec::new();
        loop {
            match next_line(&mut reader, &mut line, 6).unwrap() {
                Found::Nothing => break,
                Found::TooLong => found.push("(too long)".to_owned()),
                Found::Line => found.push(String::from_utf8(line.clone()).unwrap()),
            }
        }
        assert_eq!(found, ["one", "", "(too long)", "two", "three"]);
    }
}
