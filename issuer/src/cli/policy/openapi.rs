//! The operations that an OpenAPI document describes: versions 2 and 3, as JSON.
//!
//! An operation's path is that of a server, then that of the document. A document with several
//! servers describes the operation at each of them. What is behind a `$ref` to another file isn't
//! guessed at: the document has to be bundled first. Nor is a member passed over that could have been
//! meant as a path or an operation: what is left out here would seem to have a rule.

use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;
use signet_verifier::json::{Limits, Value};

/// The methods that a path item has members for (OpenAPI 3.2, section 4.9).
const METHODS: [&str; 9] = [
    "get", "head", "post", "put", "patch", "delete", "options", "trace", "query",
];

/// The other members of a path item.
const OTHER_MEMBERS: [&str; 6] = [
    "$ref",
    "summary",
    "description",
    "servers",
    "parameters",
    "additionalOperations",
];

/// How many servers the variables of a URL may stand for.
const MOST_SERVERS: usize = 256;

/// An operation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Operation {
    /// Its method.
    pub(super) method: String,
    /// Its path with the server's before it, with parameters in braces.
    pub(super) path: String,
    /// What the document calls it.
    pub(super) id: Option<String>,
}

/// All operations of a document, in its order: one at least.
pub(super) fn operations(text: &[u8]) -> Result<Vec<Operation>, String> {
    let document = Value::parse(text, &Limits::DOCUMENT).map_err(|_| {
        "it is not JSON, or has a member twice; a description in YAML has to be converted first"
            .to_owned()
    })?;
    let version = |name| document.get(name).and_then(Value::as_str);
    let root = match (version("openapi"), version("swagger")) {
        (Some(version), None) if version.starts_with("3.") => {
            servers(&document)?.unwrap_or_else(|| BTreeSet::from([String::new()]))
        }
        (None, Some("2.0")) => {
            let base = document.get("basePath").and_then(Value::as_str);
            BTreeSet::from([prefix(base.unwrap_or_default())])
        }
        _ => return Err("it is no OpenAPI document of version 2 or 3".to_owned()),
    };
    let Some(Value::Object(paths)) = document.get("paths") else {
        return Err("it has no paths".to_owned());
    };
    let mut found = Vec::new();
    for (path, item) in paths.iter().filter(|(path, _)| !is_extension(path)) {
        if !path.starts_with('/') {
            return Err(format!("its path {path:?} doesn't begin with a slash"));
        }
        let item = resolve(&document, item)?;
        check_members(path, item)?;
        let prefixes = servers(item)?.unwrap_or_else(|| root.clone());
        for (method, operation) in methods(item) {
            let prefixes = servers(operation)?.unwrap_or_else(|| prefixes.clone());
            found.extend(prefixes.into_iter().map(|prefix| Operation {
                method: method.clone(),
                path: format!("{prefix}{path}"),
                id: text_of(operation, "operationId").map(str::to_owned),
            }));
        }
    }
    if found.is_empty() {
        return Err("it describes no operation".to_owned());
    }
    Ok(found)
}

/// Whether a member is one that anybody may add (OpenAPI 3, "Specification Extensions").
fn is_extension(name: &str) -> bool {
    name.starts_with("x-")
}

/// Refuses a path item with a member that path items don't have.
fn check_members(path: &str, item: &Value<'_>) -> Result<(), String> {
    let Value::Object(members) = item else {
        return Err(format!("what it has at {path:?} is no object"));
    };
    let is_known =
        |name: &str| METHODS.contains(&name) || OTHER_MEMBERS.contains(&name) || is_extension(name);
    let Some((name, _)) = members.iter().find(|(name, _)| !is_known(name)) else {
        return Ok(());
    };
    let lower = name.to_ascii_lowercase();
    Err(if METHODS.contains(&&*lower) {
        format!("the method {name:?} of {path:?} has to be written {lower:?}")
    } else {
        format!("{name:?} of {path:?} is neither a method nor any other member of a path")
    })
}

