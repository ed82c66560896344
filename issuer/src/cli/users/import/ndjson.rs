//! One JSON object on each line.

use std::io::BufRead;

use serde_json::Value as Json;

use super::fields::{Fields, Value};
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
    // What the reader says is left out: it may quote the line, with the hash in it.
    let json: Json = serde_json::from_slice(line).map_err(|_| "is no JSON".to_owned())?;
    let Json::Object(object) = json else {
        return Err("is no JSON object".to_owned());
    };
    let mut fields = Fields::default();
    for (name, value) in object {
        let value = match value {
            Json::String(text) => Value::Text(text),
            other => Value::Json(other),
        };
        fields.insert(name, value);
    }
    Ok(fields)
}
