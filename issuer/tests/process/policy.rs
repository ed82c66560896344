//! `signet policy …`: `check` and `compile` here, on policies of the repository and on bad ones, and
//! the others each in a file.

mod cases;
mod explain;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use signet_verifier::policy::document::{Allow, Policy, Rule};
use signet_verifier::policy::{Condition, Method, TargetPath};

use super::harness::{Ended, Signet};

/// A file of the repository.
fn committed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

fn check(policy: &Path, more: &[&str]) -> Ended {
    let arguments = ["policy", "check", policy.to_str().unwrap()];
    Signet::new().run(&[&arguments[..], more].concat())
}

/// The page that explains policies, whose examples the tests use.
const PAGE: &str = include_str!("../../../docs/POLICY.md");

/// The examples of the page that are TOML.
fn blocks() -> impl Iterator<Item = &'static str> {
    let fenced = PAGE.split("\n```").skip(1).step_by(2);
    fenced.filter_map(|block| block.strip_prefix("toml\n"))
}

/// The page's first policy.
fn policy() -> &'static str {
    blocks().next().unwrap()
}

/// A folder with that policy and these cases.
fn with_cases(cases: &str) -> Signet {
    let signet = Signet::new();
    fs::write(signet.folder().join("policy.toml"), policy()).unwrap();
    fs::write(signet.folder().join("cases.toml"), cases).unwrap();
    signet
}

/// What the check of a text says.
fn check_text(text: &str, more: &[&str]) -> Ended {
    let signet = Signet::new();
    fs::write(signet.folder().join("policy.toml"), text).unwrap();
    let arguments = ["policy", "check", "policy.toml"];
    signet.run(&[&arguments[..], more].concat())
}

const HEAD: &str = "version = 1\nissuer = \"https://i.example\"\naudience = [\"a\"]\n";

