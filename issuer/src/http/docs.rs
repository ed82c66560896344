//! `/docs`: the OpenAPI document for people, rendered here, without script and without anything
//! from elsewhere.

#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value indexed by what it lacks is null, which the page leaves out"
)]

use std::sync::LazyLock;

use bytes::Bytes;
use maud::{DOCTYPE, Markup, html};
use serde_json::{Map, Value};

use super::answer::{Page, StyleSheet};
use super::problem::{Code, Problem};
use super::route::access::Anyone;
use super::route::call::Call;
use super::route::{Route, get};
use super::{limit, openapi};

/// The page loads its own style sheet and nothing else.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'";

static PAGE: LazyLock<Bytes> = LazyLock::new(|| {
    let document = openapi::document(&super::routes());
    Bytes::from(page(&document).into_string())
});

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/docs", limit::PUBLIC)
            .named("docs", "The API, for people")
            .handled_by(serve),
        get("/docs/style.css", limit::PUBLIC)
            .named("docsStyle", "How the API's page looks")
            .handled_by(style),
    ]
}

async fn serve(_: Call<Anyone>) -> Result<Page, Problem> {
    Ok(Page {
        html: PAGE.clone(),
        policy: POLICY,
    })
}

async fn style(_: Call<Anyone>) -> Result<StyleSheet, Problem> {
    Ok(StyleSheet(include_str!("docs/style.css")))
}

const TAGS: [&str; 4] = [
    "accounts and sessions",
    "administration",
    "verification",
    "service",
];

/// An operation with its path and method.
struct Entry<'a> {
    path: &'a str,
    method: String,
    operation: &'a Value,
}

fn page(document: &Value) -> Markup {
    let empty = Map::new();
    let paths = document["paths"].as_object().unwrap_or(&empty);
    let entries: Vec<Entry<'_>> = paths
        .iter()
        .flat_map(|(path, operations)| {
            operations
                .as_object()
                .into_iter()
                .flatten()
                .map(move |(method, operation)| Entry {
                    path,
                    method: method.to_ascii_uppercase(),
                    operation,
                })
        })
        .collect();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Signet API" }
                link rel="stylesheet" href="/docs/style.css";
            }
            body {
                nav aria-label="Operations" { (navigation(&entries)) }
                main {
                    header {
                        h1 { "Signet API " span.version { (text(&document["info"]["version"])) } }
                        p { (prose(text(&document["info"]["description"]))) }
                        p { "For programs: " a href="/openapi.json" { "openapi.json" } }
                    }
                    @for tag in TAGS {
                        section {
                            h2 { (tag) }
                            @for entry in of_tag(&entries, tag) { (operation(entry, document)) }
                        }
                    }
                    (problems())
                }
            }
        }
    }
}

fn of_tag<'a>(entries: &'a [Entry<'a>], tag: &str) -> impl Iterator<Item = &'a Entry<'a>> {
    entries
        .iter()
        .filter(move |entry| entry.operation["tags"][0] == tag)
}

