//! `openapi.json`: the route table as an OpenAPI 3.1 document.
//!
//! `cargo xtask openapi` writes it to the root of the repository, the issuer serves it, and the
//! tests compare the two and hold every answer against it. Nothing in it is written by hand: what
//! it says of an operation is what [`super::route`] enforces.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use axum::body::Body;
use bytes::Bytes;
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};
use signet_core::session::FRESH;

use super::answer::{Published, PublishedDocument};
use super::input::Description;
use super::limit;
use super::problem::{self, Code, Problem, ProblemDocument};
use super::route::access::Anyone;
use super::route::call::Call;
use super::route::{Declaration, Exchange, Refusal, Requirement, Route, get};

static TEXT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(text()));

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/openapi.json", limit::PUBLIC)
            .named("openapi", "This document")
            .handled_by(serve),
    ]
}

async fn serve(_: Call<Anyone>) -> Result<Published<OpenApi>, Problem> {
    Ok(Published(OpenApi))
}

/// The document as it is served.
#[derive(Debug)]
struct OpenApi;

impl PublishedDocument for OpenApi {
    const MEDIA_TYPE: &'static str = "application/json";
    const KEPT: u64 = 300;

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object" })
    }

    fn into_body(self) -> Body {
        Body::from(TEXT.clone())
    }
}

/// The document as it is committed.
#[must_use]
pub fn text() -> String {
    format!("{:#}\n", document(&super::routes()))
}

/// The document of a route table.
pub(super) fn document(routes: &[Route]) -> Value {
    let mut components = Components {
        schemas: SchemaSettings::draft2020_12()
            .for_serialize()
            .with(|settings| settings.definitions_path = "/components/schemas".into())
            .into_generator(),
        responses: BTreeMap::new(),
    };
    let mut paths: Map<String, Value> = Map::new();
    for route in routes {
        let exchange = (route.exchange)(&mut components.schemas);
        let operation = operation(&route.declaration, &exchange, &mut components);
        let method = route.declaration.method.as_str().to_ascii_lowercase();
        let path = paths
            .entry(route.declaration.path)
            .or_insert_with(|| json!({}));
        if let Some(operations) = path.as_object_mut() {
            operations.insert(method, operation);
        }
    }
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Signet",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "components": components.into_value(),
    })
}

/// What operations refer to.
struct Components {
    schemas: SchemaGenerator,
    responses: BTreeMap<String, Value>,
}

impl Components {
    /// Refers to the answer for these problems, which have one status.
    fn refusal(&mut self, form: Refusal, status: u16, codes: &[Code]) -> Value {
        let codes: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
        let (name, content) = match form {
            Refusal::Document => (codes.join("-or-"), self.problem(&codes)),
            Refusal::Page => (format!("{}.page", codes.join("-or-")), page()),
            Refusal::Proxy => (
                format!("{}.proxy", codes.join("-or-")),
                self.problem(&codes),
            ),
        };
        let reference = format!("#/components/responses/{name}");
        self.responses
            .entry(name)
            .or_insert_with(|| refusal(form, status, &codes, &content));
        json!({ "$ref": reference })
    }

    /// A problem document with one of these codes.
    fn problem(&mut self, codes: &[&str]) -> Value {
        let schema = self.schemas.subschema_for::<ProblemDocument<'_>>();
        let with_code = json!({ "properties": { "code": { "enum": codes } } });
        json!({ problem::MEDIA_TYPE: { "schema": { "allOf": [schema, with_code] } } })
    }

    fn into_value(mut self) -> Value {
        let schemas: BTreeMap<String, Value> =
            self.schemas.take_definitions(true).into_iter().collect();
        json!({
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "at+jwt" },
                "ticker": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The content of the file that tick.token_file names",
                },
            },
            "headers": headers(),
            "responses": self.responses,
            "schemas": schemas,
        })
    }
}

