//! `signet policy explain`.

use std::fs;

use serde_json::{Value, json};

use super::{policy, with_cases};
use crate::harness::{PASSWORD, Running, Signet, body, json};

/// A server with somebody who is logged in, their token, and the page's policy for both.
fn logged_in() -> (Signet, Running, String) {
    let signet = with_cases("");
    let server = signet.serve();
    let create = [
        "user",
        "create",
        "--email",
        "ada@example.com",
        "--verified",
        "--password-stdin",
    ];
    assert_eq!(signet.run_with_input(&create, PASSWORD.as_bytes()).code, 0);
    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
    let session = json(&server.post_json("/v1/login", &login));
    let token = session["access_token"].as_str().unwrap().to_owned();
    let policy = policy()
        .replace(
            "https://auth.example.com",
            &format!("http://{}", server.address),
        )
        .replace("\"agents-api\"", "\"signet\"");
    fs::write(signet.folder().join("policy.toml"), policy).unwrap();
    let keys = server.get("/.well-known/jwks.json");
    fs::write(signet.folder().join("jwks.json"), body(&keys)).unwrap();
    (signet, server, token)
}

fn explain(signet: &Signet, arguments: &[&str]) -> String {
    let arguments = [&["policy", "explain", "policy.toml"], arguments].concat();
    let ended = signet.run(&arguments);
    assert_eq!(ended.code, 0, "{}", ended.err);
    ended.out
}

#[test]
fn a_refusal_is_explained_with_what_is_missing() {
    let (signet, server, token) = logged_in();
    let url = format!("http://{}/.well-known/jwks.json", server.address);
    for keys in ["jwks.json", &url] {
        let more = ["GET", "/v1/agents/7", "--token", &token, "--jwks", keys];
        let said = explain(&signet, &more);
        for line in [
            "GET /v1/agents/7: 403 insufficient_scope\n",
            "rule       \"read-agent\" (GET /v1/agents/{agent})\n",
            "token      good\n",
            "condition  fails  permission \"agents:read\": the token has no permissions\n",
            "missing    permission \"agents:read\"\n",
        ] {
            assert!(said.contains(line), "{line}{said}");
        }
    }
    let said = explain(&signet, &["POST", "/v1/keys/rotate", "--token", &token]);
    for line in [
        ": 403 insufficient_scope, if the token is genuine\n",
        "token      unchecked: without --jwks nobody knows whether it is genuine\n",
        "condition  fails  all of\n",
        "           fails    role \"admin\": the token has ",
        "           holds    a login of the last 300 seconds\n",
        "revocation required: ",
        "missing    role \"admin\"\n",
    ] {
        assert!(said.contains(line), "{line}{said}");
    }
    let said = explain(&signet, &["GET", "/v1/users/bob/x", "--token", &token]);
    assert!(
        said.contains("missing    (subject {user}, here \"bob\" or role \"admin\")"),
        "{said}"
    );
    let allowed = explain(&signet, &["GET", "/healthz", "--token", &token]);
    assert!(allowed.starts_with("GET /healthz: allowed"), "{allowed}");
    assert!(!allowed.contains("missing"), "{allowed}");
}

#[test]
fn a_token_is_trusted_no_further_than_it_was_checked() {
    let (signet, _server, token) = logged_in();
    let request = ["GET", "/v1/agents/7", "--token"];
    let explained = |token: &str, more: &[&str]| {
        let out = explain(
            &signet,
            &[&request[..], &[token], more, &["--json"]].concat(),
        );
        serde_json::from_str::<Value>(&out).unwrap()
    };
    let late = ["--now", "4000000000"];
    let with_keys = ["--jwks", "jwks.json"];
    let (signed, _) = token.rsplit_once('.').unwrap();
    let forged = format!("{signed}.AAAA");
    for (token, more, trust, reason, code) in [
        (
            token.as_str(),
            &[][..],
            "unchecked",
            Value::Null,
            "insufficient_scope",
        ),
        (
            &token,
            &with_keys,
            "good",
            Value::Null,
            "insufficient_scope",
        ),
        (
            &token,
            &late,
            "unchecked",
            json!("expired"),
            "invalid_token",
        ),
        (
            &token,
            &[&with_keys[..], &late].concat(),
            "bad",
            json!("expired"),
            "invalid_token",
        ),
        (
            &forged,
            &with_keys,
            "bad",
            json!("bad_signature_len"),
            "invalid_token",
        ),
        (
            "nonsense",
            &[],
            "unchecked",
            json!("malformed"),
            "invalid_token",
        ),
        ("", &[], "unchecked", Value::Null, "invalid_request"),
    ] {
        let explained = explained(token, more);
        assert_eq!(explained["token"]["trust"], trust, "{explained}");
        assert_eq!(explained["token"]["reason"], reason, "{explained}");
        assert_eq!(explained["decision"]["code"], code, "{explained}");
    }
    let nobody = explain(&signet, &["GET", "/v1/agents/7"]);
    assert!(
        nobody.starts_with("GET /v1/agents/7: 401 missing_token\n"),
        "{nobody}"
    );
    assert!(nobody.contains("missing    a good token\n"), "{nobody}");
    let input = format!("{token}\n");
    let arguments = [
        "policy",
        "explain",
        "policy.toml",
        "GET",
        "/v1/agents/7",
        "--token",
        "-",
    ];
    let from_input = signet.run_with_input(&arguments, input.as_bytes());
    assert!(
        from_input.out.contains("403 insufficient_scope"),
        "{}",
        from_input.out
    );
}

#[test]
fn a_request_without_a_rule_is_told_why() {
    let signet = with_cases("");
    for (method, path, told) in [
        (
            "DELETE",
            "/v1/agents/7",
            "rule       none: /v1/agents/{agent} has rules for GET\n",
        ),
        (
            "GET",
            "/v1/agents/7/x",
            "rule       none: no rule's path matches\n",
        ),
        (
            "GET",
            "/v1//agents",
            "rule       none: the path has two slashes in a row\n",
        ),
        (
            "TRACE",
            "/healthz",
            "rule       none: TRACE is never let through\n",
        ),
        (
            "PURGE",
            "/v1/users/a/b",
            "has rules for the usual methods, which it is none of\n",
        ),
    ] {
        let said = explain(&signet, &[method, path]);
        assert!(said.contains(told), "{told}{said}");
        let is_a_path = !path.contains("//");
        assert_eq!(said.contains("missing    a rule\n"), is_a_path, "{said}");
    }
    assert_eq!(
        signet
            .run(&["policy", "explain", "none.toml", "GET", "/"])
            .code,
        2
    );
    let no_keys = [
        "policy",
        "explain",
        "policy.toml",
        "GET",
        "/",
        "--token",
        "x",
        "--jwks",
        "none",
    ];
    assert_eq!(signet.run(&no_keys).code, 2);
}
