//! One JSON object on each line.

use std::io::BufRead;

use signet_verifier::json::{Checked, JsonError, Limits};

use super::fields::{Fields, Notation, Value, json};
use super::format::{FormatError, LONGEST_ROW, Row};
use crate::cli::lines::{Found, next_line};

pub(super) struct Ndjson {
    input: Box<dyn BufRead>,
    line: u64,
    buffer: Vec<u8>,
}

impl Ndjson {
    pub(super) fn new(input: Box<dyn BufRead>) -> Self {
        Self {
            input,
            line: 0,
            buffer: Vec::new(),
        }
    }

    pub(super) fn next(&mut self) -> Result<Option<Row>, FormatError> {
        loop {
            let found = next_line(&mut self.input, &mut self.buffer, LONGEST_ROW)?;
            self.line = self.line.saturating_add(1);
            let fields = match found {
                Found::Nothing => return Ok(None),
                Found::TooLong => Err("the line is longer than a megabyte".to_owned()),
                Found::Line if self.buffer.trim_ascii().is_empty() => continue,
                Found::Line => read(&self.buffer),
            };
            return Ok(Some(Row {
                line: self.line,
                fields,
            }));
        }
    }
}

fn read(line: &[u8]) -> Result<Fields, String> {
    // What is said quotes nothing: a hash stands in the line.
    let row = Checked::parse(line, &Limits::DOCUMENT).map_err(|fault| match fault {
        JsonError::Duplicate => "names a field twice",
        JsonError::Syntax => "is no JSON",
        JsonError::Limit => "nests too deep",
    })?;
    let members = row.members().ok_or("is no JSON object")?;
    let mut fields = Fields::written_as(Notation::Json);
    for (name, value) in members {
        let value = match value.as_str() {
            Some(text) => Value::Text(text.into_owned()),
            None => Value::Json(json(value.text()).ok_or("has a number that nobody can read")?),
        };
        fields.insert(name, value);
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_once_however_it_is_spelled() {
        for twice in [
            r#"{"email":"b@example.com","email":"c@example.com"}"#,
            r#"{"email_verified":true,"email_verified":false}"#,
            r#"{"email":"b@example.com","\u0065mail":"c@example.com"}"#,
            r#"{"email":"b@example.com","raw_app_meta_data":{"role":"a","role":"b"}}"#,
        ] {
            let said = read(twice.as_bytes()).unwrap_err();
            assert_eq!(said, "names a field twice", "{twice}");
        }
    }

    #[test]
    fn values_come_as_they_are() {
        let line = br#" {"email":"\u0061@example.com","roles":["a"],"name":null} "#;
        let mut fields = read(line).unwrap();
        assert_eq!(fields.text("email").unwrap().unwrap(), "a@example.com");
        assert_eq!(fields.json("roles").unwrap().unwrap()[0], "a");
        assert!(fields.names("name") && fields.take("name").is_none());
        let mut fields = read(br#"{"a":true,"b":"true","c":"t","d":null}"#).unwrap();
        assert_eq!(fields.truth("a"), Ok(Some(true)));
        for text in ["b", "c"] {
            assert!(fields.truth(text).unwrap_err().contains("is a text"));
        }
        assert_eq!(fields.truth("d"), Ok(None));
        assert_eq!(read(b"[1]").unwrap_err(), "is no JSON object");
        assert_eq!(read(b"{").unwrap_err(), "is no JSON");
    }
}