const ABOUT: &str = "Accounts, sessions, roles and keys. JSON in, JSON out, UTF-8; times are RFC \
    3339 in UTC, ids are UUIDs. Errors are problem documents (RFC 9457) with a code of a closed \
    set, each of which has a page in docs/problems. `x-signet-limit` names the class that limits \
    an operation, `x-signet-permission` the permission it needs, `x-signet-fresh-login` how many \
    seconds ago the password may have been proven, and `x-signet-local-only` marks what exists in \
    local mode only.";

fn operation(declaration: &Declaration, exchange: &Exchange, components: &mut Components) -> Value {
    let mut operation = Map::new();
    let mut say = |name: &str, value: Value| operation.insert(name.to_owned(), value);
    say("operationId", json!(declaration.id));
    say("summary", json!(declaration.summary));
    if let Some(description) = declaration.description {
        say("description", json!(description));
    }
    say("tags", json!([tag(declaration.path)]));
    say("x-signet-limit", json!(declaration.limit.name()));
    if let Requirement::Permission(permission) = declaration.requirement {
        say("x-signet-permission", json!(permission));
    }
    if declaration.fresh {
        say("x-signet-fresh-login", json!(FRESH));
    }
    if declaration.local_only {
        say("x-signet-local-only", json!(true));
    }
    say("security", security(declaration.requirement));
    say(
        "parameters",
        json!(parameters(declaration.path, &exchange.input)),
    );
    if let Some(body) = &exchange.input.body {
        let content = json!({ body.media_type: { "schema": body.schema } });
        let body = json!({ "required": body.required, "content": content });
        say("requestBody", body);
    }
    say("responses", responses(declaration, exchange, components));
    Value::Object(operation)
}

/// The part of the API that a path belongs to.
fn tag(path: &str) -> &'static str {
    if path.starts_with("/v1/admin/") {
        "administration"
    } else if path.starts_with("/v1/auth/") {
        "verification"
    } else if path.starts_with("/v1/") {
        "accounts and sessions"
    } else if path.starts_with("/.well-known/") {
        "verification"
    } else {
        "service"
    }
}

fn security(requirement: Requirement) -> Value {
    match requirement {
        Requirement::Nothing => json!([]),
        Requirement::OptionalBearer => json!([{}, { "bearer": [] }]),
        Requirement::Bearer | Requirement::Permission(_) => json!([{ "bearer": [] }]),
        Requirement::Ticker => json!([{ "ticker": [] }]),
    }
}

fn parameters(path: &str, input: &Description) -> Vec<Value> {
    let names = path
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name);
    let in_path = names.zip(&input.path).map(
        |(name, schema)| json!({ "name": name, "in": "path", "required": true, "schema": schema }),
    );
    let in_query = input.query.iter().map(|field| {
        json!({
            "name": field.name,
            "in": "query",
            "description": field.meaning,
            "required": field.required,
            "schema": field.schema,
        })
    });
    in_path.chain(in_query).collect()
}

fn responses(declaration: &Declaration, exchange: &Exchange, components: &mut Components) -> Value {
    let mut responses = Map::new();
    let status = exchange.status.as_str().to_owned();
    responses.insert(status, success(declaration, exchange));
    if let Some((status, meaning)) = exchange.without_body {
        let mut headers = header_references(&success_headers(declaration, exchange));
        for (name, about) in exchange.headers {
            headers.insert((*name).to_owned(), text_header(about));
        }
        let answer = json!({ "description": meaning, "headers": headers });
        responses.insert(status.as_str().to_owned(), answer);
    }
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in problems(declaration, &exchange.input) {
        by_status
            .entry(declaration.refusal.status(code).as_u16())
            .or_default()
            .push(code);
    }
    for (status, codes) in by_status {
        let refusal = components.refusal(declaration.refusal, status, &codes);
        responses.insert(status.to_string(), refusal);
    }
    Value::Object(responses)
}

