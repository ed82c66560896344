//! Policies that are read, written and refused.

use alloc::format;
use alloc::string::ToString;

use super::*;
use crate::policy::Method;

const POLICY: &str = r#"version = 1
issuer = "https://auth.example.com"
audience = ["agents-api"]

[roles]
support = ["agents:read"]

[[rule]]
id = "health"
methods = ["GET"]
path = "/healthz"
allow = "anyone"

[[rule]]
id = "read-agent"
methods = ["GET"]
path = "/v1/agents/{agent}"
allow = { permission = "agents:read" }

[[rule]]
id = "own-profile"
path = "/v1/users/{user}/{*rest}"
allow = { any = [ { subject = "{user}" }, { role = "admin" } ] }

[[rule]]
id = "rotate"
methods = ["POST"]
path = "/v1/keys/rotate"
allow = { all = [ { role = "admin" }, { fresh_within = "5m" } ] }
revocation = "required"
"#;

const CANONICAL: &str = concat!(
    r#"{"version":1,"issuer":"https://auth.example.com","audience":["agents-api"],"#,
    r#""roles":{"support":["agents:read"]},"rule":["#,
    r#"{"id":"health","methods":["GET"],"path":"/healthz","allow":"anyone"},"#,
    r#"{"id":"read-agent","methods":["GET"],"path":"/v1/agents/{agent}","#,
    r#""allow":{"permission":"agents:read"}},"#,
    r#"{"id":"own-profile","path":"/v1/users/{user}/{*rest}","#,
    r#""allow":{"any":[{"subject":"{user}"},{"role":"admin"}]}},"#,
    r#"{"id":"rotate","methods":["POST"],"path":"/v1/keys/rotate","#,
    r#""allow":{"all":[{"role":"admin"},{"fresh_within":"300s"}]},"revocation":"required"}]}"#,
);

fn faults(text: &str) -> Vec<String> {
    let faults = Policy::from_toml(text).unwrap_err();
    faults.iter().map(Fault::to_string).collect()
}

/// The faults of one rule whose `allow` is this.
fn allow_faults(allow: &str) -> Vec<String> {
    faults(&rules(&alloc::format!(
        "id='r'\npath='/a/{{x}}/{{*y}}'\nallow={allow}\n"
    )))
}

/// A policy of one rule, which begins in line 5.
fn rules(rule: &str) -> String {
    alloc::format!("version=1\nissuer='i'\naudience=['a']\n[[rule]]\n{rule}")
}

#[test]
fn toml_becomes_canonical_json_which_reads_as_the_same() {
    let policy = Policy::from_toml(POLICY).unwrap();
    assert_eq!(policy.to_json(), CANONICAL);
    let again = Policy::from_json(CANONICAL.as_bytes()).unwrap();
    assert_eq!(again.to_json(), CANONICAL);
    assert_eq!(again.rules(), policy.rules());
    assert_eq!(policy.permissions_of("support"), ["agents:read"]);
    assert!(policy.permissions_of("admin").is_empty());
}

#[test]
fn every_setting_survives() {
    let text = concat!(
        r#"{"version":1,"issuer":"i\"\\\u0001é","audience":["a","b"],"forward_token":false,"#,
        r#""preflight":"pass","known_roles":["admin"],"known_permissions":["x:y"],"rule":["#,
        r#"{"id":"r","path":"/{x}/","allow":{"not":{"all":[{"role":"admin"},"#,
        r#"{"permission":"x:y"},{"subject":"{x}"}]}},"revocation":"off"},"#,
        r#"{"id":"o","path":"/","allow":"optional"},"#,
        r#"{"id":"s","path":"/s","allow":"authenticated"}]}"#,
    );
    let policy = Policy::from_json(text.as_bytes()).unwrap();
    assert_eq!(policy.to_json(), text);
    assert!(!policy.forwards_token());
    assert_eq!(policy.preflight(), Preflight::Pass);
    assert_eq!(policy.issuer(), "i\"\\\u{1}\u{e9}");
    assert_eq!(policy.audiences(), ["a", "b"]);
    let rules: Vec<&str> = policy.rules().iter().map(|rule| &*rule.id).collect();
    assert_eq!(rules, ["r", "o", "s"]);
}

