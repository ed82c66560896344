//! `signet token verify`.

use std::fs;

use serde_json::{Value, json};

use super::harness::{Ended, PASSWORD, Running, Signet, body, json};

/// A server with somebody who is logged in, and their token.
fn logged_in(signet: &Signet) -> (Running, String) {
    let create = [
        "user",
        "create",
        "--email",
        "ada@example.com",
        "--role",
        "admin",
        "--verified",
    ];
    let create = [&create[..], &["--password-stdin"]].concat();
    let server = signet.serve();
    assert_eq!(signet.run_with_input(&create, PASSWORD.as_bytes()).code, 0);
    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
    let session = json(&server.post_json("/v1/login", &login));
    let token = session["access_token"].as_str().unwrap().to_owned();
    (server, token)
}

fn verify(signet: &Signet, jwks: &str, issuer: &str, more: &[&str], input: &str) -> Ended {
    let arguments = ["token", "verify", "--jwks", jwks, "--issuer", issuer];
    let arguments = [&arguments[..], more].concat();
    signet.run_with_input(&arguments, input.as_bytes())
}

#[test]
fn a_token_is_checked_by_file_and_by_url() {
    let signet = Signet::new();
    let (server, token) = logged_in(&signet);
    let issuer = format!("http://{}", server.address);
    let url = format!("{issuer}/.well-known/jwks.json");
    fs::write(
        signet.folder().join("jwks.json"),
        body(&server.get("/.well-known/jwks.json")),
    )
    .unwrap();
    let more = ["--audience", "signet", "--json"];
    for jwks in ["jwks.json", &url] {
        for input in [token.clone(), format!("{token}\n")] {
            let ended = verify(&signet, jwks, &issuer, &more, &input);
            assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
            let answer: Value = serde_json::from_str(&ended.out).unwrap();
            assert_eq!(answer["ok"], true);
            assert_eq!(answer["claims"]["iss"], issuer);
            assert!(answer["kid"].is_string());
        }
    }
    let code = |more: &[&str], input: &str| {
        let more = [more, &["--json"]].concat();
        let ended = verify(&signet, "jwks.json", &issuer, &more, input);
        assert_eq!(ended.code, 1, "{}", ended.err);
        let answer: Value = serde_json::from_str(&ended.out).unwrap();
        assert_eq!(answer["ok"], false);
        answer["code"].as_str().unwrap().to_owned()
    };
    let signet_audience = ["--audience", "signet"];
    assert_eq!(code(&["--audience", "billing"], &token), "bad_audience");
    assert_eq!(
        code(&["--audience", "signet", "--now", "4000000000"], &token),
        "expired"
    );
    assert_eq!(code(&signet_audience, ""), "malformed");
    assert_eq!(code(&signet_audience, &format!("{token}\n\n")), "malformed");
    assert_eq!(code(&signet_audience, &format!("{token}\r\n")), "malformed");
    assert_eq!(code(&signet_audience, &"a".repeat(100_000)), "too_large");
}

#[test]
fn without_usable_keys_there_is_no_answer() {
    let signet = Signet::new();
    let server = signet.serve();
    fs::write(signet.folder().join("broken.json"), "{").unwrap();
    let nowhere = format!("http://{}/nothing", server.address);
    let unreachable = "http://127.0.0.1:1/jwks.json";
    for jwks in ["missing.json", "broken.json", &nowhere, unreachable] {
        let ended = verify(
            &signet,
            jwks,
            "http://x.example",
            &["--audience", "a", "--json"],
            "x",
        );
        assert_eq!(ended.code, 2, "{jwks}: {}", ended.out);
        assert!(
            ended.out.is_empty() && ended.err.contains(jwks),
            "{}",
            ended.err
        );
    }
}
