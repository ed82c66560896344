//! The block of `auth.users` in what `pg_dump --data-only` writes:
//!
//! ```text
//! COPY auth.users (instance_id, id, …) FROM stdin;
//! 00000000-…\tf0c8…\t…
//! \.
//! ```
//!
//! (<https://www.postgresql.org/docs/current/sql-copy.html>, "Text Format").

use std::io::BufRead;

use super::fields::{Fields, Value};
use super::format::{FormatError, LONGEST_ROW, Row, check_names};
use crate::cli::lines::{Found, next_line};

pub(super) struct Dump {
    input: Box<dyn BufRead>,
    line: u64,
    buffer: Vec<u8>,
    names: Vec<String>,
    is_over: bool,
}

impl Dump {
    /// Goes to the block.
    pub(super) fn new(input: Box<dyn BufRead>) -> Result<Self, FormatError> {
        let mut dump = Self {
            input,
            line: 0,
            buffer: Vec::new(),
            names: Vec::new(),
            is_over: false,
        };
        loop {
            match dump.next_line()? {
                Found::Nothing => return Err(FormatError::NoCopy),
                Found::TooLong => {}
                Found::Line => {
                    let line = String::from_utf8_lossy(&dump.buffer);
                    if let Some(names) = names_of_copy(&line) {
                        dump.names = names;
                        break;
                    }
                }
            }
        }
        check_names(&dump.names)?;
        Ok(dump)
    }

    pub(super) fn next(&mut self) -> Result<Option<Row>, FormatError> {
        if self.is_over {
            return Ok(None);
        }
        let found = self.next_line()?;
        let line = self.line;
        let fields = match found {
            Found::TooLong => Err("is longer than a megabyte".to_owned()),
            Found::Line if self.buffer == b"\\." => {
                self.is_over = true;
                return Ok(None);
            }
            Found::Line => self.fields(),
            Found::Nothing => {
                self.is_over = true;
                Err("the dump ends in the middle; make it again".to_owned())
            }
        };
        Ok(Some(Row { line, fields }))
    }

    fn next_line(&mut self) -> Result<Found, FormatError> {
        self.line = self.line.saturating_add(1);
        Ok(next_line(&mut self.input, &mut self.buffer, LONGEST_ROW)?)
    }

    fn fields(&self) -> Result<Fields, String> {
        let text = str::from_utf8(&self.buffer).map_err(|_| "is not UTF-8".to_owned())?;
        let values: Vec<&str> = text.split('\t').collect();
        if values.len() != self.names.len() {
            let (found, named) = (values.len(), self.names.len());
            return Err(format!("has {found} fields, and COPY names {named}"));
        }
        let mut fields = Fields::default();
        for (name, value) in self.names.iter().zip(values) {
            if value != "\\N" {
                fields.insert(name, Value::Text(unescaped(value)?));
            }
        }
        Ok(fields)
    }
}

/// The columns of the block that begins with this line, if it is that of `auth.users`.
fn names_of_copy(line: &str) -> Option<Vec<String>> {
    let rest = line.strip_prefix("COPY ")?;
    let (table, rest) = rest.split_once('(')?;
    let table = table.replace('"', "");
    let columns = rest.strip_suffix(") FROM stdin;")?;
    let is_users = ["auth.users", "users"].contains(&table.trim());
    let names = columns.split(',').map(|name| name.trim().replace('"', ""));
    is_users.then(|| names.collect())
}

/// A value without its escapes. What `pg_dump` never writes (octal and hexadecimal codes) isn't
/// read.
fn unescaped(value: &str) -> Result<String, String> {
    let mut text = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        text.push(match character {
            '\\' => match characters.next() {
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('v') => '\u{b}',
                Some('\\') => '\\',
                Some(_) | None => return Err("has an escape that COPY doesn't write".to_owned()),
            },
            other => other,
        });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = "--\n-- PostgreSQL database dump\n--\n\nSET client_encoding = 'UTF8';\n\
        COPY auth.identities (id, email) FROM stdin;\n1\teve@example.com\n\\.\n\n\
        COPY \"auth\".\"users\" (id, \"email\", \"role\", raw) FROM stdin;\n\
        1\tada@example.com\t\\N\t{\"a\": \"tab\\\\tquote\\\\\"\"}\n\
        2\tbob@example.com\t\t\\ttabs\\nand\\\\more\n\
        3\ttoo few\n\
        4\teve@example.com\t\\x41\t\n\\.\n\nnothing else\n";

    fn rows(text: &'static str) -> Vec<Row> {
        let mut dump = Dump::new(Box::new(text.as_bytes())).unwrap();
        std::iter::from_fn(|| dump.next().unwrap()).collect()
    }

    #[test]
    fn the_block_of_users_is_read_and_nothing_else() {
        let [ada, bob, few, escape] = rows(DUMP).try_into().unwrap();
        let mut fields = ada.fields.unwrap();
        assert_eq!(ada.line, 11);
        assert_eq!(fields.text("email").unwrap().unwrap(), "ada@example.com");
        assert!(fields.take("role").is_none());
        assert_eq!(fields.json("raw").unwrap().unwrap()["a"], "tab\tquote\"");
        let mut fields = bob.fields.unwrap();
        assert_eq!(fields.text("raw").unwrap().unwrap(), "\ttabs\nand\\more");
        assert!(few.fields.unwrap_err().contains("2 fields"));
        assert!(escape.fields.unwrap_err().contains("escape"));
    }

    #[test]
    fn a_dump_that_was_cut_off_says_so() {
        let (cut, _) = DUMP.split_once("3\ttoo few").unwrap();
        let rows = rows(cut);
        assert_eq!(rows.len(), 3);
        assert!(
            rows[2]
                .fields
                .as_ref()
                .unwrap_err()
                .contains("in the middle")
        );
    }
}