#[test]
fn what_goes_without_saying_may_be_said() {
    let said = r#"{"version":1,"issuer":"i","audience":["a"],"forward_token":true,"preflight":"rule","roles":{},"rule":[{"id":"r","path":"/","allow":"anyone","revocation":"best_effort"}]}"#;
    let policy = Policy::from_json(said.as_bytes()).unwrap();
    assert_eq!(policy.preflight(), Preflight::Rule);
    let canonical = r#"{"version":1,"issuer":"i","audience":["a"],"rule":[{"id":"r","path":"/","allow":"anyone"}]}"#;
    assert_eq!(policy.to_json(), canonical);
}

#[test]
fn a_request_finds_its_rule() {
    let policy = Policy::from_toml(POLICY).unwrap();
    let rule = |method: &str, path: &str| {
        let path = TargetPath::parse(path.as_bytes()).unwrap();
        let rule = policy.rule(&path, Method::parse(method.as_bytes()).unwrap());
        rule.map(|rule| String::from(&*rule.id))
    };
    assert_eq!(rule("HEAD", "/healthz?x").as_deref(), Some("health"));
    assert_eq!(rule("GET", "/v1/agents/7").as_deref(), Some("read-agent"));
    assert_eq!(rule("DELETE", "/v1/agents/7"), None);
    assert_eq!(
        rule("PUT", "/v1/users/7/a/b").as_deref(),
        Some("own-profile")
    );
    assert_eq!(rule("GET", "/v1/users/7"), None);
}

#[test]
fn every_fault_is_told_at_once_with_its_place() {
    let text = "version = 2\naudience = []\nissuers = 'x'\n\n[[rule]]\nid = 'a b'\npath = '/a//b'\n\
                allow = 'everyone'\n\n[[rule]]\nid = 'b'\nmethods = ['TRACE']\npath = '/b'\n\
                allow = { any = [{ rol = 'x' }, { role = 5 }] }\nrevocation = 'maybe'\n";
    assert_eq!(
        faults(text),
        [
            "1:1: issuer is missing",
            "1:11: must be 1",
            "2:12: must be a list of at least one audience, none of them empty",
            "3:1: nothing is called \"issuers\" here",
            "6:6: must be 1 to 64 of A-Z a-z 0-9 . _ : / -, a letter or digit first",
            "7:8: the pattern has two slashes in a row",
            "8:9: must be \"anyone\", \"optional\", \"authenticated\", or a table of one condition",
            "12:12: TRACE can't be allowed",
            "14:20: nothing is called \"rol\" here",
            "14:42: must be 1 to 64 of A-Z a-z 0-9 . _ : / -, a letter or digit first",
            "15:14: must be \"required\", \"best_effort\" or \"off\"",
        ]
    );
}

