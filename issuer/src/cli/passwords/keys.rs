//! From the lines of a list to the keys of its passwords.

use std::io::{self, BufRead};

use signet_core::password::known::Key;
use unicode_normalization::UnicodeNormalization as _;

use crate::cli::lines::{Found, next_line};

/// The longest line that is looked at, in bytes: no password has more.
const LONGEST_LINE: usize = 4_096;

/// What the lines of a list are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Lines {
    /// Passwords.
    Passwords,
    /// SHA-1 hashes of passwords in hex, with how often each was seen behind a colon or without:
    /// the format of Have I Been Pwned.
    Sha1,
}

/// What is taken of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// The fewest characters of a password. Nobody knows how long a hashed one is.
    pub(super) shortest: usize,
    /// The fewest times that a hash was seen.
    pub(super) seen: u64,
}

/// How many lines became what.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Counts {
    /// Keys, of which some may be the same.
    pub(super) taken: u64,
    /// Passwords that are too short, hashes that were seen too rarely, empty lines.
    pub(super) left_out: u64,
    /// Lines that aren't UTF-8, too long, or no hash among hashes.
    pub(super) unreadable: u64,
}

/// Hands the key of each password to `take`. What the lines are, the first one says.
pub(super) fn read(
    reader: &mut impl BufRead,
    wanted: Wanted,
    mut take: impl FnMut(Key) -> io::Result<()>,
) -> io::Result<(Lines, Counts)> {
    let (mut line, mut counts, mut lines) = (Vec::new(), Counts::default(), None);
    loop {
        let read = match next_line(reader, &mut line, LONGEST_LINE)? {
            Found::Nothing => return Ok((lines.unwrap_or(Lines::Passwords), counts)),
            Found::TooLong => Read::Unreadable,
            Found::Line => {
                let guess = || match sha1(&line) {
                    Some(_) => Lines::Sha1,
                    None => Lines::Passwords,
                };
                match *lines.get_or_insert_with(guess) {
                    Lines::Passwords => password(&line, wanted),
                    Lines::Sha1 => hash(&line, wanted),
                }
            }
        };
        let counter = match read {
            Read::Taken(key) => {
                take(key)?;
                &mut counts.taken
            }
            Read::LeftOut => &mut counts.left_out,
            Read::Unreadable => &mut counts.unreadable,
        };
        *counter = counter.saturating_add(1);
    }
}

enum Read {
    Taken(Key),
    LeftOut,
    Unreadable,
}

/// Passwords are kept in lower case: whoever tries one tries its capitals as well.
fn password(line: &[u8], wanted: Wanted) -> Read {
    let Ok(text) = str::from_utf8(line) else {
        return Read::Unreadable;
    };
    let text: String = text.nfc().collect::<String>().to_lowercase();
    if text.is_empty() || text.chars().count() < wanted.shortest {
        return Read::LeftOut;
    }
    Read::Taken(Key::of(&text))
}

fn hash(line: &[u8], wanted: Wanted) -> Read {
    match sha1(line) {
        None if line.is_empty() => Read::LeftOut,
        None => Read::Unreadable,
        Some((_, seen)) if seen < wanted.seen => Read::LeftOut,
        Some((hash, _)) => Read::Taken(Key::of_sha1(&hash)),
    }
}

/// A hash, and how often it was seen; as often as anyone may want where that isn't said.
fn sha1(line: &[u8]) -> Option<([u8; 20], u64)> {
    let (digits, rest) = line.split_first_chunk::<40>()?;
    let mut hash = [0; 20];
    for (byte, pair) in hash.iter_mut().zip(digits.as_chunks::<2>().0) {
        let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
        *byte = u8::try_from(high?.checked_shl(4)? | low?).ok()?;
    }
    let seen = match rest.split_first() {
        None => u64::MAX,
        Some((b':', count)) => str::from_utf8(count).ok()?.trim().parse().ok()?,
        Some(_) => return None,
    };
    Some((hash, seen))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: Wanted = Wanted {
        shortest: 8,
        seen: 2,
    };

    fn keys(text: &[u8]) -> (Lines, Counts, Vec<Key>) {
        let mut keys = Vec::new();
        let (lines, counts) = read(&mut &*text, WANTED, |key| {
            keys.push(key);
            Ok(())
        })
        .unwrap();
        (lines, counts, keys)
    }

    #[test]
    fn passwords_are_taken_in_lower_case_and_nfc() {
        let (lines, counts, taken) =
            keys("Password1\nshort\n\nE\u{301}te\u{301}2026é\n".as_bytes());
        assert_eq!(lines, Lines::Passwords);
        assert_eq!(
            (counts.taken, counts.left_out, counts.unreadable),
            (2, 2, 0)
        );
        assert_eq!(taken, [Key::of("password1"), Key::of("été2026é")]);
        let (_, counts, _) = keys(&[b"caf\xe9 au lait\n".as_slice(), &[b'x'; 5_000]].concat());
        assert_eq!(counts.unreadable, 2);
    }

    #[test]
    fn hashes_are_taken_with_how_often_they_were_seen() {
        // SHA-1 of "password" and "Password1".
        let text = b"5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:52256179\r\n\
                     70ccd9007338d6d81dd3b6271621b9cf9a97ea00:1\r\n\
                     70ccd9007338d6d81dd3b6271621b9cf9a97ea00\n\
                     no hash\n";
        let (lines, counts, taken) = keys(text);
        assert_eq!(lines, Lines::Sha1);
        assert_eq!(
            (counts.taken, counts.left_out, counts.unreadable),
            (2, 1, 1)
        );
        assert_eq!(taken, [Key::of("password"), Key::of("Password1")]);
    }
}
