//! Scripts of other origins.

use http::{Method, StatusCode};
use serde_json::json;

use crate::harness::contract::all;
use crate::harness::{Answer, Service, Setting};

const APP: &str = "https://app.example.com";

fn setting() -> Setting {
    Setting {
        cors_origins: &[APP],
        ..Setting::production()
    }
}

async fn preflight(service: &Service, origin: &str, path: &str) -> Answer {
    let client = service.client();
    let call = client.call(Method::OPTIONS, path);
    let call = call
        .header("origin", origin)
        .header("access-control-request-method", "POST");
    call.header("access-control-request-headers", "content-type")
        .send_unchecked()
        .await
}

#[tokio::test]
async fn only_listed_origins_may_call() {
    let service = Service::start_with(setting()).await;
    let answer = preflight(&service, APP, "/v1/login")
        .await
        .expect(StatusCode::OK);
    assert_eq!(answer.header("access-control-allow-origin"), APP);
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    for origin in [
        "null",
        "https://app.example.com.evil.test",
        "https://evil-app.example.com",
        "https://APP.example.com",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://example.com",
        "https://auth.example.com",
    ] {
        let answer = preflight(&service, origin, "/v1/login").await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
    }
}

#[tokio::test]
async fn answers_vary_by_origin_and_show_what_a_script_needs() {
    let service = Service::start_with(setting()).await;
    let client = service.client().always("origin", APP);
    let answer = client
        .post("/v1/login", json!({}))
        .await
        .expect_problem("validation_failed");
    assert_eq!(answer.header("access-control-allow-origin"), APP);
    let vary = all(&answer.headers, "vary").join(",").to_ascii_lowercase();
    assert!(vary.contains("origin"), "{vary}");
    let exposed = answer.header("access-control-expose-headers");
    for name in [
        "x-request-id",
        "retry-after",
        "ratelimit",
        "www-authenticate",
    ] {
        assert!(exposed.contains(name), "{exposed}");
    }
    let client = service.client().always("origin", "https://evil.test");
    let answer = client.post("/v1/login", json!({})).await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn by_default_no_origin_may_call_and_options_is_no_method() {
    let service = Service::start().await;
    let answer = preflight(&service, APP, "/v1/login").await;
    answer.clone().expect_problem("method_not_allowed");
    assert_eq!(answer.header("allow"), "POST");
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn keys_and_metadata_are_for_everyone_but_never_with_credentials() {
    let service = Service::start().await;
    let client = service.client().always("origin", "https://anywhere.test");
    for path in [
        "/.well-known/jwks.json",
        "/.well-known/oauth-authorization-server",
    ] {
        let answer = client.get(path).await.expect(StatusCode::OK);
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("access-control-allow-credentials"), "");
    }
}
