//! A server on its own: what it says, and how long it waits.

use std::io::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::harness::{PASSWORD, Signet, body, json, read_to_end, status};

#[test]
fn the_log_is_a_json_object_on_each_line_and_holds_no_secret() {
    let signet = Signet::new().with("SIGNET_LOG__LEVEL", "trace");
    let server = signet.serve();
    let registration = json!({ "email": "ada@example.com", "password": PASSWORD });
    let answer = server.post_json("/v1/register", &registration);
    let secret = json(&answer)["registration"].as_str().unwrap().to_owned();
    let mailbox = json(&server.get("/dev/mailbox.json"));
    let token = mailbox["messages"][0]["token"].as_str().unwrap().to_owned();
    server.exchange("GET /%0a%1b[31m HTTP/1.1\r\nhost: evil\u{1b}[31m\r\n\r\n");
    server.signal("TERM");
    let log = server.ended().err;
    for line in log.lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        assert!(
            event["level"].is_string() && event["message"].is_string(),
            "{line}"
        );
    }
    for secret in [PASSWORD, secret.as_str(), token.as_str()] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn a_log_tells_where_things_are_and_never_the_setup_link() {
    let server = Signet::new().serve();
    server.signal("TERM");
    let ended = server.ended();
    assert_eq!(ended.out, "");
    assert!(!ended.err.contains("/setup"), "{}", ended.err);
    for place in ["/docs\"", "/dev/mailbox\""] {
        assert!(ended.err.contains(place), "{place}: {}", ended.err);
    }
}

#[test]
fn a_scale_of_the_limits_is_warned_about() {
    let server = Signet::new().with("SIGNET_LIMITS__SCALE", "10").serve();
    server.signal("TERM");
    assert!(server.ended().err.contains("limits.scale is set"));
}

#[test]
fn a_client_that_sends_nothing_is_not_waited_for() {
    let server = Signet::new().serve();
    let started = Instant::now();
    let mut silent = server.connect();
    let mut slow = server.connect();
    slow.write_all(b"GET /healthz HTTP/1.1\r\nhost:").unwrap();
    assert_eq!(read_to_end(&mut silent), "");
    assert_eq!(read_to_end(&mut slow), "");
    let waited = started.elapsed();
    assert!(
        waited > Duration::from_secs(8) && waited < Duration::from_secs(15),
        "{waited:?}"
    );
}

#[test]
fn what_is_not_http_gets_a_bare_status_and_the_end_of_the_connection() {
    let server = Signet::new().serve();
    let too_many: String = (0..101).map(|n| format!("x-{n}: y\r\n")).collect();
    for (request, wanted) in [
        ("nonsense\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\nhost x\r\n\r\n".to_owned(), 400),
        (
            "GET / HTTP/1.1\r\nhost: x\r\na b: c\r\n\r\n".to_owned(),
            400,
        ),
        (format!("GET / HTTP/1.1\r\nhost: x\r\n{too_many}\r\n"), 431),
    ] {
        let answer = server.exchange(&request).to_ascii_lowercase();
        assert_eq!(status(&answer), wanted, "{request:?}: {answer}");
        assert!(answer.contains("connection: close"), "{answer}");
        assert_eq!(body(&answer), "");
        // Had it one, docs/problems/README.md would have to say so.
        assert!(!answer.contains("x-request-id"), "{answer}");
    }
    assert_eq!(status(&server.get("/healthz")), 200);
}

#[test]
fn a_head_that_never_ends_is_refused() {
    let server = Signet::new().serve();
    let head = format!(
        "GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: {}\r\n\r\n",
        "a".repeat(100_000)
    );
    let answer = server.exchange(&head);
    assert!(answer.is_empty() || status(&answer) == 431, "{answer}");
    assert_eq!(status(&server.get("/healthz")), 200);
}
