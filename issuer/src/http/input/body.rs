//! JSON bodies: at most 16 KiB of one object, without compression, within 10 seconds.

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
use super::{Description, Input, Unread};
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

/// A body that is read into `T`.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: Fields> Input for Body<T> {
    fn describe(schemas: &mut SchemaGenerator) -> Description {
        Description {
            body: Some((describe::<T>(schemas), true)),
            ..Description::default()
        }
    }

    async fn read(request: &mut Unread) -> Result<Self, Problem> {
        check_media_type(&request.parts.headers)?;
        let bytes = collect(std::mem::take(&mut request.body)).await?;
        fields::read(parse(&bytes)?).map(Self)
    }
}

/// A body that may be left out, together with its `Content-Type`.
impl<T: Fields> Input for Option<Body<T>> {
    fn describe(schemas: &mut SchemaGenerator) -> Description {
        Description {
            body: Some((describe::<T>(schemas), false)),
            ..Description::default()
        }
    }

    async fn read(request: &mut Unread) -> Result<Self, Problem> {
        let unannounced = !request.parts.headers.contains_key(CONTENT_TYPE);
        if unannounced && request.body.is_end_stream() {
            return Ok(None);
        }
        Body::read(request).await.map(Some)
    }
}

/// `application/json`, with no parameter but `charset=utf-8`.
fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let is_json = types.next().is_some_and(is_json) && types.next().is_none();
    if is_json && !headers.contains_key(CONTENT_ENCODING) {
        Ok(())
    } else {
        Err(Code::UnsupportedMediaType.into())
    }
}

fn is_json(value: &HeaderValue) -> bool {
    let text = value.to_str().unwrap_or_default();
    let (media_type, parameter) = text.split_once(';').unwrap_or((text, "charset=utf-8"));
    let parameter = parameter.trim_matches([' ', '\t']);
    let is_utf8 = ["charset=utf-8", "charset=\"utf-8\""]
        .iter()
        .any(|known| parameter.eq_ignore_ascii_case(known));
    let media_type = media_type.trim_end_matches([' ', '\t']);
    media_type.eq_ignore_ascii_case("application/json") && is_utf8
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

/// The schema of a struct of members, kept among the document's components.
fn describe<T: Fields>(schemas: &mut SchemaGenerator) -> Schema {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in T::fields() {
        let mut schema = field.schema;
        schema.insert("description".to_owned(), field.meaning.into());
        properties.insert(field.name.to_owned(), schema.to_value());
        if field.required {
            required.push(field.name);
        }
    }
    let schema = json_schema!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    let definitions = schemas.definitions_mut();
    definitions.insert(T::NAME.to_owned(), schema.to_value());
    Schema::new_ref(format!("#/components/schemas/{}", T::NAME))
}
