//! What handlers answer. Each type fixes the status and the media type, and describes itself for
//! `openapi.json`, so that a handler's signature says all that its declaration would.
//!
//! What isn't said here (`x-request-id`, security headers, `Cache-Control: no-store`) is added to
//! every answer by [`super::frame`]; a header that is set here stays.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, LOCATION,
};
use http::{HeaderValue, StatusCode};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

use super::problem::{Code, Problem};

/// The media type of ordinary answers.
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What an answer's body is.
#[derive(Debug)]
pub struct Content {
    /// The media type, without parameters.
    pub media_type: &'static str,
    /// What the document holds, where it is JSON.
    pub schema: Option<Schema>,
}

/// Something a handler answers with.
pub trait Answer: Send + 'static {
    /// The status it always has.
    const STATUS: StatusCode;

    /// What it says in words, for the document.
    const MEANING: &'static str;

    /// Headers of its own that it always has, and what each says, for the document.
    const HEADERS: &[(&'static str, &'static str)] = &[];

    /// Headers of its own that it may have, and what each says, for the document.
    const OPTIONAL_HEADERS: &[(&'static str, &'static str)] = &[];

    /// Another status that it may have, then without a body, and what that says.
    const WITHOUT_BODY: Option<(StatusCode, &'static str)> = None;

    /// What its body is, if it has one.
    fn content(schemas: &mut SchemaGenerator) -> Option<Content>;

    /// The answer on the wire.
    ///
    /// # Errors
    /// When it can't be written, which is a mistake of the program.
    fn into_response(self) -> Result<Response, Problem>;
}

/// 200 with a JSON document.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: Serialize + JsonSchema + Send + 'static> Answer for Json<T> {
    const STATUS: StatusCode = StatusCode::OK;
    const MEANING: &'static str = "Done";

    fn content(schemas: &mut SchemaGenerator) -> Option<Content> {
        Some(json_content::<T>(schemas))
    }

    fn into_response(self) -> Result<Response, Problem> {
        json(Self::STATUS, &self.0)
    }
}

/// 200 with a JSON document to be kept as a file.
#[derive(Debug)]
pub struct Attachment<T> {
    /// The document.
    pub document: T,
    /// The file's name.
    pub name: &'static str,
}

impl<T: Serialize + JsonSchema + Send + 'static> Answer for Attachment<T> {
    const STATUS: StatusCode = StatusCode::OK;
    const MEANING: &'static str = "The document, to be kept as a file";

    fn content(schemas: &mut SchemaGenerator) -> Option<Content> {
        Some(json_content::<T>(schemas))
    }

    fn into_response(self) -> Result<Response, Problem> {
        let mut response = json(Self::STATUS, &self.document)?;
        let headers = response.headers_mut();
        headers.insert(CONTENT_DISPOSITION, as_file(self.name)?);
        Ok(response)
    }
}

/// 200 with JSON documents, one on each line, to be kept as a file. They are read from the store
/// while they are sent: where that fails in the middle, so does the answer.
#[derive(Debug)]
pub struct Lines {
    /// The lines.
    pub body: Body,
    /// The file's name.
    pub name: &'static str,
}

impl Answer for Lines {
    const STATUS: StatusCode = StatusCode::OK;
    const MEANING: &'static str = "JSON documents, one on each line";

    fn content(_: &mut SchemaGenerator) -> Option<Content> {
        Some(Content {
            media_type: "application/x-ndjson",
            schema: None,
        })
    }

    fn into_response(self) -> Result<Response, Problem> {
        let mut response = respond(Self::STATUS, self.body);
        let headers = response.headers_mut();
        let lines = HeaderValue::from_static("application/x-ndjson");
        headers.insert(CONTENT_TYPE, lines);
        headers.insert(CONTENT_DISPOSITION, as_file(self.name)?);
        Ok(response)
    }
}

fn as_file(name: &str) -> Result<HeaderValue, Problem> {
    HeaderValue::try_from(format!("attachment; filename=\"{name}\""))
        .map_err(|error| Problem::from(Code::InternalError).caused_by(error))
}

/// A `Cache-Control` of these directives.
pub(super) fn cache_control(directives: String) -> Result<HeaderValue, Problem> {
    HeaderValue::try_from(directives)
        .map_err(|error| Problem::from(Code::InternalError).caused_by(error))
}

/// 201 with what was created, and where it is.
#[derive(Debug)]
pub struct Created<T> {
    /// What was created.
    pub document: T,
    /// Its path.
    pub location: String,
}

impl<T: Serialize + JsonSchema + Send + 'static> Answer for Created<T> {
    const STATUS: StatusCode = StatusCode::CREATED;
    const MEANING: &'static str = "Created, at the path in Location";

    fn content(schemas: &mut SchemaGenerator) -> Option<Content> {
        Some(json_content::<T>(schemas))
    }

    fn into_response(self) -> Result<Response, Problem> {
        let mut response = json(Self::STATUS, &self.document)?;
        let location = HeaderValue::try_from(self.location)
            .map_err(|error| Problem::from(Code::InternalError).caused_by(error))?;
        response.headers_mut().insert(LOCATION, location);
        Ok(response)
    }
}

/// 202 with a JSON document.
#[derive(Debug)]
pub struct AcceptedWith<T>(pub T);

