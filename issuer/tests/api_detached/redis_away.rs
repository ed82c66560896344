//! A Redis that is away: who is logged in stays so until their access token expires, everyone can log
//! out, and nobody is told that anything went wrong in here.

use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use serde_json::json;
use signet_testbed::Redis;

use crate::harness::{Answer, PASSWORD, Service, Setting};

fn expect_unavailable(answer: Answer) {
    let answer = answer.expect_problem("unavailable");
    let seconds: u32 = answer.header("retry-after").parse().unwrap();
    assert!((1..=5).contains(&seconds), "{seconds}");
}

async fn until_ready(service: &Service) {
    let started = Instant::now();
    while service.client().get("/readyz").await.status != StatusCode::OK {
        assert!(started.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn service_on(redis: &Redis) -> Service {
    Service::start_with(Setting {
        redis: Some(redis.url()),
        // However often it is tried.
        limits_scale: 100,
        ..Setting::default()
    })
    .await
}

#[tokio::test]
async fn logins_and_refreshes_wait_and_logouts_do_not() {
    let mut redis = Redis::start();
    let service = service_on(&redis).await;
    let mut ada = service.member("ada@example.com", &[]).await;
    let bob = service.member("bob@example.com", &[]).await;
    service.client().get("/readyz").await.expect(StatusCode::OK);

    redis.crash();
    let anyone = service.client();
    for _ in 0..8 {
        let credentials = json!({ "email": "ada@example.com", "password": PASSWORD });
        expect_unavailable(anyone.post("/v1/login", credentials).await);
        expect_unavailable(ada.refresh().await);
        expect_unavailable(anyone.get("/readyz").await);
    }
    ada.get("/v1/me").await.expect(StatusCode::OK);
    anyone.get("/healthz").await.expect(StatusCode::OK);
    bob.call(Method::POST, "/v1/logout")
        .send()
        .await
        .expect(StatusCode::NO_CONTENT);
    bob.get("/v1/me").await.expect(StatusCode::UNAUTHORIZED);

    redis.resume();
    until_ready(&service).await;
    let lost = ada.refresh().await;
    lost.expect_problem("invalid_refresh_token");
    ada.log_in("ada@example.com", PASSWORD).await;
    ada.refresh().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_redis_that_hangs_delays_nobody_for_long() {
    let redis = Redis::start();
    let service = service_on(&redis).await;
    let mut ada = service.member("ada@example.com", &[]).await;
    redis.freeze();
    for _ in 0..8 {
        let started = Instant::now();
        expect_unavailable(ada.refresh().await);
        let took = started.elapsed();
        assert!(took < Duration::from_millis(500), "{took:?}");
    }
    redis.wake();
    until_ready(&service).await;
    ada.refresh().await.expect(StatusCode::OK);
}
