//! `openapi.json`, held against what a service really answers.

use std::collections::{HashMap, HashSet};
use std::sync::{LazyLock, Mutex};

use http::{HeaderMap, Method, StatusCode};
use jsonschema::Validator;
use serde_json::{Value, json};

use super::Answer;

/// The committed document.
pub(crate) static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../../openapi.json")).unwrap());

/// The document's components, in which no object has members that aren't declared.
static COMPONENTS: LazyLock<Value> = LazyLock::new(|| {
    let mut components = DOCUMENT["components"].clone();
    for schema in components["schemas"].as_object_mut().unwrap().values_mut() {
        if schema["properties"].is_object() {
            schema["additionalProperties"] = json!(false);
        }
    }
    components
});

/// An operation of the document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    pub(crate) path: &'static str,
    pub(crate) method: &'static str,
    pub(crate) declared: &'static Value,
}

impl Operation {
    /// All of them.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let paths = DOCUMENT["paths"].as_object().unwrap();
        paths.iter().flat_map(|(path, operations)| {
            let operations = operations.as_object().unwrap();
            operations.iter().map(move |(method, declared)| Self {
                path,
                method,
                declared,
            })
        })
    }

    /// The one that a request is for.
    fn find(method: &Method, path: &str) -> Option<Self> {
        let method = if *method == Method::HEAD {
            "get"
        } else {
            method.as_str()
        };
        // What stands in the document as it is isn't what a template stands for.
        let is_literal = Self::all().any(|operation| operation.path == path);
        Self::all().find(|operation| {
            let fits = match is_literal {
                true => operation.path == path,
                false => fits(operation.path, path),
            };
            fits && operation.method.eq_ignore_ascii_case(method)
        })
    }

    /// The method.
    pub(crate) fn method(&self) -> Method {
        self.method.to_ascii_uppercase().parse().unwrap()
    }

    /// A path of it that leads nowhere.
    pub(crate) fn some_path(&self) -> String {
        let id = "00000000-0000-4000-8000-000000000000";
        self.path
            .replace("{id}", id)
            .replace("{name}", "no-such-role")
    }

    /// Its limit class.
    pub(crate) fn limit(&self) -> &'static str {
        self.declared["x-signet-limit"].as_str().unwrap()
    }

    /// The permission it needs.
    pub(crate) fn permission(&self) -> Option<&'static str> {
        self.declared["x-signet-permission"].as_str()
    }

    /// Whether it needs an access token.
    pub(crate) fn needs_bearer(&self) -> bool {
        let security = self.declared["security"].as_array().unwrap();
        !security.is_empty() && security.iter().all(|one| one["bearer"].is_array())
    }

    /// The members of its JSON body and their schemas, if it has one.
    pub(crate) fn body_members(&self) -> Option<&'static serde_json::Map<String, Value>> {
        self.members("application/json")
    }

    /// The fields of its form and their schemas, if it has one.
    pub(crate) fn form_fields(&self) -> Option<&'static serde_json::Map<String, Value>> {
        self.members("application/x-www-form-urlencoded")
    }

    fn members(&self, media_type: &str) -> Option<&'static serde_json::Map<String, Value>> {
        let content = &self.declared["requestBody"]["content"][media_type];
        let schema = content.get("schema")?;
        resolve(schema)["properties"].as_object()
    }

    /// Whether it is for programs.
    pub(crate) fn is_api(&self) -> bool {
        self.path.starts_with("/v1/")
    }
}

fn fits(template: &str, path: &str) -> bool {
    let template: Vec<&str> = template.split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    let fits = |(part, given): (&&str, &&str)| {
        part == given || (part.starts_with('{') && !given.is_empty())
    };
    template.len() == path.len() && template.iter().zip(&path).all(fits)
}

/// Fails unless the document declares the answer to the request.
pub(crate) fn check(method: &Method, target: &str, answer: &Answer) {
    let path = target.split('?').next().unwrap();
    let at = format!("{method} {target}: {} {}", answer.status, answer.text());
    check_frame(answer, &at);
    let response = match Operation::find(method, path) {
        Some(operation) => {
            let response = &operation.declared["responses"][answer.status.as_str()];
            assert!(!response.is_null(), "undeclared status: {at}");
            resolve(response)
        }
        None => {
            let expected = [
                StatusCode::NOT_FOUND,
                StatusCode::METHOD_NOT_ALLOWED,
                StatusCode::MISDIRECTED_REQUEST,
                StatusCode::BAD_REQUEST,
            ];
            assert!(expected.contains(&answer.status), "undeclared path: {at}");
            &*UNDECLARED
        }
    };
    for (name, header) in response["headers"].as_object().into_iter().flatten() {
        let required = resolve(header)["required"] == true;
        assert!(
            !required || answer.headers.contains_key(name),
            "no {name}: {at}"
        );
    }
    if *method != Method::HEAD {
        check_body(response, answer, &at);
    }
}

