//! What `forward_auth.policy` and `forward_auth.proxies` may be, and the route that they open.

use std::fs;

use serde_json::json;

use super::harness::{PASSWORD, Running, Signet, free_address, json, status};

const POLICY: &str = r#"
version = 1
issuer = "ISSUER"
audience = ["signet"]

[[rule]]
id = "page"
path = "/page"
allow = "authenticated"
"#;

/// An issuer whose policy says this, with an address of its own.
fn signet(policy: &str) -> Signet {
    let url = format!("http://{}", free_address());
    let signet = Signet::new()
        .with("SIGNET_PUBLIC_URL", &url)
        .with("SIGNET_FORWARD_AUTH__POLICY", "policy.toml")
        .with("SIGNET_FORWARD_AUTH__PROXIES", "127.0.0.1, ::1");
    let policy = policy.replace("ISSUER", &url);
    fs::write(signet.folder().join("policy.toml"), policy).unwrap();
    signet
}

/// All that is said of a configuration, which stops the start as well.
fn faults(signet: &Signet) -> String {
    let checked = signet.run(&["config", "check"]);
    assert_eq!(checked.code, 1, "{}", checked.out);
    let started = signet.run(&["serve"]);
    assert_eq!(started.code, 2, "{}", started.err);
    let database = signet.folder().join("signet.db");
    assert!(!database.exists(), "something was started");
    checked.out
}

fn ask(server: &Running, host: &str, more: &str) -> String {
    server.exchange(&format!(
        "GET /v1/auth/verify HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
         x-original-method: GET\r\nx-original-uri: /page\r\n{more}\r\n"
    ))
}

#[test]
fn a_policy_decides_as_toml_and_as_json() {
    for notation in ["toml", "json"] {
        let signet = Signet::new().with("SIGNET_PUBLIC_URL", "http://localhost:1");
        let policy = POLICY.replace("ISSUER", "http://localhost:1");
        fs::write(signet.folder().join("policy.toml"), policy).unwrap();
        let compiled = signet.run(&["policy", "compile", "policy.toml"]).out;
        fs::write(signet.folder().join("policy.json"), compiled).unwrap();
        let signet = signet
            .with("SIGNET_FORWARD_AUTH__POLICY", &format!("policy.{notation}"))
            .with("SIGNET_FORWARD_AUTH__PROXIES", "127.0.0.1");
        let create = ["user", "create", "--email", "ada@example.com"];
        let create = [&create[..], &["--verified", "--password-stdin"]].concat();
        assert_eq!(signet.run_with_input(&create, PASSWORD.as_bytes()).code, 0);
        let server = signet.serve();
        let login = json!({ "email": "ada@example.com", "password": PASSWORD });
        let session = json(&server.post_json("/v1/login", &login));
        let token = session["access_token"].as_str().unwrap();
        let bearer = format!("authorization: Bearer {token}\r\n");
        assert_eq!(status(&ask(&server, "localhost:1", "")), 401);
        let allowed = ask(&server, "localhost:1", &bearer);
        assert_eq!(status(&allowed), 200, "{allowed}");
        assert!(allowed.contains("x-signet-rule: page\r\n"), "{allowed}");
    }
}

#[test]
fn bytes_that_are_no_text_are_read_as_they_came() {
    let server = signet(POLICY);
    let server = server.with("SIGNET_LOG__LEVEL", "debug").serve();
    let host = server.address.to_string();
    let ask = |target: &[u8]| {
        use std::io::Write as _;
        let head = format!(
            "GET /v1/auth/verify HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
             x-original-method: GET\r\nx-original-uri: "
        );
        let mut stream = server.connect();
        stream
            .write_all(&[head.as_bytes(), target, b"\r\n\r\n"].concat())
            .unwrap();
        super::harness::read_to_end(&mut stream)
    };
    for (target, code) in [
        (&b"/page"[..], "missing_token"),
        (b"/p\xe9ge", "invalid_request"),
        (b"/p\xffge", "invalid_request"),
        (b"/page?\xff", "invalid_request"),
    ] {
        let answer = ask(target);
        let told = format!("x-signet-code: {code}\r\n");
        assert!(answer.contains(&told), "{target:?}: {answer}");
    }
}

#[test]
fn a_policy_and_its_proxies_are_set_together() {
    let policy = ("SIGNET_FORWARD_AUTH__POLICY", "policy.toml");
    for (variable, value, told) in [
        (
            policy.0,
            policy.1,
            "forward_auth.proxies: must be set, since forward_auth.policy is",
        ),
        (
            "SIGNET_FORWARD_AUTH__PROXIES",
            "127.0.0.1",
            "forward_auth.proxies (SIGNET_FORWARD_AUTH__PROXIES): is set, and forward_auth.policy is not",
        ),
    ] {
        let signet = Signet::new().with(variable, value);
        let policy = POLICY.replace("ISSUER", "http://127.0.0.1:8080");
        fs::write(signet.folder().join("policy.toml"), policy).unwrap();
        let faults = faults(&signet);
        assert!(faults.contains(told), "{faults}");
        assert!(faults.contains("has a fault:"), "{faults}");
    }
    let nobody = signet(POLICY).with("SIGNET_FORWARD_AUTH__PROXIES", "");
    let faults = faults(&nobody);
    assert!(
        faults.contains("is empty, and forward_auth.policy is set"),
        "{faults}"
    );
}

#[test]
fn every_fault_of_a_policy_is_told_with_its_place() {
    let broken = POLICY.replace("allow", "alow").replace("id =", "name =");
    let faults = faults(&signet(&broken));
    for told in [
        "forward_auth.policy (SIGNET_FORWARD_AUTH__POLICY): policy.toml:6:1: id is missing",
        "policy.toml:7:1: nothing is called \"name\" here",
        "policy.toml:9:1: nothing is called \"alow\" here",
        "`signet policy check policy.toml` says the same",
    ] {
        assert!(faults.contains(told), "{told}\n{faults}");
    }
    for unusable in ["", "{", "{}", "nonsense", "version = 1"] {
        let faults = self::faults(&signet(unusable));
        assert!(
            faults.contains("\n  forward_auth.policy ("),
            "{unusable}: {faults}"
        );
    }
}

#[test]
fn a_policy_is_for_the_tokens_of_this_issuer() {
    let foreign = POLICY.replace("ISSUER", "https://auth.example.org");
    let told = faults(&signet(&foreign));
    let words =
        "is for the tokens of \"https://auth.example.org\", and this issuer is \"http://127.";
    assert!(told.contains(words), "{told}");
    let told = faults(&signet(&POLICY.replace("signet", "agents")));
    let words = "wants tokens for [\"agents\"], and tokens.audiences is [\"signet\"]";
    assert!(told.contains(words), "{told}");
}