fn text_of<'v>(value: &'v Value<'_>, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

/// The operations of a path item with their methods.
fn methods<'v>(item: &'v Value<'_>) -> Vec<(String, &'v Value<'v>)> {
    let fixed = METHODS
        .iter()
        .filter_map(|name| Some((name.to_ascii_uppercase(), item.get(name)?)));
    let additional = match item.get("additionalOperations") {
        Some(Value::Object(members)) => members.as_slice(),
        _ => &[],
    };
    let additional = additional
        .iter()
        .map(|(name, operation)| (name.clone().into_owned(), operation));
    fixed.chain(additional).collect()
}

/// The paths of the servers that something names; `None` where it names none.
fn servers(value: &Value<'_>) -> Result<Option<BTreeSet<String>>, String> {
    let Some(servers) = value.get("servers").and_then(Value::as_array) else {
        return Ok(None);
    };
    let mut prefixes = BTreeSet::new();
    for server in servers {
        let Some(url) = text_of(server, "url") else {
            return Err("a server has no url".to_owned());
        };
        prefixes.extend(filled_in(url, server)?.iter().map(|url| prefix(url)));
    }
    Ok(Some(prefixes).filter(|prefixes| !prefixes.is_empty()))
}

/// A server's URL with every value that its variables may have.
fn filled_in(url: &str, server: &Value<'_>) -> Result<Vec<String>, String> {
    let mut urls = vec![url.to_owned()];
    let variables = match server.get("variables") {
        Some(Value::Object(variables)) => variables.as_slice(),
        _ => &[],
    };
    for (name, variable) in variables {
        let listed = variable.get("enum").and_then(Value::as_array);
        let values: Vec<&str> = match listed {
            Some(values) => values.iter().filter_map(Value::as_str).collect(),
            None => text_of(variable, "default").into_iter().collect(),
        };
        let placeholder = format!("{{{name}}}");
        let with_each = |url: &String| -> Vec<String> {
            let with = |value: &&str| url.replace(&placeholder, value);
            values.iter().map(with).collect()
        };
        urls = urls.iter().flat_map(with_each).collect();
        urls.dedup();
        if urls.len() > MOST_SERVERS {
            return Err(format!(
                "the variables of {url:?} stand for too many servers"
            ));
        }
    }
    match urls.iter().find(|url| url.contains(['{', '}'])) {
        Some(url) => Err(format!("the server {url:?} has a variable without a value")),
        None => Ok(urls),
    }
}

/// The path of a server's URL, without the slash that paths begin with anyway.
fn prefix(url: &str) -> String {
    let behind_scheme = url.split_once("://").map(|(_, rest)| rest);
    let path = match behind_scheme.or_else(|| url.strip_prefix("//")) {
        Some(rest) => rest.find('/').and_then(|at| rest.get(at..)),
        None => Some(url),
    };
    let path = path.unwrap_or_default().trim_end_matches('/');
    let path = path.strip_prefix("./").unwrap_or(path);
    if path.is_empty() || path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    }
}

