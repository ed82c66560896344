//! `signet config print`: the configuration that counts, as TOML or JSON, without its secrets.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::keys::{Absent, Line};

/// The lines as a file that says the same, each with where it comes from.
#[must_use]
pub fn toml(lines: &[Line]) -> String {
    let mut text = String::new();
    let mut section = "";
    for line in lines {
        let (its_section, name) = line.key.name.split_once('.').unwrap_or(("", line.key.name));
        if its_section != section {
            section = its_section;
            let _infallible = write!(text, "\n[{section}]\n");
        }
        let _infallible = match (&line.value, &line.key.absent) {
            (Some(value), _) => writeln!(text, "{name} = {value}  # {}", line.origin),
            (None, Absent::Words(words)) => writeln!(text, "# {name}: {words}"),
            (None, Absent::Value(_)) => Ok(()),
        };
    }
    text
}

/// The lines as one JSON object: for each key its value as TOML, `null` where it isn't set, and
/// where it comes from.
#[must_use]
pub fn json(lines: &[Line]) -> Value {
    let entry = |line: &Line| {
        let entry = json!({ "value": line.value, "origin": line.origin.to_string() });
        (line.key.name.to_owned(), entry)
    };
    Value::Object(lines.iter().map(entry).collect::<Map<_, _>>())
}
