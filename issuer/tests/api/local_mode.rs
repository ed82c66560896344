//! The first admin, and the fence around what exists in local mode only.

use http::{Method, StatusCode};
use serde_json::json;

use crate::harness::{OTHER_PASSWORD, PASSWORD, Service, Setting};

async fn setup_token(service: &Service) -> String {
    let link = service.app.issuer.issue_setup_link().await.unwrap();
    link.unwrap().reveal().to_string()
}

#[tokio::test]
async fn the_link_makes_the_first_admin_once() {
    let service = Service::start().await;
    let token = setup_token(&service).await;
    let mut client = service.client();
    let body = json!({ "token": token, "email": "root@example.com", "password": PASSWORD });
    let wrong = json!({ "token": "x", "email": "root@example.com", "password": PASSWORD });
    client
        .post("/v1/setup", wrong)
        .await
        .expect_problem("invalid_mailed_token");
    let answer = client
        .post("/v1/setup", body.clone())
        .await
        .expect(StatusCode::OK);
    client.keep(&answer);
    client.get("/v1/admin/users").await.expect(StatusCode::OK);
    client
        .post("/v1/setup", body)
        .await
        .expect_problem("not_found");
    assert!(
        service
            .app
            .issuer
            .issue_setup_link()
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn many_setups_at_once_make_one_admin() {
    let service = Service::start().await;
    let token = setup_token(&service).await;
    let calls: Vec<_> = (0..10)
        .map(|number| {
            let (client, token) = (service.client(), token.clone());
            tokio::spawn(async move {
                let email = format!("root{number}@example.com");
                let body = json!({ "token": token, "email": email, "password": PASSWORD });
                client.post("/v1/setup", body).await.status
            })
        })
        .collect();
    let mut made = 0;
    for call in calls {
        if call.await.unwrap() == StatusCode::OK {
            made += 1;
        }
    }
    assert_eq!(made, 1);
}

#[tokio::test]
async fn an_admin_made_on_the_command_line_closes_the_setup() {
    let service = Service::start().await;
    let token = setup_token(&service).await;
    service
        .create_account("admin@example.com", &["admin"])
        .await;
    let body = json!({ "token": token, "email": "root@example.com", "password": OTHER_PASSWORD });
    service
        .client()
        .post("/v1/setup", body)
        .await
        .expect_problem("not_found");
}

#[tokio::test]
async fn a_request_through_a_proxy_finds_nothing() {
    let service = Service::start().await;
    for (name, value) in [
        ("forwarded", "for=127.0.0.1"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", "localhost"),
        ("x-forwarded-proto", "http"),
        ("x-real-ip", "127.0.0.1"),
        ("via", "1.1 proxy"),
    ] {
        let client = service.client().always(name, value);
        client
            .post("/v1/setup", json!({}))
            .await
            .expect_problem("not_found");
        client.get("/v1/setup").await.expect_problem("not_found");
    }
    service
        .client()
        .post("/v1/setup", json!({}))
        .await
        .expect_problem("validation_failed");
}

#[tokio::test]
async fn production_has_no_setup_by_any_method() {
    let service = Service::start_with(Setting::production()).await;
    for method in [Method::GET, Method::POST, Method::PUT, Method::OPTIONS] {
        for path in ["/v1/setup", "/setup", "/dev/mailbox", "/dev/mailbox.json"] {
            let client = service.client();
            let answer = client.call(method.clone(), path).send().await;
            let answer = answer.expect(StatusCode::NOT_FOUND);
            assert_eq!(answer.header("allow"), "");
        }
    }
}
