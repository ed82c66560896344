//! The route table. An operation is declared once, and everything follows from the declaration:
//! where it is mounted, the checks before its handler runs, and its entry in `openapi.json`.
//!
//! ```text
//! post("/v1/password/change", limit::PASSWORD)
//!     .named("changePassword", "Change one's password")
//!     .bearer()
//!     .refuses(&[Code::WeakPassword])
//!     .handled_by(change)
//! ```
//!
//! with `async fn change(call: Call<LiveSession, Body<ChangePassword>>) -> Result<NoContent,
//! Problem>`. The path and the limit class are arguments, so that no operation can be without
//! them. Who may call it is part of the builder's type and of the handler's, so that a handler
//! which wants a session can't be mounted where none is asked for. What it reads and answers is
//! taken from the handler's signature ([`super::input`], [`super::answer`]).
//!
//! To add an operation: write the handler in the file of its area and declare it in that file's
//! `routes()`; run `cargo xtask openapi`. A new area's `routes()` is listed in [`super::router`].

pub mod access;
pub mod call;
mod dispatch;

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use http::{Method, StatusCode};
use schemars::SchemaGenerator;

use self::access::{Access, Anyone, Presented};
use self::call::Handler;
use super::answer::{Answer, Content};
use super::app::App;
use super::input::{Description, Input};
use super::limit::LimitClass;
use super::problem::Code;
use super::tick::Ticker;
use signet_core::session::LiveSession;

pub(super) use dispatch::{mount, peer, request_id};

/// Who may call an operation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Requirement {
    /// Anyone.
    Nothing,
    /// Anyone; a bearer token is taken but not asked for.
    OptionalBearer,
    /// Whoever has a live session.
    Bearer,
    /// Whoever has a live session and this permission, by what the database says now.
    Permission(&'static str),
    /// The platform's timer, by a token of its own.
    Ticker,
}

/// How an operation tells what it can't grant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    /// With a problem document.
    Document,
    /// With a page, since people read it.
    Page,
    /// With a problem document under a status that proxies hand on.
    Proxy,
}

impl Refusal {
    /// The status that a problem is told with.
    pub(super) fn status(self, code: Code) -> StatusCode {
        match self {
            Self::Document | Self::Page => code.status(),
            Self::Proxy => code.status_for_proxies(),
        }
    }
}

/// All that is said of an operation, beside what its handler's signature says.
#[derive(Clone, Debug)]
pub struct Declaration {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) limit: LimitClass,
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    /// What callers have to know beside that.
    pub(super) description: Option<&'static str>,
    pub(super) requirement: Requirement,
    /// Whether the password must have been proven within the last [`signet_core::session::FRESH`]
    /// seconds.
    pub(super) fresh: bool,
    /// Whether it exists in local mode only, for loopback peers and without a proxy between.
    pub(super) local_only: bool,
    /// How it tells what it can't grant.
    pub(super) refusal: Refusal,
    /// The problems of its own, beside those that follow from the rest.
    pub(super) refusals: &'static [Code],
}

impl Declaration {
    /// Whether it is for programs alone: strict with everything, readable by other origins.
    pub(super) fn is_api(&self) -> bool {
        self.path.starts_with("/v1/")
    }
}

/// An operation that still lacks its handler; `A` is who calls it.
#[must_use = "an operation does nothing before it has a handler"]
pub struct Operation<A> {
    declaration: Declaration,
    caller: PhantomData<fn() -> A>,
}

/// An operation of the table.
#[must_use = "a route does nothing before it is in the table"]
pub struct Route {
    pub(super) declaration: Declaration,
    pub(super) exchange: fn(&mut SchemaGenerator) -> Exchange,
    pub(super) serve: Serve,
}

/// What an operation reads and answers.
pub(super) struct Exchange {
    pub(super) input: Description,
    pub(super) status: StatusCode,
    pub(super) meaning: &'static str,
    pub(super) headers: &'static [(&'static str, &'static str)],
    pub(super) optional_headers: &'static [(&'static str, &'static str)],
    pub(super) without_body: Option<(StatusCode, &'static str)>,
    pub(super) content: Option<Content>,
}

/// Answers one request, all checks included.
pub(super) type Serve = Box<dyn Fn(Arc<App>, Request) -> ResponseFuture + Send + Sync>;

pub(super) type ResponseFuture = Pin<Box<dyn Future<Output = Response> + Send>>;

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.declaration.fmt(f)
    }
}