fn navigation(entries: &[Entry<'_>]) -> Markup {
    html! {
        p.brand { a href="/docs" { "Signet" } }
        @for tag in TAGS {
            p.tag { (tag) }
            ul {
                @for entry in of_tag(entries, tag) {
                    li {
                        a href={ "#" (text(&entry.operation["operationId"])) } {
                            span.method { (entry.method) } " " (entry.path)
                        }
                    }
                }
            }
        }
        p.tag { a href="#problems" { "problems" } }
    }
}

fn operation(entry: &Entry<'_>, document: &Value) -> Markup {
    let Entry {
        path,
        method,
        operation,
    } = entry;
    let bodies = operation["requestBody"]["content"].as_object();
    let parameters = operation["parameters"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    html! {
        article id=(text(&operation["operationId"])) {
            h3 { span.method { (method) } " " code { (path) } }
            p { (text(&operation["summary"])) "." }
            @if let Some(description) = operation["description"].as_str() {
                p { (prose(description)) }
            }
            (requirements(operation))
            @if !parameters.is_empty() {
                h4 { "Parameters" }
                dl {
                    @for parameter in parameters {
                        (member(
                            text(&parameter["name"]),
                            &parameter["schema"],
                            text(&parameter["description"]),
                            parameter["required"] == true,
                            document,
                        ))
                    }
                }
            }
            @for (media_type, body) in bodies.into_iter().flatten() {
                h4 { "Body · " code { (media_type) } }
                (members(&body["schema"], document))
            }
            h4 { "Answer" }
            @for (status, response) in answers(operation, document).filter(is_success) {
                (success(status, response, document))
            }
            h4 { "Refusals" }
            ul.refusals {
                @for (status, response) in answers(operation, document).filter(|a| !is_success(a)) {
                    li {
                        b { (status) } " "
                        @for code in text(&response["description"]).split(" or ") {
                            a href={ "#" (code) } { (code) } " "
                        }
                    }
                }
            }
        }
    }
}

fn answers<'a>(
    operation: &'a Value,
    document: &'a Value,
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let responses = operation["responses"].as_object().into_iter().flatten();
    responses.map(|(status, response)| (status.as_str(), resolve(response, document)))
}

fn is_success((status, _): &(&str, &Value)) -> bool {
    status.starts_with('2')
}

fn requirements(operation: &Value) -> Markup {
    let needs_bearer = operation["security"][0]["bearer"].is_array();
    html! {
        ul.chips {
            li { "limit " b { (text(&operation["x-signet-limit"])) } }
            @if needs_bearer { li { "access token" } }
            @if let Some(permission) = operation["x-signet-permission"].as_str() {
                li { "permission " b { (permission) } }
            }
            @if let Some(seconds) = operation["x-signet-fresh-login"].as_u64() {
                li { "login of the last " (seconds) " seconds" }
            }
            @if operation["x-signet-local-only"] == true { li { "local mode only" } }
        }
    }
}

fn success(status: &str, response: &Value, document: &Value) -> Markup {
    let schema = &response["content"]["application/json"]["schema"];
    html! {
        p {
            b { (status) } " " (text(&response["description"]))
            @for (media_type, _) in response["content"].as_object().into_iter().flatten() {
                " · " code { (media_type) }
            }
        }
        @if !schema.is_null() { (members(schema, document)) }
    }
}

/// The members of an object, with what is said of each.
fn members(schema: &Value, document: &Value) -> Markup {
    let schema = resolve(schema, document);
    let required = schema["required"].as_array();
    html! {
        dl {
            @for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                @let is_required = required.is_some_and(|names| names.iter().any(|n| n == name));
                (member(name, property, text(&property["description"]), is_required, document))
            }
        }
    }
}

fn member(name: &str, schema: &Value, about: &str, required: bool, document: &Value) -> Markup {
    let element = resolve(&schema["items"], document);
    html! {
        dt {
            code { (name) }
            span.type { (kind(schema)) }
            @if !required { span.type { "optional" } }
        }
        dd {
            (prose(about))
            @if element["properties"].is_object() { (members(element, document)) }
        }
    }
}

/// A schema in a few words.
fn kind(schema: &Value) -> String {
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<&str> = values.iter().map(text).collect();
        return values.join(" or ");
    }
    if let Some(alternatives) = schema["anyOf"].as_array() {
        let alternatives: Vec<String> = alternatives.iter().map(kind).collect();
        return alternatives.join(" or ");
    }
    let name = |value: &Value| match (value.as_str(), schema["format"].as_str()) {
        (Some("string"), Some(format)) => format.to_owned(),
        (Some("array"), _) => "list".to_owned(),
        (Some(name), _) => name.to_owned(),
        (None, _) => String::new(),
    };
    match &schema["type"] {
        Value::Array(types) => types.iter().map(name).collect::<Vec<_>>().join(" or "),
        one => name(one),
    }
}

/// What a schema refers to, or itself.
fn resolve<'a>(schema: &'a Value, document: &'a Value) -> &'a Value {
    schema["$ref"]
        .as_str()
        .and_then(|reference| document.pointer(reference.strip_prefix('#')?))
        .unwrap_or(schema)
}

fn problems() -> Markup {
    html! {
        section id="problems" {
            h2 { "problems" }
            @for code in Code::ALL {
                article id=(code.as_str()) {
                    h3 { span.method { (code.status().as_u16()) } " " code { (code.as_str()) } }
                    p { (code.title()) ". " (code.detail()) }
                }
            }
        }
    }
}

/// A text in which backquotes stand around what is code.
fn prose(text: &str) -> Markup {
    html! {
        @for (number, part) in text.split('`').enumerate() {
            @if number % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