/// What a path item is, where it is behind a `$ref` within the document.
fn resolve<'v>(document: &'v Value<'v>, item: &'v Value<'v>) -> Result<&'v Value<'v>, String> {
    let Some(reference) = text_of(item, "$ref") else {
        return Ok(item);
    };
    let found = reference.strip_prefix("#/").and_then(|pointer| {
        pointer.split('/').try_fold(document, |value, name| {
            let name = percent_decode_str(name).decode_utf8().ok()?;
            value.get(&name.replace("~1", "/").replace("~0", "~"))
        })
    });
    found
        .filter(|found| found.get("$ref").is_none())
        .ok_or_else(|| format!("{reference:?} isn't in it; bundle the description first"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(document: &str) -> Vec<String> {
        let operations = operations(document.as_bytes()).unwrap();
        let shown = |operation: Operation| format!("{} {}", operation.method, operation.path);
        operations.into_iter().map(shown).collect()
    }

    #[test]
    fn operations_are_found_under_each_server() {
        let document = r##"{
            "openapi": "3.1.0",
            "servers": [{"url": "https://api.example.com/v1/"}, {"url": "/v1"}, {"url": "/v2"}],
            "paths": {
                "/a": {"get": {}, "parameters": [], "summary": "x"},
                "/b/{id}": {"servers": [{"url": "https://b.example.com"}], "delete": {}},
                "/c": {"$ref": "#/components/pathItems/c~1d"},
                "x-other": {"get": {}}
            },
            "components": {"pathItems": {"c/d": {"post": {"servers": [{"url": "//h/v3"}]}}}}
        }"##;
        let wanted = ["GET /v1/a", "GET /v2/a", "DELETE /b/{id}", "POST /v3/c"];
        assert_eq!(found(document), wanted);
    }

    #[test]
    fn variables_stand_for_all_their_values() {
        let document = r#"{
            "openapi": "3.2.0",
            "servers": [{"url": "https://{region}.example.com/{version}", "variables": {
                "region": {"default": "eu", "enum": ["eu", "us"]},
                "version": {"default": "v1"}
            }}],
            "paths": {"/a": {"query": {}, "additionalOperations": {"COPY": {}}}}
        }"#;
        assert_eq!(found(document), ["QUERY /v1/a", "COPY /v1/a"]);
        let two = document.replace(
            r#"{"default": "v1"}"#,
            r#"{"default": "v1", "enum": ["v1", "v2"]}"#,
        );
        assert_eq!(found(&two).len(), 4);
    }

    #[test]
    fn version_two_has_a_base_path() {
        let document = r#"{"swagger": "2.0", "basePath": "/api", "paths": {"/a": {"get": {}}}}"#;
        assert_eq!(found(document), ["GET /api/a"]);
    }

    #[test]
    fn members_that_are_no_operations_may_stand_beside_them() {
        let document = r#"{"openapi": "3.0.0", "paths": {
            "x-note": 1,
            "/a": {"summary": "s", "description": "d", "servers": [], "parameters": [],
                   "x-owner": "me", "get": {}}
        }}"#;
        assert_eq!(found(document), ["GET /a"]);
    }

    #[test]
    fn what_would_be_passed_over_is_told() {
        for (paths, told) in [
            ("", "it describes no operation"),
            (r#""/a": {"summary": "s"}"#, "it describes no operation"),
            (r#""x-a": {"get": {}}"#, "it describes no operation"),
            (
                r#""/a": {"get": {}}, "b/c": {"get": {}}"#,
                r#"its path "b/c" doesn't begin with a slash"#,
            ),
            (
                r#""/a": {"get": {}, "DELETE": {}}"#,
                r#"the method "DELETE" of "/a" has to be written "delete""#,
            ),
            (
                r#""/a": {"get": {}, "copy": {}}"#,
                r#""copy" of "/a" is neither a method nor any other member of a path"#,
            ),
            (r#""/a": null"#, r#"what it has at "/a" is no object"#),
        ] {
            let document = format!(r#"{{"openapi": "3.0.0", "paths": {{{paths}}}}}"#);
            assert_eq!(operations(document.as_bytes()), Err(told.to_owned()));
        }
    }

    #[test]
    fn what_would_have_to_be_guessed_at_is_refused() {
        for document in [
            "openapi: 3.0.0",
            "{}",
            r#"{"openapi": "4.0", "paths": {}}"#,
            r#"{"openapi": "3.0.0"}"#,
            r#"{"openapi": "3.0.0", "paths": {"/a": {}, "/a": {}}}"#,
            r#"{"openapi": "3.0.0", "paths": {"/a": {"$ref": "other.json#/a"}}}"#,
            r##"{"openapi": "3.0.0", "paths": {"/a": {"$ref": "#/components/none"}}}"##,
            r#"{"openapi": "3.0.0", "servers": [{"url": "/{v}"}], "paths": {"/a": {"get": {}}}}"#,
        ] {
            assert!(operations(document.as_bytes()).is_err(), "{document}");
        }
    }
}
