//! What is published: the API's description, the keys, the metadata, the health.

use http::{Method, StatusCode};
use serde_json::json;

use crate::harness::contract::Operation;
use crate::harness::{Service, Setting};

#[test]
fn the_committed_document_is_the_one_the_code_makes() {
    let committed = include_str!("../../../openapi.json");
    let generated = signet::http::openapi::text();
    assert!(committed == generated, "run cargo xtask openapi");
}

#[tokio::test]
async fn the_served_document_is_the_committed_one() {
    let service = Service::start().await;
    let answer = service
        .client()
        .get("/openapi.json")
        .await
        .expect(StatusCode::OK);
    assert_eq!(answer.text(), include_str!("../../../openapi.json"));
}

#[tokio::test]
async fn the_page_shows_every_operation_and_loads_nothing_from_elsewhere() {
    let service = Service::start().await;
    let answer = service.client().get("/docs").await.expect(StatusCode::OK);
    let page = answer.text();
    for operation in Operation::all() {
        let id = operation.declared["operationId"].as_str().unwrap();
        assert!(page.contains(&format!("<article id=\"{id}\"")), "{id}");
    }
    assert!(!page.contains("<script") && !page.contains("style=") && !page.contains("//"));
    assert!(
        answer
            .header("content-security-policy")
            .contains("style-src 'self'")
    );
    let style = service
        .client()
        .get("/docs/style.css")
        .await
        .expect(StatusCode::OK);
    assert!(style.header("content-type").starts_with("text/css"));
    assert!(!style.text().contains("url(") && !style.text().contains("@import"));
}

#[tokio::test]
async fn the_keys_verify_what_the_service_signs() {
    let service = Service::start().await;
    let ada = service.member("ada@example.com", &[]).await;
    let answer = service
        .client()
        .get("/.well-known/jwks.json")
        .await
        .expect(StatusCode::OK);
    assert_eq!(answer.header("content-type"), "application/jwk-set+json");
    assert_eq!(answer.header("cache-control"), "max-age=60");
    let keys = signet_verifier::KeySet::from_jwks(&answer.body)
        .unwrap()
        .key_set;
    let issuer = format!("http://{}", service.host());
    let verifier = signet_verifier::Verifier::new(&issuer, ["agents"]);
    let token = ada.access_token.unwrap();
    let verified = verifier
        .verify(token.as_bytes(), &keys, service.app.issuer.now())
        .unwrap();
    assert_eq!(verified.claims().client_id(), "web");
}

#[tokio::test]
async fn the_metadata_names_the_issuer_and_its_keys() {
    let service = Service::start_with(Setting::production()).await;
    let path = "/.well-known/oauth-authorization-server";
    let answer = service.client().get(path).await.expect(StatusCode::OK);
    let expected = json!({
        "issuer": "https://auth.example.com",
        "jwks_uri": "https://auth.example.com/.well-known/jwks.json",
        "signet_revocations_uri": "https://auth.example.com/.well-known/signet-revocations",
        "response_types_supported": [],
    });
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn health_stays_and_readiness_ends_with_the_shutdown() {
    let service = Service::start().await;
    let client = service.client();
    let healthy = json!({ "status": "ok", "mode": "local" });
    assert_eq!(
        client.get("/readyz").await.expect(StatusCode::OK).json(),
        healthy
    );
    service.app.begin_shutdown();
    let answer = client
        .get("/readyz")
        .await
        .expect(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(
        client.get("/healthz").await.expect(StatusCode::OK).json(),
        healthy
    );
}

#[tokio::test]
async fn head_answers_as_get_without_a_body() {
    let service = Service::start().await;
    for path in [
        "/healthz",
        "/docs",
        "/.well-known/jwks.json",
        "/openapi.json",
        "/v1/me",
    ] {
        let client = service.client();
        let get = client.get(path).await;
        let head = client.call(Method::HEAD, path).send().await;
        assert_eq!(head.status, get.status, "{path}");
        assert!(head.body.is_empty(), "{path}");
        assert_eq!(
            head.header("content-type"),
            get.header("content-type"),
            "{path}"
        );
        assert_eq!(
            head.header("content-length"),
            get.body.len().to_string(),
            "{path}"
        );
    }
}