/// What a path or method that isn't declared is answered with.
static UNDECLARED: LazyLock<Value> = LazyLock::new(|| {
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    json!({ "content": { "application/problem+json": { "schema": schema } } })
});

fn check_body(response: &Value, answer: &Answer, at: &str) {
    let Some(content) = response["content"].as_object() else {
        assert!(answer.body.is_empty(), "an undeclared body: {at}");
        return;
    };
    let media_type = answer.header("content-type").split(';').next().unwrap();
    let declared = content.get(media_type);
    let declared = declared.unwrap_or_else(|| panic!("undeclared type {media_type}: {at}"));
    if !declared["schema"].is_null() {
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        if let Err(error) = validate(&declared["schema"], &body) {
            panic!("{error} at {}: {at}", error.instance_path());
        }
        if media_type == "application/problem+json" {
            check_problem(&body, answer, at);
        }
    }
}

/// What a schema can't say of problems.
fn check_problem(body: &Value, answer: &Answer, at: &str) {
    let code = body["code"].as_str().unwrap();
    assert_eq!(body["type"], format!("urn:signet:problem:{code}"), "{at}");
    assert_eq!(body["status"], answer.status.as_u16(), "{at}");
    assert_eq!(body["request_id"], answer.header("x-request-id"), "{at}");
    for fault in body["errors"].as_array().into_iter().flatten() {
        let fault = fault["code"].as_str().unwrap();
        assert!(FAULTS.contains(fault), "{fault} is on no page: {at}");
    }
}

/// The codes of faults that the pages of problems explain.
static FAULTS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let pages = [
        include_str!("../../../../docs/problems/validation_failed.md"),
        include_str!("../../../../docs/problems/weak_password.md"),
    ];
    let rows = pages.into_iter().flat_map(str::lines);
    let cells = rows.filter_map(|row| row.strip_prefix("| ")?.split(" | ").next());
    let codes = cells.flat_map(|cell| cell.split(", "));
    codes
        .filter_map(|code| code.strip_prefix('`')?.strip_suffix('`'))
        .collect()
});

/// What every answer has, whatever it is.
fn check_frame(answer: &Answer, at: &str) {
    let headers = &answer.headers;
    let is = |name: &str, value: &str| {
        assert_eq!(all(headers, name), [value], "{name}: {at}");
    };
    is("x-content-type-options", "nosniff");
    is("referrer-policy", "no-referrer");
    assert_eq!(all(headers, "x-request-id").len(), 1, "{at}");
    assert_eq!(all(headers, "cache-control").len(), 1, "{at}");
    let policy = all(headers, "content-security-policy");
    assert_eq!(policy.len(), 1, "{at}");
    assert!(policy[0].contains("default-src 'none'"), "{at}");
    assert!(policy[0].contains("frame-ancestors 'none'"), "{at}");
    let is_json = answer.header("content-type").contains("json");
    assert!(
        !is_json || policy == ["default-src 'none'; frame-ancestors 'none'"],
        "{at}"
    );
    let is_server_error = answer.status.is_server_error();
    let is_unavailable = answer.status == StatusCode::SERVICE_UNAVAILABLE;
    assert!(!is_server_error || is_unavailable, "a server error: {at}");
}

/// Every value of a header.
pub(crate) fn all<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    headers
        .get_all(name)
        .iter()
        .map(|value| value.to_str().unwrap())
        .collect()
}

fn resolve(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(reference) => DOCUMENT
            .pointer(reference.strip_prefix('#').unwrap())
            .unwrap(),
        None => value,
    }
}

fn validate<'a>(schema: &Value, body: &'a Value) -> Result<(), jsonschema::ValidationError<'a>> {
    static VALIDATORS: LazyLock<Mutex<HashMap<String, &'static Validator>>> =
        LazyLock::new(Mutex::default);
    let validator = *VALIDATORS
        .lock()
        .unwrap()
        .entry(schema.to_string())
        .or_insert_with(|| {
            let schema = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "components": *COMPONENTS,
                "allOf": [schema],
            });
            let options = jsonschema::options().should_validate_formats(true);
            Box::leak(Box::new(options.build(&schema).unwrap()))
        });
    validator.validate(body)
}
