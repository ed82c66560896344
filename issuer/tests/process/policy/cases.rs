//! `signet policy test`, and the examples of docs/POLICY.md.

use std::fs;

use serde_json::Value;

use super::{PAGE, blocks, with_cases};
use crate::harness::{Ended, Signet};

fn test(cases: &str, more: &[&str]) -> Ended {
    let arguments = ["policy", "test", "policy.toml", "cases.toml"];
    with_cases(cases).run(&[&arguments[..], more].concat())
}

#[test]
fn the_examples_of_the_page_are_what_they_are_said_to_be() {
    let head = "version = 1\nissuer = \"https://i.example\"\naudience = [\"a\"]\n";
    let (mut policies, mut cases) = (0, 0);
    for block in blocks() {
        if block.contains("[[case]]") {
            let ended = test(block, &[]);
            assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
            cases += block.matches("[[case]]").count();
            continue;
        }
        let text = if block.contains("version") {
            block.to_owned()
        } else {
            format!("{head}{block}")
        };
        let signet = Signet::new();
        fs::write(signet.folder().join("policy.toml"), text).unwrap();
        let ended = signet.run(&["policy", "check", "policy.toml"]);
        assert_eq!(ended.code, 0, "{block}\n{}", ended.out);
        policies += 1;
    }
    assert!(
        policies >= 3 && cases >= 7,
        "{policies} policies, {cases} cases"
    );
    // One for each member that a case may have.
    for member in [
        "name", "request", "token", "expect", "rule", "feed", "headers",
    ] {
        assert!(PAGE.contains(&format!("| `{member}` |")), "{member}");
    }
}

#[test]
fn a_decision_that_is_not_the_wanted_one_is_told_with_what_is_missing() {
    let cases = "[[case]]\nname = \"a stranger\"\nrequest = \"GET /v1/agents/7\"\nexpect = \"allow\"\n\n\
         [[case]]\nrequest = \"GET /v1/agents/7\"\ntoken = { roles = [\"user\"] }\nexpect = \"allow\"\n\n\
         [[case]]\nrequest = \"GET /healthz\"\nexpect = \"allow\"\nrule = \"read-agent\"\n\n\
         [[case]]\nrequest = \"GET /healthz\"\nexpect = \"allow\"\nrule = \"health\"\n";
    let ended = test(cases, &[]);
    assert_eq!(ended.code, 1, "{}", ended.err);
    assert_eq!(
        ended.out,
        "cases.toml:1: a stranger\n    GET /v1/agents/7\n    \
         wanted allow, got missing_token by rule \"read-agent\"\n\
         cases.toml:6: GET /v1/agents/7\n    \
         wanted allow, got insufficient_scope by rule \"read-agent\"\n    \
         missing for an allow: permission \"agents:read\"\n\
         cases.toml:11: GET /healthz\n    \
         wanted allow by rule \"read-agent\", got allow by rule \"health\"\n\
         1 of 4 cases passed\n"
    );
    let as_json = test(cases, &["--json"]);
    assert_eq!(as_json.code, 1);
    let as_json: Value = serde_json::from_str(&as_json.out).unwrap();
    assert_eq!(as_json["cases"], 4);
    assert_eq!(
        as_json["failures"][1]["missing"],
        "permission \"agents:read\""
    );
}

#[test]
fn a_bad_token_is_told_with_its_reason_and_nothing_is_missing_but_for_a_condition() {
    let request = "[[case]]\nrequest = \"GET /v1/agents/7\"\nexpect = \"allow\"\n";
    let cases = format!(
        "{request}token = {{ expired = true }}\n\n{request}token = {{ revoked = true }}\n\n\
         [[case]]\nrequest = \"POST /v1/keys/rotate\"\nexpect = \"allow\"\nfeed = \"missing\"\n\
         token = {{}}\n\n\
         [[case]]\nrequest = \"POST /v1/keys/rotate\"\nexpect = \"allow\"\n\
         token = {{ roles = [\"admin\"], login_age = \"1h\" }}\n"
    );
    let ended = test(&cases, &[]);
    assert_eq!(ended.code, 1, "{}", ended.err);
    assert_eq!(
        ended.out,
        "cases.toml:1: GET /v1/agents/7\n    \
         wanted allow, got invalid_token (expired) by rule \"read-agent\"\n\
         cases.toml:6: GET /v1/agents/7\n    \
         wanted allow, got invalid_token (revoked) by rule \"read-agent\"\n\
         cases.toml:11: POST /v1/keys/rotate\n    \
         wanted allow, got revocation_unavailable by rule \"rotate-keys\"\n\
         cases.toml:17: POST /v1/keys/rotate\n    \
         wanted allow, got reauthentication_required by rule \"rotate-keys\"\n    \
         missing for an allow: a login of the last 300 seconds\n\
         0 of 4 cases passed\n"
    );
    let as_json = test(&cases, &["--json"]);
    let as_json: Value = serde_json::from_str(&as_json.out).unwrap();
    assert_eq!(as_json["failures"][0]["reason"], "expired");
    assert_eq!(as_json["failures"][0]["missing"], Value::Null);
    assert_eq!(as_json["failures"][2]["reason"], Value::Null);
}

