//! Redis: wrong at the start, shared by issuers, and gone for a while.

use std::time::{Duration, Instant};

use serde_json::json;
use signet_testbed::Redis;

use super::harness::{PASSWORD, Running, Signet, free_address, status};

fn with(url: &str) -> Signet {
    Signet::new().with("SIGNET_REDIS_URL", url)
}

/// Asks for something that is limited, until the limit; answers how often that worked.
fn asks_until_refused(running: &Running) -> u32 {
    let mut taken = 0;
    while status(&running.post_json("/v1/password/forgot", &json!({}))) != 429 {
        taken += 1;
    }
    taken
}

#[test]
fn a_server_that_is_wrong_stops_the_start_before_a_database_is_made() {
    let server = Redis::start();
    let nobody = Redis::start();
    let gone = nobody.url();
    drop(nobody);
    for (url, told) in [
        (gone, "can't be reached"),
        (server.url().replace("a%20password", "wrong"), "WRONGPASS"),
        (
            server.make_user("nobody", "~signet:* -@all"),
            "docs/REDIS.md",
        ),
        (server.url().replace("redis:", "rediss:"), "speaks TLS"),
    ] {
        let signet = with(&url);
        let ended = signet.run(&["serve", "--listen", &free_address().to_string()]);
        assert_eq!(ended.code, 1, "{}", ended.err);
        assert!(ended.err.contains(told), "{told}: {}", ended.err);
        let all = format!("{}{}", ended.out, ended.err);
        assert!(
            !all.contains("a%20password") && !all.contains(":wrong@"),
            "{all}"
        );
        assert!(!signet.folder().join("signet.db").exists());
    }
}

#[test]
fn what_is_shown_of_the_url_holds_no_password() {
    let signet = with("redis://signet:very-secret@redis.example.com");
    let shown = signet.run(&["config", "print"]);
    assert!(
        shown.out.contains("redis://signet:***@redis.example.com"),
        "{}",
        shown.out
    );
    let wrong = with("redis://very-secret@redis.example.com").run(&["config", "check"]);
    assert_ne!(wrong.code, 0);
    let told = format!("{}{}", wrong.out, wrong.err);
    assert!(told.contains("redis_url"), "{told}");
    for text in [&shown.out, &shown.err, &told] {
        assert!(!text.contains("very-secret"), "{text}");
    }
}

#[test]
fn a_command_needs_no_redis() {
    let signet = with("redis://127.0.0.1:1");
    let create = [
        "user",
        "create",
        "--email",
        "ada@example.com",
        "--password-stdin",
    ];
    let ended = signet.run_with_input(&create, PASSWORD.as_bytes());
    assert_eq!(ended.code, 0, "{}", ended.err);
}

#[test]
fn issuers_of_one_database_share_their_budgets_and_others_do_not() {
    let server = Redis::start();
    let signet = with(&server.url());
    let (one, other) = (signet.serve(), signet.serve());
    assert_eq!(asks_until_refused(&one), 30);
    assert_eq!(asks_until_refused(&other), 0);
    let stranger = with(&server.url()).serve();
    assert_eq!(asks_until_refused(&stranger), 30);
}

#[test]
fn an_outage_is_told_once_and_so_is_its_end() {
    let mut server = Redis::start();
    let running = with(&server.url()).serve();
    server.stop();
    assert_eq!(asks_until_refused(&running), 15);
    assert_eq!(status(&running.get("/readyz")), 200);
    server.resume();
    let started = Instant::now();
    while status(&running.post_json("/v1/password/forgot", &json!({}))) == 429 {
        assert!(started.elapsed() < Duration::from_secs(5), "it stays away");
        std::thread::sleep(Duration::from_millis(50));
    }
    running.signal("TERM");
    let log = running.ended().err;
    let count = |words: &str| log.matches(words).count();
    assert_eq!(count("each process keeps limits itself"), 1, "{log}");
    assert_eq!(count("the Redis server is back"), 1, "{log}");
    assert!(!log.contains("a%20password"), "{log}");
}
