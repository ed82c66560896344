//! A timer of the platform drives the issuer.

use std::fs;

use serde_json::json;

use super::harness::{PASSWORD, Signet, json as document, status};

const TOKEN: &str = "sWb8BjyxTGHhlzHyDwP3VF2G5hR5cYVJ7iJ3yJyqk+s=";

/// An environment with this in the token's file.
fn with_token(content: &str) -> Signet {
    let signet = Signet::new();
    fs::write(signet.folder().join("tick-token"), content).unwrap();
    signet.with("SIGNET_TICK__TOKEN_FILE", "tick-token")
}

#[test]
fn a_timer_with_the_token_is_told_what_was_done() {
    let server = with_token(&format!("{TOKEN}\n")).serve();
    let registration = json!({ "email": "ada@example.com", "password": PASSWORD });
    assert_eq!(
        status(&server.post_json("/v1/register", &registration)),
        202
    );
    let tick = |token: &str| {
        let bearer = format!("authorization: Bearer {token}\r\n");
        server.post("/internal/tick", "application/json", &bearer, "")
    };
    assert_eq!(status(&tick("x")), 401);
    let answer = tick(TOKEN);
    assert_eq!(status(&answer), 200, "{answer}");
    let done = document(&answer);
    // The worker of the process may have been faster.
    assert!(done["mails"].as_u64().unwrap() <= 1, "{done}");
    assert_eq!(done["remaining"], 0);
    server.mailed_token("verify");
    server.signal("TERM");
    let ended = server.ended();
    assert!(ended.err.contains("ticked"), "{}", ended.err);
    assert!(!ended.err.contains(TOKEN), "{}", ended.err);
}

#[test]
fn a_token_that_can_not_be_one_stops_the_start() {
    for (content, told) in [
        ("", "is no token"),
        ("too-short\n", "of 32 to 512"),
        (
            "two words that are long enough to be a token\n",
            "is no token",
        ),
        (
            "sWb8BjyxTGHhlzHyDwP3VF2G5hR5cYVJ7iJ3yJyqk+s=\n\n",
            "one line",
        ),
    ] {
        let ended = with_token(content).run(&["config", "check"]);
        assert_eq!(ended.code, 1, "{content}");
        assert!(ended.out.contains("tick.token_file"), "{}", ended.out);
        assert!(ended.out.contains(told), "{}", ended.out);
        assert!(ended.out.contains("openssl rand"), "{}", ended.out);
    }
    let missing = Signet::new()
        .with("SIGNET_TICK__TOKEN_FILE", "nowhere")
        .run(&["config", "check"]);
    assert_eq!(missing.code, 1);
    assert!(
        missing.out.contains("can't read nowhere"),
        "{}",
        missing.out
    );
}
