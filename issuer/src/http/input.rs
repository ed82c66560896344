//! What handlers are given of a request, read strictly: a [`Body`], a [`Form`], a [`Query`], a
//! [`Path`] (two parameters: [`Paths`]), or pairs of these. Each describes itself for `openapi.json`.
//!
//! Bodies and queries are structs of [`members!`], whose members have domain types that can't be
//! built wrong ([`member::Member`]). Everything that is wrong with a body is told at once.

pub(super) mod body;
pub(crate) mod fields;
pub(crate) mod member;
pub(super) mod query;

use std::future::Future;
use std::sync::Arc;

use axum::extract::{FromRequestParts as _, RawPathParams};
use http::request::Parts;
use schemars::{Schema, SchemaGenerator};
use signet_verifier::json::Value;

use self::fields::Field;
use self::member::{Faults, Member};
use super::app::App;
use super::problem::{Code, Problem};

pub use body::{Body, Form};
pub use query::Query;

/// A request of which the handler's input has yet to be read.
pub struct Unread {
    pub(super) app: Arc<App>,
    pub(super) parts: Parts,
    pub(super) body: axum::body::Body,
}

/// What an input says of itself in the document.
#[derive(Default)]
pub struct Description {
    /// The types of the path's parameters, in order.
    pub(super) path: Vec<Schema>,
    /// The parameters behind the question mark.
    pub(super) query: Vec<Field>,
    /// The body.
    pub(super) body: Option<BodyDescription>,
}

/// What an input says of its body.
pub(super) struct BodyDescription {
    pub(super) media_type: &'static str,
    pub(super) schema: Schema,
    pub(super) required: bool,
}

/// Something that can be read from a request.
pub trait Input: Sized + Send + 'static {
    /// Whether it reads what stands behind the question mark. Where nothing does, nothing may
    /// stand there.
    const READS_QUERY: bool = false;

    /// What it reads, for the document.
    fn describe(schemas: &mut SchemaGenerator) -> Description;

    /// Reads it.
    fn read(request: &mut Unread) -> impl Future<Output = Result<Self, Problem>> + Send;
}

/// Nothing of the request matters.
impl Input for () {
    fn describe(_: &mut SchemaGenerator) -> Description {
        Description::default()
    }

    async fn read(_: &mut Unread) -> Result<Self, Problem> {
        Ok(())
    }
}

/// The one parameter of the path. Text that can't be one is not found.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: Member> Input for Path<T> {
    fn describe(_: &mut SchemaGenerator) -> Description {
        Description {
            path: vec![T::schema()],
            ..Description::default()
        }
    }

    async fn read(request: &mut Unread) -> Result<Self, Problem> {
        let parameters = RawPathParams::from_request_parts(&mut request.parts, &())
            .await
            .map_err(|_| Code::NotFound)?;
        let first = parameters.iter().next();
        parameter(first.map(|(_, text)| text)).map(Self)
    }
}

/// The two parameters of the path, in order. Text that can't be one is not found.
#[derive(Debug)]
pub struct Paths<A, B>(pub A, pub B);

impl<A: Member, B: Member> Input for Paths<A, B> {
    fn describe(_: &mut SchemaGenerator) -> Description {
        Description {
            path: vec![A::schema(), B::schema()],
            ..Description::default()
        }
    }

    async fn read(request: &mut Unread) -> Result<Self, Problem> {
        let parameters = RawPathParams::from_request_parts(&mut request.parts, &())
            .await
            .map_err(|_| Code::NotFound)?;
        let mut parameters = parameters.iter().map(|(_, text)| text);
        let first = parameter(parameters.next())?;
        Ok(Self(first, parameter(parameters.next())?))
    }
}

/// Reads a parameter of a path.
fn parameter<T: Member>(text: Option<&str>) -> Result<T, Problem> {
    let text = text.ok_or(Code::NotFound)?;
    let value = Value::String(text.into());
    T::read(value, "", &mut Faults::default()).ok_or_else(|| Code::NotFound.into())
}

impl<A: Input, B: Input> Input for (A, B) {
    const READS_QUERY: bool = A::READS_QUERY || B::READS_QUERY;

    fn describe(schemas: &mut SchemaGenerator) -> Description {
        let first = A::describe(schemas);
        let mut second = B::describe(schemas);
        let mut path = first.path;
        path.extend(second.path);
        second.query.extend(first.query);
        Description {
            path,
            query: second.query,
            body: first.body.or(second.body),
        }
    }

    async fn read(request: &mut Unread) -> Result<Self, Problem> {
        let first = A::read(request).await?;
        Ok((first, B::read(request).await?))
    }
}