/// The answer to what was granted.
fn success(declaration: &Declaration, exchange: &Exchange) -> Value {
    let mut headers = header_references(&success_headers(declaration, exchange));
    for (name, about) in exchange.headers {
        headers.insert((*name).to_owned(), text_header(about));
    }
    for (name, about) in exchange.optional_headers {
        let header = json!({ "description": about, "schema": { "type": "string" } });
        headers.insert((*name).to_owned(), header);
    }
    let Some(content) = &exchange.content else {
        return json!({ "description": exchange.meaning, "headers": headers });
    };
    let media = match &content.schema {
        Some(schema) => json!({ "schema": schema }),
        None => json!({}),
    };
    json!({
        "description": exchange.meaning,
        "headers": headers,
        "content": { content.media_type: media },
    })
}

/// A page that tells of a problem.
fn page() -> Value {
    json!({ "text/html": {} })
}

/// The answer for some problems of one status.
fn refusal(form: Refusal, status: u16, codes: &[&str], content: &Value) -> Value {
    let mut headers = vec!["x-request-id"];
    match form {
        Refusal::Document | Refusal::Page => {}
        Refusal::Proxy => headers.push("x-signet-code"),
    }
    match status {
        401 => headers.push("WWW-Authenticate"),
        429 | 503 => headers.push("Retry-After"),
        _ => {}
    }
    json!({
        "description": codes.join(" or "),
        "headers": header_references(&headers),
        "content": content,
    })
}

/// Every problem an operation may answer with: its own, and those that follow from what it is.
fn problems(declaration: &Declaration, input: &Description) -> BTreeSet<Code> {
    let mut codes: BTreeSet<Code> = declaration.refusals.iter().copied().collect();
    codes.extend([
        Code::InvalidRequest,
        Code::MisdirectedRequest,
        Code::InternalError,
    ]);
    if declaration.limit.is_limited() {
        codes.extend([Code::RateLimited, Code::Unavailable]);
    }
    let refuses_a_query = declaration.is_api() && declaration.refusal != Refusal::Proxy;
    if refuses_a_query || !input.query.is_empty() || input.body.is_some() {
        codes.insert(Code::ValidationFailed);
    }
    if declaration.local_only || !input.path.is_empty() {
        codes.insert(Code::NotFound);
    }
    if input.body.is_some() {
        codes.extend([Code::UnsupportedMediaType, Code::PayloadTooLarge]);
    }
    if declaration.fresh {
        codes.insert(Code::ReauthenticationRequired);
    }
    match declaration.requirement {
        Requirement::Nothing | Requirement::OptionalBearer => {}
        Requirement::Bearer | Requirement::Ticker => {
            codes.extend([Code::MissingToken, Code::InvalidToken]);
        }
        Requirement::Permission(_) => codes.extend([
            Code::MissingToken,
            Code::InvalidToken,
            Code::InsufficientScope,
        ]),
    }
    codes
}

fn success_headers(declaration: &Declaration, exchange: &Exchange) -> Vec<&'static str> {
    let mut headers = vec!["x-request-id"];
    if declaration.limit.is_limited() {
        headers.extend(["RateLimit", "RateLimit-Policy"]);
    }
    if exchange.status == http::StatusCode::CREATED {
        headers.push("Location");
    }
    headers
}

fn header_references(names: &[&str]) -> Map<String, Value> {
    names
        .iter()
        .map(|name| {
            let reference = format!("#/components/headers/{name}");
            ((*name).to_owned(), json!({ "$ref": reference }))
        })
        .collect()
}

fn headers() -> Value {
    json!({
        "x-request-id": text_header("The id of the request, in the log and in problems as well"),
        "x-signet-code": text_header("The code of the problem, for proxies that don't hand its body on"),
        "RateLimit": text_header("What is left of the caller's budget"),
        "RateLimit-Policy": text_header("The budget"),
        "Retry-After": {
            "description": "Seconds to wait",
            "required": true,
            "schema": { "type": "integer", "minimum": 1 },
        },
        "WWW-Authenticate": text_header("What to authenticate with (RFC 6750, RFC 9470)"),
        "Location": text_header("The path of what was created"),
    })
}

/// A header that is always there.
fn text_header(about: &str) -> Value {
    json!({ "description": about, "required": true, "schema": { "type": "string" } })
}