#[test]
fn mistakes_of_notation_are_told_with_their_places() {
    let faults = Policy::from_toml("version = \nissuer = 'x\naudience = ['a']\n").unwrap_err();
    let lines: Vec<usize> = faults.iter().map(|fault| fault.place.line).collect();
    assert_eq!(lines, [1, 2]);
    assert!(Policy::from_toml("version = 1\nversion = 1\n").is_err());
    for text in ["", "[]", "{", "{\"version\":1,\"version\":1}"] {
        assert!(Policy::from_json(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn conditions_that_say_nothing_or_too_much_are_refused() {
    for allow in [
        "{}",
        "5",
        "[]",
        "''",
        "{ role = 'a', permission = 'b' }",
        "{ all = [] }",
        "{ any = {} }",
        "{ any = ['authenticated'] }",
        "{ not = [] }",
        "{ role = 'a b' }",
        "{ role = ['a'] }",
        "{ subject = 'x' }",
        "{ subject = '{z}' }",
        "{ subject = '{y}' }",
        "{ fresh_within = 300 }",
        "{ fresh_within = '5' }",
        "{ fresh_within = 'm' }",
        "{ fresh_within = '-5m' }",
        "{ fresh_within = '+5m' }",
        "{ fresh_within = '1.5h' }",
        "{ fresh_within = '5 m' }",
        "{ fresh_within = '99999999999999999999d' }",
        "{ fresh_within = '9999999999999999999d' }",
    ] {
        assert_eq!(allow_faults(allow).len(), 1, "{allow}");
    }
    let nested = |depth: usize| {
        let (open, close) = ("{ not = ".repeat(depth), " }".repeat(depth));
        rules(&alloc::format!(
            "id='r'\npath='/'\nallow={open}{{ role = 'a' }}{close}\n"
        ))
    };
    let deepest = Policy::from_toml(&nested(7)).unwrap();
    assert!(Policy::from_json(deepest.to_json().as_bytes()).is_ok());
    assert_eq!(faults(&nested(8)).len(), 1);
}

#[test]
fn rules_that_get_in_each_other_s_way_are_refused() {
    let two = |first: &str, second: &str| {
        faults(&rules(&alloc::format!("{first}\n[[rule]]\n{second}\n")))
    };
    let get = "id='a'\nmethods=['GET','PUT']\npath='/{x}'\nallow='anyone'";
    assert_eq!(
        two(get, "id='b'\nmethods=['PUT']\npath='/{y}'\nallow='anyone'"),
        ["9:1: rule \"a\" has the same path and names PUT too"]
    );
    assert_eq!(
        two(get, "id='a'\npath='/b'\nallow='anyone'"),
        ["9:1: another rule has the id \"a\""]
    );
    let usual = "id='u'\npath='/'\nallow='anyone'";
    assert_eq!(
        two(usual, "id='v'\npath='/'\nallow='anyone'"),
        ["8:1: rule \"u\" has the same path and names no method too"]
    );
}

#[test]
fn names_that_are_not_known_are_refused_where_some_are() {
    let known = "version=1\nissuer='i'\naudience=['a']\nknown_roles=['admin']\n\
                 known_permissions=['a:read','a:read']\n[[rule]]\nid='r'\npath='/'\n\
                 allow={ any=[{ role='admn' }, { permission='a:rea' }, { role='admin' }] }\n";
    assert_eq!(
        faults(known),
        [
            "5:29: \"a:read\" stands here twice",
            "9:21: \"admn\" is not among known_roles",
            "9:44: \"a:rea\" is not among known_permissions",
        ]
    );
}

#[cfg(feature = "toml")]
#[test]
fn what_rules_have_in_common_is_told_of_faulty_ones_too() {
    let text = "version = 1\nissuer = \"i\"\naudience = [\"a\"]\n\
         [[rule]]\nid = \"a\"\npath = \"/a\"\nallow = \"nobody\"\n\
         [[rule]]\nid = \"a\"\npath = \"/a\"\nmethods = [\"TRACE\", \"G T\", \"GET\", \"GET\"]\nallow = \"anyone\"\n\
         [[rule]]\nid = \"b\"\npath = \"/a\"\nallow = \"anyone\"\n";
    let faults = Policy::from_toml(text).unwrap_err();
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let told = told.join("\n");
    for (place, what) in [
        ("7:9", "must be"),
        ("8:1", "another rule has the id"),
        ("11:12", "TRACE can't be allowed"),
        ("11:21", "is no method"),
        ("11:35", "GET is named twice"),
        ("13:1", "rule \"a\" has the same path"),
    ] {
        let line = told
            .lines()
            .find(|line| line.starts_with(&format!("{place}: ")));
        assert!(
            line.is_some_and(|line| line.contains(what)),
            "{place}: {told}"
        );
    }
    assert_eq!(faults.len(), 6, "{told}");
}