impl<T: Serialize + JsonSchema + Send + 'static> Answer for AcceptedWith<T> {
    const STATUS: StatusCode = StatusCode::ACCEPTED;
    const MEANING: &'static str = "Taken up, whoever it concerns";

    fn content(schemas: &mut SchemaGenerator) -> Option<Content> {
        Some(json_content::<T>(schemas))
    }

    fn into_response(self) -> Result<Response, Problem> {
        json(Self::STATUS, &self.0)
    }
}

/// 202 without a body.
#[derive(Clone, Copy, Debug)]
pub struct Accepted;

impl Answer for Accepted {
    const STATUS: StatusCode = StatusCode::ACCEPTED;
    const MEANING: &'static str = "Taken up, whoever it concerns";

    fn content(_: &mut SchemaGenerator) -> Option<Content> {
        None
    }

    fn into_response(self) -> Result<Response, Problem> {
        Ok(respond(Self::STATUS, Body::empty()))
    }
}

/// 204.
#[derive(Clone, Copy, Debug)]
pub struct NoContent;

impl Answer for NoContent {
    const STATUS: StatusCode = StatusCode::NO_CONTENT;
    const MEANING: &'static str = "Done";

    fn content(_: &mut SchemaGenerator) -> Option<Content> {
        None
    }

    fn into_response(self) -> Result<Response, Problem> {
        Ok(respond(Self::STATUS, Body::empty()))
    }
}

/// 200 with a JSON document that every origin may read and keep for a while.
#[derive(Debug)]
pub struct Published<T: PublishedDocument>(pub T);

/// JSON text that is published.
pub trait PublishedDocument: Send + 'static {
    /// Its media type.
    const MEDIA_TYPE: &'static str;

    /// How many seconds it may be kept for.
    const KEPT: u64;

    /// What it holds.
    fn schema(schemas: &mut SchemaGenerator) -> Schema;

    /// The text.
    fn into_body(self) -> Body;
}

impl<T: PublishedDocument> Answer for Published<T> {
    const STATUS: StatusCode = StatusCode::OK;
    const MEANING: &'static str = "The document, for every origin";

    fn content(schemas: &mut SchemaGenerator) -> Option<Content> {
        Some(Content {
            media_type: T::MEDIA_TYPE,
            schema: Some(T::schema(schemas)),
        })
    }

    fn into_response(self) -> Result<Response, Problem> {
        let kept = cache_control(format!("max-age={}", T::KEPT))?;
        let mut response = respond(Self::STATUS, self.0.into_body());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(T::MEDIA_TYPE));
        headers.insert(CACHE_CONTROL, kept);
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        Ok(response)
    }
}

/// 200 with a page for people.
#[derive(Debug)]
pub struct Page {
    /// The HTML.
    pub html: Bytes,
    /// Its Content-Security-Policy.
    pub policy: &'static str,
}

impl Answer for Page {
    const STATUS: StatusCode = StatusCode::OK;
    const MEANING: &'static str = "The page";

    fn content(_: &mut SchemaGenerator) -> Option<Content> {
        Some(Content {
            media_type: "text/html",
            schema: None,
        })
    }

    fn into_response(self) -> Result<Response, Problem> {
        let mut response = respond(Self::STATUS, Body::from(self.html));
        let headers = response.headers_mut();
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        headers.insert(CONTENT_TYPE, html);
        let policy = HeaderValue::from_static(self.policy);
        headers.insert(CONTENT_SECURITY_POLICY, policy);
        Ok(response)
    }
}

/// A form that was sent: 200 and what came of it, or the form again with what is wrong and the
/// status of the problem, which the operation declares with `refuses` beside `page`.
#[derive(Debug)]
pub struct FormPage {
    /// The status.
    pub status: StatusCode,
    /// The page.
    pub page: Page,
}

impl Answer for FormPage {
    const STATUS: StatusCode = StatusCode::OK;
    const MEANING: &'static str = "The page";

    fn content(schemas: &mut SchemaGenerator) -> Option<Content> {
        Page::content(schemas)
    }

    fn into_response(self) -> Result<Response, Problem> {
        let mut response = self.page.into_response()?;
        *response.status_mut() = self.status;
        Ok(response)
    }
}

/// 200 with a style sheet of a page.
#[derive(Clone, Copy, Debug)]
pub struct StyleSheet(pub &'static str);

/// 200 with a script of a page.
#[derive(Clone, Copy, Debug)]
pub struct Script(pub &'static str);

macro_rules! asset {
    ($type:ident, $media_type:literal) => {
        impl Answer for $type {
            const STATUS: StatusCode = StatusCode::OK;
            const MEANING: &'static str = "What a page is made of";

            fn content(_: &mut SchemaGenerator) -> Option<Content> {
                Some(Content {
                    media_type: $media_type,
                    schema: None,
                })
            }

            fn into_response(self) -> Result<Response, Problem> {
                let mut response = respond(Self::STATUS, Body::from(self.0));
                let headers = response.headers_mut();
                let media_type = concat!($media_type, "; charset=utf-8");
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
                let cache = HeaderValue::from_static("max-age=300");
                headers.insert(CACHE_CONTROL, cache);
                Ok(response)
            }
        }
    };
}

asset!(StyleSheet, "text/css");
asset!(Script, "text/javascript");

fn json_content<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Content {
    Content {
        media_type: "application/json",
        schema: Some(schemas.subschema_for::<T>()),
    }
}

fn json(status: StatusCode, document: &impl Serialize) -> Result<Response, Problem> {
    let body = serde_json::to_vec(document)
        .map_err(|error| Problem::from(Code::InternalError).caused_by(error))?;
    let mut response = respond(status, Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    Ok(response)
}

pub(super) fn respond(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}
