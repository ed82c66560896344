//! Sessions that are refreshed on Redis, over restarts and changes of `sessions.store`.

use serde_json::json;
use signet_testbed::Redis;

use super::harness::{PASSWORD, Running, Signet, body, json, status};

const ADA: &str = "ada@example.com";

fn log_in(running: &Running) -> String {
    let answer = running.post_json("/v1/login", &json!({ "email": ADA, "password": PASSWORD }));
    assert_eq!(status(&answer), 200, "{answer}");
    refresh_token(&answer)
}

/// The next refresh token, if there is one.
fn refresh(running: &Running, token: &str) -> Option<String> {
    let answer = running.post_json("/v1/token/refresh", &json!({ "refresh_token": token }));
    match status(&answer) {
        200 => Some(refresh_token(&answer)),
        401 => None,
        other => panic!("{other}: {}", body(&answer)),
    }
}

fn refresh_token(answer: &str) -> String {
    let token = json(answer)["refresh_token"].clone();
    token.as_str().unwrap().to_owned()
}

fn stop(running: Running) {
    running.signal("TERM");
    assert_eq!(running.ended().code, 0);
}

#[test]
fn sessions_outlive_restarts_and_each_stays_where_it_was_opened() {
    let redis = Redis::start();
    let signet = Signet::new().with("SIGNET_REDIS_URL", &redis.url());
    let create = [
        "user",
        "create",
        "--email",
        ADA,
        "--verified",
        "--password-stdin",
    ];
    let created = signet.run_with_input(&create, PASSWORD.as_bytes());
    assert_eq!(created.code, 0, "{}", created.err);

    let running = signet.serve();
    let in_database = log_in(&running);
    stop(running);

    let signet = signet.with("SIGNET_SESSIONS__STORE", "redis");
    let running = signet.serve();
    let on_redis = log_in(&running);
    let on_redis = refresh(&running, &on_redis).unwrap();
    let in_database = refresh(&running, &in_database).unwrap();
    stop(running);
    let running = signet.serve();
    let on_redis = refresh(&running, &on_redis).unwrap();
    stop(running);

    let signet = signet.with("SIGNET_SESSIONS__STORE", "database");
    let running = signet.serve();
    refresh(&running, &in_database).unwrap();
    assert_eq!(refresh(&running, &on_redis), None);
    stop(running);

    let signet = signet.with("SIGNET_SESSIONS__STORE", "redis");
    let running = signet.serve();
    assert_eq!(refresh(&running, &on_redis), None, "over is over");
    stop(running);
}
