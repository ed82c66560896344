//! Bodies: at most 16 KiB, without compression, within 10 seconds. Programs send one JSON object,
//! pages send their forms.

use std::time::Duration;

use axum::body::HttpBody as _;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::Map;
use signet_verifier::json::{JsonError, Limits, Value};

use super::fields::{self, Fields, Members};
use super::{BodyDescription, Description, Input, Unread, query};
use crate::http::problem::{Code, Problem};

/// The largest body, in bytes.
pub(in crate::http) const LARGEST: usize = 16 * 1024;

/// How much structure a body may have. No request needs more than two levels and ten members.
const LIMITS: Limits = Limits {
    depth: 8,
    members: 64,
    string: LARGEST,
};

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// A JSON body that is read into `T`.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: Fields> Input for Body<T> {
    fn describe(schemas: &mut SchemaGenerator) -> Description {
        describe::<T>(schemas, JSON, true)
    }

    async fn read(request: &mut Unread) -> Result<Self, Problem> {
        check_media_type(&request.parts.headers, JSON)?;
        let bytes = collect(std::mem::take(&mut request.body)).await?;
        fields::read(parse(&bytes)?).map(Self)
    }
}

/// A JSON body that may be left out, together with its `Content-Type`.
impl<T: Fields> Input for Option<Body<T>> {
    fn describe(schemas: &mut SchemaGenerator) -> Description {
        describe::<T>(schemas, JSON, false)
    }

    async fn read(request: &mut Unread) -> Result<Self, Problem> {
        let unannounced = !request.parts.headers.contains_key(CONTENT_TYPE);
        if unannounced && request.body.is_end_stream() {
            return Ok(None);
        }
        Body::read(request).await.map(Some)
    }
}

/// A page's form that is read into `T`.
#[derive(Debug)]
pub struct Form<T>(pub T);

impl<T: Fields> Input for Form<T> {
    fn describe(schemas: &mut SchemaGenerator) -> Description {
        describe::<T>(schemas, FORM, true)
    }

    async fn read(request: &mut Unread) -> Result<Self, Problem> {
        check_media_type(&request.parts.headers, FORM)?;
        let bytes = collect(std::mem::take(&mut request.body)).await?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| Problem::from(Code::InvalidRequest).because("The form must be UTF-8."))?;
        fields::read(query::parse(text)?).map(Self)
    }
}

/// The media type, with no parameter but `charset=utf-8`.
fn check_media_type(headers: &HeaderMap, expected: &str) -> Result<(), Problem> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let is_expected = types.next().is_some_and(|value| is(value, expected));
    if is_expected && types.next().is_none() && !headers.contains_key(CONTENT_ENCODING) {
        Ok(())
    } else {
        Err(Code::UnsupportedMediaType.into())
    }
}

fn is(value: &HeaderValue, expected: &str) -> bool {
    let text = value.to_str().unwrap_or_default();
    let (media_type, parameter) = text.split_once(';').unwrap_or((text, "charset=utf-8"));
    let parameter = parameter.trim_matches([' ', '\t']);
    let is_utf8 = ["charset=utf-8", "charset=\"utf-8\""]
        .iter()
        .any(|known| parameter.eq_ignore_ascii_case(known));
    let media_type = media_type.trim_end_matches([' ', '\t']);
    media_type.eq_ignore_ascii_case(expected) && is_utf8
}

async fn collect(body: axum::body::Body) -> Result<Bytes, Problem> {
    let too_large = usize::try_from(body.size_hint().lower()).is_ok_and(|size| size > LARGEST);
    if too_large {
        return Err(Code::PayloadTooLarge.into());
    }
    let collected = tokio::time::timeout(PATIENCE, Limited::new(body, LARGEST).collect())
        .await
        .map_err(|_| {
            Problem::from(Code::InvalidRequest).because("The body took too long to arrive.")
        })?;
    match collected {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Code::PayloadTooLarge.into()),
        Err(_) => Err(Problem::from(Code::InvalidRequest).because("The body ended too early.")),
    }
}

/// Reads the members of an object.
fn parse(text: &[u8]) -> Result<Members<'_>, Problem> {
    let detail = match Value::parse(text, &LIMITS) {
        Ok(Value::Object(members)) => return Ok(members),
        Ok(_) => "The body must be a JSON object.",
        Err(JsonError::Syntax) => "The body is not JSON in UTF-8.",
        Err(JsonError::Limit) => "The body is nested too deeply or has too many members.",
        Err(JsonError::Duplicate) => "The body names a member twice.",
    };
    Err(Problem::from(Code::InvalidRequest).because(detail))
}

/// The schema of a struct of members is kept among the document's components.
fn describe<T: Fields>(
    schemas: &mut SchemaGenerator,
    media_type: &'static str,
    required: bool,
) -> Description {
    let definitions = schemas.definitions_mut();
    definitions.insert(T::NAME.to_owned(), object::<T>().to_value());
    Description {
        body: Some(BodyDescription {
            media_type,
            schema: Schema::new_ref(format!("#/components/schemas/{}", T::NAME)),
            required,
        }),
        ..Description::default()
    }
}

fn object<T: Fields>() -> Schema {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in T::fields() {
        let mut schema = field.schema;
        // What a type says of itself goes for every member that has it.
        let about = match schema.get("description").and_then(|text| text.as_str()) {
            Some(of_type) => format!("{} {of_type}", field.meaning),
            None => field.meaning.to_owned(),
        };
        schema.insert("description".to_owned(), about.into());
        properties.insert(field.name.to_owned(), schema.to_value());
        if field.required {
            required.push(field.name);
        }
    }
    json_schema!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
        "description": T::ABOUT,
    })
}