#[test]
fn every_operation_of_signet_itself_has_a_rule() {
    let openapi = committed("openapi.json");
    let policy = committed("deploy/policy.toml");
    let ended = check(&policy, &["--openapi", openapi.to_str().unwrap()]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(!ended.out.contains("note"), "{}", ended.out);
    assert!(ended.out.starts_with("every operation has a rule: "));
}

#[test]
fn the_rules_for_signet_itself_ask_for_what_its_description_says() {
    let text = fs::read_to_string(committed("deploy/policy.toml")).unwrap();
    let policy = Policy::from_toml(&text).unwrap();
    let description = include_str!("../../../openapi.json");
    let description: Value = serde_json::from_str(description).unwrap();
    let paths = description["paths"].as_object().unwrap();
    for (path, item) in paths {
        let filled = path.replace(['{', '}'], "");
        let target = TargetPath::parse(filled.as_bytes()).unwrap();
        for (method, operation) in item.as_object().unwrap() {
            let method = method.to_uppercase();
            let method = Method::parse(method.as_bytes()).unwrap();
            let rule = policy.rule(&target, method).unwrap();
            let needs_token = operation["security"] == json!([{ "bearer": [] }]);
            if needs_token {
                assert!(matches!(rule.allow, Allow::When(_)), "{path}");
            }
            if let Some(permission) = operation["x-signet-permission"].as_str() {
                assert!(asks_for(rule, permission), "{path}: {permission}");
            }
        }
    }
}

fn asks_for(rule: &Rule, permission: &str) -> bool {
    let wanted = Condition::Permission(permission.to_owned());
    match &rule.allow {
        Allow::When(Condition::All(parts)) => parts.contains(&wanted),
        Allow::When(condition) => *condition == wanted,
        Allow::Anyone | Allow::Optional => false,
    }
}

#[test]
fn every_fault_has_a_line_of_its_own_with_its_place() {
    let text = format!(
        "{HEAD}colour = 1\n[[rule]]\nid = \"a\"\npath = \"/a//b\"\nallow = \"nobody\"\n\
         [[rule]]\nid = \"b\"\nmethods = [\"TRACE\"]\npath = \"/b\"\n"
    );
    let ended = check_text(&text, &[]);
    assert_eq!(ended.code, 1);
    let places: Vec<&str> = ended
        .out
        .lines()
        .map(|line| line.split(": ").next().unwrap())
        .collect();
    let wanted = ["4:1", "7:8", "8:9", "9:1", "11:12"].map(|place| format!("policy.toml:{place}"));
    assert_eq!(places, wanted, "{}", ended.out);
    let as_json = check_text(&text, &["--json"]);
    let as_json: Value = serde_json::from_str(&as_json.out).unwrap();
    assert_eq!(as_json["ok"], false);
    assert_eq!(as_json["faults"].as_array().unwrap().len(), 5);
    assert_eq!(as_json["faults"][1]["line"], 7);
    let not_toml = check_text("version = \n[[rule]\n", &[]);
    assert_eq!(not_toml.code, 1);
    assert!(
        not_toml.out.starts_with("policy.toml:1:"),
        "{}",
        not_toml.out
    );
}

#[test]
fn what_was_probably_not_meant_is_noted_and_no_fault() {
    let rule = |id: &str, methods: &str, path: &str| {
        format!("[[rule]]\nid = \"{id}\"\n{methods}path = \"{path}\"\nallow = \"anyone\"\n")
    };
    let text = [
        HEAD,
        &rule("a", "methods = [\"GET\", \"Post\"]\n", "/a/{x}/b*/c:d/"),
        &rule("b", "", "/b/:id/*"),
    ]
    .concat();
    let ended = check_text(&text, &[]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert_eq!(
        ended.out,
        "note: rule \"a\" (GET, Post /a/{x}/b*/c:d/): the method \"Post\" is another one than \"POST\"\n\
         note: rule \"b\" (/b/:id/*): the segment \":id\" matches only itself; a parameter is written \"{id}\"\n\
         note: rule \"b\" (/b/:id/*): the segment \"*\" matches only itself; a parameter is written \"{*rest}\"\n\
         the policy is good: 2 rules\n"
    );
    let as_json = check_text(&text, &["--json"]);
    let as_json: Value = serde_json::from_str(&as_json.out).unwrap();
    assert_eq!(as_json["ok"], true);
    assert_eq!(as_json["doubts"].as_array().unwrap().len(), 3);
}

#[test]
fn operations_without_a_rule_are_listed() {
    let signet = Signet::new();
    let policy = format!(
        "{HEAD}[[rule]]\nid = \"one\"\nmethods = [\"GET\"]\npath = \"/v1/agents/{{agent}}\"\n\
         allow = \"anyone\"\n[[rule]]\nid = \"old\"\npath = \"/v0/{{*rest}}\"\nallow = \"anyone\"\n"
    );
    fs::write(signet.folder().join("policy.toml"), policy).unwrap();
    let spec = json!({
        "openapi": "3.1.0",
        "servers": [{ "url": "https://api.example.com/v1" }],
        "paths": {
            "/agents": { "get": {} },
            "/agents/{id}": { "get": {}, "delete": { "operationId": "deleteAgent" } },
        },
    });
    fs::write(signet.folder().join("spec.json"), spec.to_string()).unwrap();
    let arguments = ["policy", "check", "policy.toml", "--openapi", "spec.json"];
    let ended = signet.run(&arguments);
    assert_eq!(ended.code, 1);
    let lines: Vec<&str> = ended.out.lines().collect();
    assert_eq!(
        lines,
        [
            "GET /v1/agents has no rule: no rule's path matches",
            "DELETE /v1/agents/{id} (deleteAgent) has no rule: /v1/agents/{agent} has rules for GET",
            "note: no operation reaches rule \"old\" (/v0/{*rest})",
            "2 of 3 operations without a rule",
        ]
    );
    let as_json = signet.run(&[&arguments[..], &["--json"]].concat());
    assert_eq!(as_json.code, 1);
    let as_json: Value = serde_json::from_str(&as_json.out).unwrap();
    assert_eq!(as_json["without_rule"][1]["operation_id"], "deleteAgent");
    assert_eq!(as_json["unreached"], json!(["old"]));
}

#[test]
fn a_description_that_would_leave_operations_out_is_exit_2() {
    let signet = Signet::new();
    fs::write(signet.folder().join("policy.toml"), HEAD).unwrap();
    for (paths, told) in [
        (json!({}), "can't use spec.json: it describes no operation"),
        (json!({ "/a": {} }), "it describes no operation"),
        (json!({ "a": { "get": {} } }), "doesn't begin with a slash"),
        (json!({ "/a": { "GET": {} } }), "has to be written \"get\""),
    ] {
        let spec = json!({ "openapi": "3.1.0", "paths": paths });
        fs::write(signet.folder().join("spec.json"), spec.to_string()).unwrap();
        let ended = signet.run(&["policy", "check", "policy.toml", "--openapi", "spec.json"]);
        assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{told}");
        assert!(ended.err.contains(told), "{told}: {}", ended.err);
    }
}

#[test]
fn compiling_is_canonical_and_what_it_prints_is_a_policy() {
    let policy = committed("deploy/policy.toml");
    let signet = Signet::new();
    let compile = |file: &str| signet.run(&["policy", "compile", file]);
    let compiled = compile(policy.to_str().unwrap());
    assert_eq!(compiled.code, 0, "{}", compiled.err);
    assert!(compiled.out.starts_with("{\"version\":1,") && compiled.out.ends_with("}\n"));
    fs::write(signet.folder().join("policy.json"), &compiled.out).unwrap();
    assert_eq!(compile("policy.json").out, compiled.out);
    assert_eq!(signet.run(&["policy", "check", "policy.json"]).code, 0);
    fs::write(signet.folder().join("bad.toml"), "version = 2").unwrap();
    let bad = compile("bad.toml");
    assert_eq!((bad.code, bad.out.as_str()), (2, ""));
    assert!(
        bad.err.contains("\nbad.toml:1:11: must be 1\n"),
        "{}",
        bad.err
    );
}

#[test]
fn notation_order_of_tables_and_spelling_of_paths_do_not_count_in_what_is_compiled() {
    let compiled = |text: &str| {
        let signet = Signet::new();
        fs::write(signet.folder().join("policy.toml"), text).unwrap();
        let ended = signet.run(&["policy", "compile", "policy.toml"]);
        assert_eq!(ended.code, 0, "{}", ended.err);
        ended.out
    };
    let roles = "[roles]\nb = [\"x\", \"y\"]\na = [\"x\"]\n";
    let rule = "[[rule]]\nid = \"r\"\npath = \"/%61\"\nallow = { fresh_within = \"5m\" }\n";
    let alike = "rule = [{ allow.fresh_within = \"300s\", path = \"/a\", id = \"r\" }]\n\
                 roles = { a = [\"x\"], b = [\"x\", \"y\"] }\n";
    let first = compiled(&format!("{HEAD}{roles}{rule}"));
    assert_eq!(compiled(&format!("{HEAD}{rule}{roles}")), first);
    assert_eq!(compiled(&format!("{HEAD}{alike}")), first);
    let other_list = roles.replace("\"x\", \"y\"", "\"y\", \"x\"");
    assert_ne!(compiled(&format!("{HEAD}{other_list}{rule}")), first);
}

#[test]
fn what_cannot_be_read_is_exit_2() {
    let signet = Signet::new();
    fs::write(signet.folder().join("policy.toml"), HEAD).unwrap();
    fs::write(
        signet.folder().join("spec.yaml"),
        "openapi: 3.1.0\npaths: {}\n",
    )
    .unwrap();
    for arguments in [
        &["policy", "check", "none.toml"][..],
        &["policy", "compile", "none.toml"],
        &["policy", "check", "policy.toml", "--openapi", "none.json"],
        &["policy", "check", "policy.toml", "--openapi", "spec.yaml"],
        &["policy"],
    ] {
        let ended = signet.run(arguments);
        assert_eq!(ended.code, 2, "{arguments:?}: {}", ended.out);
        assert!(ended.out.is_empty() && !ended.err.is_empty());
    }
}
