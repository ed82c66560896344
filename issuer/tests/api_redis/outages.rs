//! Redis goes away in every way there is, and clients go on logging in: never an error, hardly a
//! wait, and the limits are there, half as large.

use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::json;
use signet_testbed::Redis;

use crate::harness::{Limits, PASSWORD, Service, Setting};

/// How many logins a time is taken of: the slowest two don't count for the 99th percentile.
const LOGINS: usize = 200;
/// What an outage may add to it.
const ADDED: Duration = Duration::from_millis(100);
/// How far the percentiles of two equal runs lie apart, on a machine that does other things.
const NOISE: Duration = Duration::from_millis(60);
/// How long it may take until everything is as before.
const RECOVERY: Duration = Duration::from_secs(5);
/// So large that nobody runs into a limit.
const SCALE: u32 = 10_000;

async fn service(server: &Redis, limits_scale: u32) -> Service {
    let setting = Setting {
        limits: Limits::OwnRedis(server.url()),
        limits_scale,
        ..Setting::default()
    };
    let service = Service::start_with(setting).await;
    service.create_account("ada@example.com", &[]).await;
    service
}

/// Logs in again and again; answers the 99th percentile of the time, and the policy that was told.
async fn log_in(service: &Service) -> (Duration, String) {
    let client = service.client();
    let (mut times, mut policy) = (Vec::new(), String::new());
    for _ in 0..LOGINS {
        let login = json!({ "email": "ada@example.com", "password": PASSWORD });
        let started = Instant::now();
        let answer = client.post("/v1/login", login).await;
        times.push(started.elapsed());
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        policy = answer.header("ratelimit-policy").to_owned();
    }
    times.sort_unstable();
    (times[LOGINS - 1 - LOGINS / 100], policy)
}

/// How long it takes until budgets are whole again.
async fn recovery(service: &Service, policy: &str) -> Duration {
    let started = Instant::now();
    loop {
        let answer = service.client().post("/v1/login", json!({})).await;
        if answer.header("ratelimit-policy") == policy {
            return started.elapsed();
        }
        assert!(started.elapsed() < RECOVERY, "it stays away");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What a client sees before, while and after something happens.
async fn survives(
    name: &str,
    server: &mut Redis,
    begin: impl FnOnce(&mut Redis),
    end: impl FnOnce(&mut Redis),
) {
    let service = service(server, SCALE).await;
    let (normal, whole) = log_in(&service).await;
    assert_eq!(whole, format!("\"login\";q={};w=60", 120 * SCALE));
    begin(server);
    let (meanwhile, half) = log_in(&service).await;
    assert_eq!(half, format!("\"login\";q={};w=60", 60 * SCALE), "{name}");
    service.client().get("/readyz").await.expect(StatusCode::OK);
    end(server);
    let back = recovery(&service, &whole).await;
    eprintln!("{name}: p99 {normal:?}, {meanwhile:?} meanwhile; back after {back:?}");
    assert!(
        meanwhile <= normal + ADDED + NOISE,
        "{name}: {meanwhile:?} after {normal:?}"
    );
}

#[tokio::test]
async fn logins_go_on_without_the_server() {
    let mut server = Redis::start();
    survives("stopped", &mut server, Redis::stop, Redis::resume).await;
    survives("crashed", &mut server, Redis::crash, Redis::resume).await;
}

#[tokio::test]
async fn logins_go_on_where_nothing_answers() {
    let mut server = Redis::start();
    survives("frozen", &mut server, |s| s.freeze(), |s| s.wake()).await;
    let pause = |server: &mut Redis| drop(server.cli(&["CLIENT", "PAUSE", "60000", "ALL"]));
    let unpause = |server: &mut Redis| drop(server.cli(&["CLIENT", "UNPAUSE"]));
    survives("slow", &mut server, pause, unpause).await;
}

#[tokio::test]
async fn logins_go_on_where_the_server_says_no() {
    let mut server = Redis::start();
    let set = |name: &'static str, value: &'static str| {
        move |server: &mut Redis| drop(server.cli(&["CONFIG", "SET", name, value]))
    };
    survives(
        "full",
        &mut server,
        set("maxmemory", "1mb"),
        set("maxmemory", "0"),
    )
    .await;
    let other = Redis::start();
    let port = other.port().to_string();
    let demote = |server: &mut Redis| drop(server.cli(&["REPLICAOF", "127.0.0.1", &port]));
    let promote = |server: &mut Redis| drop(server.cli(&["REPLICAOF", "NO", "ONE"]));
    survives("read-only", &mut server, demote, promote).await;
}

#[tokio::test]
async fn what_is_forgotten_is_how_often_somebody_asked() {
    let server = Redis::start();
    let service = service(&server, 1).await;
    let client = service.client();
    let forgot = || client.post("/v1/password/forgot", json!({}));
    while forgot().await.status != StatusCode::TOO_MANY_REQUESTS {}
    server.cli(&["FLUSHALL"]);
    let answer = forgot().await.expect_problem("validation_failed");
    assert!(answer.header("ratelimit").starts_with("\"mail\";r=29;"));
}

#[tokio::test]
async fn an_attacker_who_takes_redis_away_meets_stricter_limits() {
    let mut server = Redis::start();
    let service = service(&server, 1).await;
    server.stop();
    let client = service.client();
    let forgot = || client.post("/v1/password/forgot", json!({}));
    for _ in 0..15 {
        let answer = forgot().await.expect_problem("validation_failed");
        assert_eq!(answer.header("ratelimit-policy"), "\"mail\";q=15;w=3600");
    }
    forgot().await.expect_problem("rate_limited");
}