/// Declares `GET path`, which answers `HEAD` as well.
pub fn get(path: &'static str, limit: LimitClass) -> Operation<Anyone> {
    Operation::new(Method::GET, path, limit)
}

/// Declares `POST path`.
pub fn post(path: &'static str, limit: LimitClass) -> Operation<Anyone> {
    Operation::new(Method::POST, path, limit)
}

/// Declares `PUT path`.
pub fn put(path: &'static str, limit: LimitClass) -> Operation<Anyone> {
    Operation::new(Method::PUT, path, limit)
}

/// Declares `PATCH path`.
pub fn patch(path: &'static str, limit: LimitClass) -> Operation<Anyone> {
    Operation::new(Method::PATCH, path, limit)
}

/// Declares `DELETE path`.
pub fn delete(path: &'static str, limit: LimitClass) -> Operation<Anyone> {
    Operation::new(Method::DELETE, path, limit)
}

impl Operation<Anyone> {
    fn new(method: Method, path: &'static str, limit: LimitClass) -> Self {
        let declaration = Declaration {
            method,
            path,
            limit,
            id: "",
            summary: "",
            description: None,
            requirement: Requirement::Nothing,
            fresh: false,
            local_only: false,
            refusal: Refusal::Document,
            refusals: &[],
        };
        Self {
            declaration,
            caller: PhantomData,
        }
    }

    /// Asks for a live session.
    pub fn bearer(self) -> Operation<LiveSession> {
        self.requiring(Requirement::Bearer)
    }

    /// Asks for a live session whose account holds `permission`.
    pub fn permission(self, permission: &'static str) -> Operation<LiveSession> {
        self.requiring(Requirement::Permission(permission))
    }

    /// Takes a bearer token without asking for it.
    pub fn optional_bearer(self) -> Operation<Presented> {
        self.requiring(Requirement::OptionalBearer)
    }

    /// Asks for the token of the platform's timer.
    pub fn ticker(self) -> Operation<Ticker> {
        self.requiring(Requirement::Ticker)
    }

    fn requiring<A>(self, requirement: Requirement) -> Operation<A> {
        Operation {
            declaration: Declaration {
                requirement,
                ..self.declaration
            },
            caller: PhantomData,
        }
    }
}

impl Operation<LiveSession> {
    /// Asks for a login of the last minutes.
    pub fn fresh(mut self) -> Self {
        self.declaration.fresh = true;
        self
    }
}

impl<A: Access> Operation<A> {
    /// Gives it its `operationId`, and a few words on what it does.
    pub fn named(mut self, id: &'static str, summary: &'static str) -> Self {
        self.declaration.id = id;
        self.declaration.summary = summary;
        self
    }

    /// Says what callers have to know beside that, with backquotes around what is code.
    pub fn described(mut self, description: &'static str) -> Self {
        self.declaration.description = Some(description);
        self
    }

    /// Names the problems of its use case.
    pub fn refuses(mut self, refusals: &'static [Code]) -> Self {
        self.declaration.refusals = refusals;
        self
    }

    /// Makes it a page for people: what can't be granted is told by a page as well.
    pub fn page(mut self) -> Self {
        self.declaration.refusal = Refusal::Page;
        self
    }

    /// Makes it a question that proxies ask about a request of somebody else's.
    pub fn for_proxies(mut self) -> Self {
        self.declaration.refusal = Refusal::Proxy;
        self
    }

    /// Keeps it to local mode.
    pub fn local_only(mut self) -> Self {
        self.declaration.local_only = true;
        self
    }

    /// Completes it.
    pub fn handled_by<I, R, H>(self, handler: H) -> Route
    where
        I: Input,
        R: Answer,
        H: Handler<A, I, R>,
    {
        let Self { declaration, .. } = self;
        Route {
            serve: dispatch::serve(declaration.clone(), handler),
            exchange: exchange::<I, R>,
            declaration,
        }
    }
}

fn exchange<I: Input, R: Answer>(schemas: &mut SchemaGenerator) -> Exchange {
    Exchange {
        input: I::describe(schemas),
        status: R::STATUS,
        meaning: R::MEANING,
        headers: R::HEADERS,
        optional_headers: R::OPTIONAL_HEADERS,
        without_body: R::WITHOUT_BODY,
        content: R::content(schemas),
    }
}