#[test]
fn every_member_of_a_case_counts() {
    let request = "request = \"GET /v1/users/ada/x\"\n";
    let rotate = "request = \"POST /v1/keys/rotate\"\n";
    for (request, rest, code) in [
        (request, "token = { sub = \"ada\" }\nexpect = \"allow\"", 0),
        (request, "token = { sub = \"Ada\" }\nexpect = \"allow\"", 1),
        (
            request,
            "token = { sub = \"ada\", aud = \"other\" }\nexpect = \"invalid_token\"",
            0,
        ),
        (
            request,
            "token = { sub = \"ada\", iss = \"https://x.example\" }\nexpect = \"invalid_token\"",
            0,
        ),
        (
            request,
            "token = { sub = \"ada\", expired = true }\nexpect = \"invalid_token\"",
            0,
        ),
        (
            request,
            "token = { sub = \"ada\", revoked = true }\nexpect = \"invalid_token\"",
            0,
        ),
        (
            request,
            "token = { sub = \"ada\", revoked = true }\nfeed = \"missing\"\nexpect = \"allow\"",
            0,
        ),
        (
            request,
            "token = { roles = [\"admin\"], login_age = \"9d\" }\nexpect = \"allow\"",
            0,
        ),
        (
            request,
            "headers = [[\"connection\", \"x-signet-sub\"]]\nexpect = \"invalid_request\"",
            0,
        ),
        (
            rotate,
            "token = { roles = [\"admin\"], login_age = \"5m\" }\nexpect = \"allow\"",
            0,
        ),
        (
            rotate,
            "token = { roles = [\"admin\"], login_age = \"301s\" }\nexpect = \"reauthentication_required\"",
            0,
        ),
        (
            rotate,
            "token = { roles = [\"admin\"] }\nfeed = \"missing\"\nexpect = \"revocation_unavailable\"",
            0,
        ),
        (
            "request = \"GET /no\"\n",
            "token = {}\nexpect = \"no_rule\"",
            0,
        ),
        ("request = \"GET /no\"\n", "expect = \"missing_token\"", 0),
    ] {
        let ended = test(&format!("[[case]]\n{request}{rest}\n"), &[]);
        assert_eq!(
            ended.code, code,
            "{request}{rest}\n{}{}",
            ended.out, ended.err
        );
    }
}

#[test]
fn cases_that_cannot_be_read_are_exit_2_with_their_line() {
    for (cases, told) in [
        (
            "[[case]]\nrequest = \"GET /\"\n",
            "cases.toml:1: missing field `expect`",
        ),
        (
            "[[case]]\nrequest = \"GET\"\nexpect = \"allow\"\n",
            "cases.toml:2: must be a method and a path",
        ),
        (
            "[[case]]\nrequest = \"GET /\"\nexpect = \"allowed\"\n",
            "cases.toml:3: unknown variant",
        ),
        (
            "[[case]]\nrequest = \"GET /\"\nexpect = \"allow\"\ncolour = 1\n",
            "cases.toml:4: unknown field",
        ),
        (
            "[[case]]\nrequest = \"GET /\"\nexpect = \"allow\"\ntoken = { role = \"a\" }\n",
            "cases.toml:4: unknown field",
        ),
        (
            "[[case]]\nrequest = \"GET /\"\nexpect = \"allow\"\ntoken = { login_age = \"5\" }\n",
            "cases.toml:4: must be a whole number",
        ),
        (
            "\n[[case]]\nrequest = \"GET /\"\nexpect = \"allow\"\ntoken = { roles = [\"a\", \"b c\"] }\n",
            "cases.toml:2: no token has the role \"b c\"",
        ),
        (
            "[[case]]\nrequest = \"GET /\"\nexpect = \"allow\"\ntoken = { permissions = [\"\"] }\n",
            "cases.toml:1: no token has the permission \"\"",
        ),
        (
            "[[case]]\nrequest = \"GET /\"\nexpect = \"allow\"\nrule = \"read-agents\"\n",
            "cases.toml:1: the policy has no rule \"read-agents\"",
        ),
        ("case = []\n", "cases.toml has no cases"),
        ("[[case]\n", "cases.toml:1: "),
    ] {
        let ended = test(cases, &[]);
        assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{cases}");
        assert!(ended.err.contains(told), "{told}: {}", ended.err);
    }
    let signet = with_cases("");
    assert_eq!(
        signet
            .run(&["policy", "test", "policy.toml", "none.toml"])
            .code,
        2
    );
    assert_eq!(
        signet
            .run(&["policy", "test", "none.toml", "cases.toml"])
            .code,
        2
    );
}
