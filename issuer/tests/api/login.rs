//! Logging in, and being kept from it.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{OTHER_PASSWORD, PASSWORD, Service, Setting};

const ADA: &str = "ada@example.com";

#[tokio::test]
async fn what_is_wrong_is_not_said() {
    let service = Service::start().await;
    service.create_account(ADA, &[]).await;
    let wrong_password = refusal(&service, ADA).await;
    let unknown_address = refusal(&service, "nobody@example.com").await;
    assert_eq!(wrong_password, unknown_address);
}

/// A refusal, without what differs between any two answers.
async fn refusal(service: &Service, email: &str) -> (Vec<String>, Value) {
    let body = json!({ "email": email, "password": OTHER_PASSWORD });
    let answer = service.client().post("/v1/login", body).await;
    let answer = answer.expect_problem("invalid_credentials");
    let mut document = answer.json();
    document["request_id"] = json!("");
    let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
    names.sort();
    (names, document)
}

#[tokio::test]
async fn an_address_is_one_however_it_is_spelled() {
    let service = Service::start().await;
    service.create_account("Ada@Bücher.example", &[]).await;
    for spelling in ["ADA@BÜCHER.EXAMPLE", "ada@xn--bcher-kva.example"] {
        service.client().log_in(spelling, PASSWORD).await;
    }
}

#[tokio::test]
async fn a_login_says_whom_its_tokens_are_for() {
    let service = Service::start().await;
    service.create_account(ADA, &[]).await;
    let client = service.client();
    let login = |audience: &str, client_id: &str| {
        let body = json!({
            "email": ADA, "password": PASSWORD, "audience": audience, "client": client_id,
        });
        client.post("/v1/login", body)
    };
    login("billing", "cli").await.expect(StatusCode::OK);
    let answer = login("elsewhere", "cli")
        .await
        .expect_problem("validation_failed");
    assert_eq!(
        answer.faults(),
        [("audience".into(), "unknown_audience".into())]
    );
    let answer = login("billing", "elsewhere")
        .await
        .expect_problem("validation_failed");
    assert_eq!(
        answer.faults(),
        [("client".into(), "unknown_client".into())]
    );
}

#[tokio::test]
async fn guessing_is_slowed_down_for_known_and_unknown_addresses_alike() {
    let service = Service::start().await;
    service.create_account(ADA, &[]).await;
    let client = service.client();
    let mut seen = Vec::new();
    for email in [ADA, "nobody@example.com"] {
        let mut answers = Vec::new();
        for _ in 0..6 {
            let body = json!({ "email": email, "password": OTHER_PASSWORD });
            let answer = client.post("/v1/login", body).await;
            answers.push((answer.status, answer.header("retry-after").to_owned()));
        }
        seen.push(answers);
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0][0].0, StatusCode::UNAUTHORIZED);
    assert_eq!(seen[0][5].0, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_device_that_logged_in_before_is_not_held_up_by_an_attacker() {
    let service = Service::start().await;
    service.create_account(ADA, &[]).await;
    let mut victim = service.client();
    let device = victim.log_in(ADA, PASSWORD).await.string("device");
    for _ in 0..8 {
        let body = json!({ "email": ADA, "password": OTHER_PASSWORD });
        service.client().post("/v1/login", body).await;
    }
    let body = json!({ "email": ADA, "password": PASSWORD });
    service
        .client()
        .post("/v1/login", body)
        .await
        .expect_problem("rate_limited");
    let body = json!({ "email": ADA, "password": PASSWORD, "device": device });
    service
        .client()
        .post("/v1/login", body)
        .await
        .expect(StatusCode::OK);
}

#[tokio::test]
async fn a_browser_keeps_its_device_in_a_cookie_that_only_this_host_sees() {
    let service = Service::start_with(Setting::production()).await;
    service.create_account(ADA, &[]).await;
    let answer = service.client().log_in(ADA, PASSWORD).await;
    let cookie = answer.header("set-cookie");
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    let device = answer.string("device");
    assert_eq!(pair, format!("__Host-signet-device={device}"));
    let expected = "Max-Age=31536000; Path=/; Secure; HttpOnly; SameSite=Strict";
    assert_eq!(attributes, expected);

    let client = service.client();
    let body = json!({ "email": ADA, "password": PASSWORD });
    let login = |headers: &[(&str, &str)]| {
        let mut call = client
            .call(Method::POST, "/v1/login")
            .json(&body)
            .header("cookie", pair);
        for (name, value) in headers {
            call = call.header(name, value);
        }
        call.send()
    };
    login(&[]).await.expect(StatusCode::OK);
    login(&[("sec-fetch-site", "same-origin")])
        .await
        .expect(StatusCode::OK);
    login(&[("sec-fetch-site", "none")])
        .await
        .expect(StatusCode::OK);
    login(&[("origin", "https://auth.example.com")])
        .await
        .expect(StatusCode::OK);
    for elsewhere in [
        [("sec-fetch-site", "cross-site")],
        [("sec-fetch-site", "same-site")],
        [("origin", "https://www.example.com")],
        [("origin", "http://auth.example.com")],
        [("origin", "null")],
    ] {
        login(&elsewhere).await.expect_problem("cross_site_request");
    }
}

#[tokio::test]
async fn without_https_there_is_no_cookie() {
    let service = Service::start().await;
    service.create_account(ADA, &[]).await;
    let answer = service.client().log_in(ADA, PASSWORD).await;
    assert_eq!(answer.header("set-cookie"), "");
}

#[tokio::test]
async fn a_suspended_account_is_told_so_only_with_the_right_password() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let ada = service.member(ADA, &[]).await;
    let id = ada.get("/v1/me").await.string("id");
    let answer = admin
        .call(Method::POST, &format!("/v1/admin/users/{id}/suspend"))
        .send()
        .await;
    answer.expect(StatusCode::NO_CONTENT);
    let body = json!({ "email": ADA, "password": PASSWORD });
    service
        .client()
        .post("/v1/login", body)
        .await
        .expect_problem("account_suspended");
    let body = json!({ "email": ADA, "password": OTHER_PASSWORD });
    service
        .client()
        .post("/v1/login", body)
        .await
        .expect_problem("invalid_credentials");
}
