//! What callers are told of their budgets.

use http::StatusCode;
use serde_json::json;

use crate::harness::{Service, Setting};

#[tokio::test]
async fn a_budget_is_announced_counted_and_refused() {
    let service = Service::start().await;
    let client = service.client();
    let forgot = || client.post("/v1/password/forgot", json!({}));
    for left in (0..30).rev() {
        let answer = forgot().await.expect_problem("validation_failed");
        assert_eq!(answer.header("ratelimit-policy"), "\"mail\";q=30;w=3600");
        let standing = answer.header("ratelimit");
        assert!(
            standing.starts_with(&format!("\"mail\";r={left};t=")),
            "{standing}"
        );
        assert_eq!(answer.header("retry-after"), "");
    }
    let answer = forgot().await.expect_problem("rate_limited");
    assert!(answer.header("ratelimit").starts_with("\"mail\";r=0;t="));
    let wait: u32 = answer.header("retry-after").parse().unwrap();
    assert!((100..=120).contains(&wait), "{wait}");
}

#[tokio::test]
async fn budgets_of_different_classes_do_not_touch() {
    let service = Service::start().await;
    let client = service.client();
    let register = || client.post("/v1/register", json!({}));
    while register().await.status != StatusCode::TOO_MANY_REQUESTS {}
    client
        .post("/v1/login", json!({}))
        .await
        .expect_problem("validation_failed");
    client.get("/v1/me").await.expect_problem("missing_token");
}

#[tokio::test]
async fn a_scale_multiplies_every_budget() {
    let setting = Setting {
        limits_scale: 7,
        ..Setting::default()
    };
    let service = Service::start_with(setting).await;
    let answer = service.client().post("/v1/register", json!({})).await;
    assert_eq!(answer.header("ratelimit-policy"), "\"register\";q=210;w=60");
}

#[tokio::test]
async fn parallel_calls_do_not_overrun_a_budget() {
    let service = Service::start().await;
    let calls: Vec<_> = (0..60)
        .map(|_| {
            let client = service.client();
            tokio::spawn(async move { client.post("/v1/password/forgot", json!({})).await.status })
        })
        .collect();
    let mut processed = 0;
    for call in calls {
        if call.await.unwrap() != StatusCode::TOO_MANY_REQUESTS {
            processed += 1;
        }
    }
    assert_eq!(processed, 30);
}

#[tokio::test]
async fn what_is_served_from_memory_has_no_budget() {
    let service = Service::start().await;
    for path in ["/healthz", "/.well-known/jwks.json", "/openapi.json"] {
        let answer = service.client().get(path).await.expect(StatusCode::OK);
        assert_eq!(answer.header("ratelimit"), "", "{path}");
    }
}
