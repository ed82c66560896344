//! The parameters behind the question mark, as strict as a body.

use schemars::{Schema, SchemaGenerator, json_schema};
use signet_core::account::AccountId;
use signet_verifier::json::Value;

use super::fields::{self, Fields, Members};
use super::member::{Faults, Member};
use super::{Description, Input, Unread};
use crate::http::problem::{Code, Problem};

/// Parameters that are read into `T`.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: Fields> Input for Query<T> {
    const READS_QUERY: bool = true;

    fn describe(_: &mut SchemaGenerator) -> Description {
        Description {
            query: T::fields(),
            ..Description::default()
        }
    }

    async fn read(request: &mut Unread) -> Result<Self, Problem> {
        let parameters = parse(request.parts.uri.query().unwrap_or_default())?;
        fields::read(parameters).map(Self)
    }
}

/// Refuses parameters where none are known.
pub(in crate::http) fn refuse(query: &str) -> Result<(), Problem> {
    fields::refuse(parse(query)?)
}

/// Reads `application/x-www-form-urlencoded`.
pub(super) fn parse(query: &str) -> Result<Members<'_>, Problem> {
    let mut parameters = Members::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if is_replaced(&name) || is_replaced(&value) {
            let detail = "The fields must be UTF-8.";
            return Err(Problem::from(Code::InvalidRequest).because(detail));
        }
        if parameters.iter().any(|(earlier, _)| *earlier == name) {
            let detail = "Each field may stand there once.";
            return Err(Problem::from(Code::InvalidRequest).because(detail));
        }
        parameters.push((name, Value::String(value)));
    }
    Ok(parameters)
}

/// Whether decoding had to put U+FFFD in place of what isn't UTF-8. Who really types that character,
/// in a password say, is refused as well: what a form sent can't be told from it any more.
fn is_replaced(text: &str) -> bool {
    text.contains(char::REPLACEMENT_CHARACTER)
}

/// How many entries a list is to hold: 1 to 200, 50 where nothing is said.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct PageSize(u32);

impl PageSize {
    /// How many entries to ask for: one more than is shown tells whether there is a next page.
    pub(in crate::http) fn to_ask(self) -> u32 {
        self.0.saturating_add(1)
    }

    /// What is shown of the entries that were found, and whether there are more.
    pub(in crate::http) fn cut<T>(self, mut found: Vec<T>) -> (Vec<T>, bool) {
        let size = usize::try_from(self.0).unwrap_or(usize::MAX);
        let has_more = found.len() > size;
        found.truncate(size);
        (found, has_more)
    }
}

impl Member for PageSize {
    fn schema() -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": 200, "default": 50 })
    }

    fn read(value: Value<'_>, field: &str, faults: &mut Faults) -> Option<Self> {
        let digits = value.as_str().filter(|text| {
            text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0')
        });
        digits
            .and_then(|text| text.parse().ok())
            .filter(|size| (1..=200).contains(size))
            .map(Self)
            .or_else(|| faults.add(field, "out_of_range", "must be a number from 1 to 200"))
    }

    fn absent() -> Option<Self> {
        Some(Self(50))
    }
}

/// Where the previous page of a list ended.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct Cursor(pub(in crate::http) AccountId);

impl Member for Cursor {
    fn schema() -> Schema {
        json_schema!({ "type": "string", "maxLength": 255 })
    }

    fn read(value: Value<'_>, field: &str, faults: &mut Faults) -> Option<Self> {
        let read = AccountId::read(value, field, &mut Faults::default());
        read.map(Self).or_else(|| {
            faults.add(
                field,
                "invalid_cursor",
                "is no next_cursor of an earlier answer",
            )
        })
    }
}
