//! `signet policy explain`.

use std::fs;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use ed25519_compact::{KeyPair, Seed};
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
        ("nonsense", &[], "bad", json!("malformed"), "invalid_token"),
        ("", &[], "bad", json!("malformed"), "invalid_request"),
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

/// A token for anybody, with this header, signed with the key that the stage once had.
fn forged(header: &Value) -> String {
    let base64url = |bytes: &[u8]| Base64UrlUnpadded::encode_string(bytes);
    let payload = json!({
        "iss": "https://auth.example.com", "sub": "eve", "aud": "agents-api",
        "client_id": "c", "iat": 1_000, "exp": 1_300, "jti": "j", "sid": "s",
        "auth_time": 1_000, "ver": 0, "roles": [], "permissions": ["agents:read"],
    });
    let parts = [header, &payload].map(|part| base64url(part.to_string().as_bytes()));
    let input = parts.join(".");
    let key = KeyPair::from_seed(Seed::new([7; 32]));
    let signature = key.sk.sign(input.as_bytes(), None);
    format!("{input}.{}", base64url(signature.as_slice()))
}

fn explained_at_1000(signet: &Signet, token: &str, more: &[&str]) -> [Value; 3] {
    let arguments = ["GET", "/v1/agents/7", "--now", "1000", "--json", "--token"];
    let out = explain(signet, &[&arguments[..], &[token], more].concat());
    let explained: Value = serde_json::from_str(&out).unwrap();
    let token = &explained["token"];
    [
        explained["decision"]["code"].clone(),
        token["trust"].clone(),
        token["reason"].clone(),
    ]
}

#[test]
fn with_keys_no_token_is_decided_about_that_they_did_not_sign() {
    let signet = with_cases("");
    let key = KeyPair::from_seed(Seed::new([8; 32]));
    let x = Base64UrlUnpadded::encode_string(key.pk.as_slice());
    let key = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "issuer", "x": x });
    let of_another_kind = json!({ "kty": "RSA", "kid": "issuer", "n": "AQAB", "e": "AQAB" });
    for (file, keys) in [
        ("one.json", json!([key])),
        ("none.json", json!([of_another_kind])),
    ] {
        let keys = json!({ "keys": keys }).to_string();
        fs::write(signet.folder().join(file), keys).unwrap();
    }
    let explained = |kid: &str, keys: &str| {
        let token = forged(&json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": kid }));
        explained_at_1000(&signet, &token, &["--jwks", keys])
    };
    assert_eq!(
        explained("stage", "one.json"),
        ["invalid_token", "bad", "unknown_kid"]
    );
    assert_eq!(
        explained("issuer", "one.json"),
        ["invalid_token", "bad", "bad_signature"]
    );
    assert_eq!(
        explained("issuer", "none.json"),
        [json!("keys_unavailable"), json!("unchecked"), Value::Null]
    );
}

#[test]
fn without_keys_what_is_refused_whoever_signed_it_is_refused() {
    let signet = with_cases("");
    let good = forged(&json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": "k" }));
    assert_eq!(
        explained_at_1000(&signet, &good, &[]),
        [Value::Null, json!("unchecked"), Value::Null]
    );
    let (rest, _) = good.rsplit_once('.').unwrap();
    for (token, code, reason) in [
        (
            forged(&json!({ "alg": "HS256", "typ": "at+jwt", "kid": "k" })),
            "invalid_token",
            "bad_alg",
        ),
        (
            forged(&json!({ "alg": "EdDSA", "typ": "JWT", "kid": "k" })),
            "invalid_token",
            "bad_typ",
        ),
        (format!("{good}.AAAA"), "invalid_token", "malformed"),
        (format!("{rest}.AAAA"), "invalid_token", "bad_signature_len"),
        (format!("Bearer {good}"), "invalid_request", "bad_base64"),
    ] {
        let explained = explained_at_1000(&signet, &token, &[]);
        assert_eq!(explained, [code, "bad", reason], "{token}");
    }
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
