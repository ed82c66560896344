//! The list of one's sessions, and ending them.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{PASSWORD, Service};

const ADA: &str = "ada@example.com";

#[tokio::test]
async fn one_sees_and_ends_ones_own_sessions_only() {
    let service = Service::start().await;
    let ada = service.member(ADA, &[]).await;
    let bob = service.member("bob@example.com", &[]).await;
    let mut phone = service.client().always("user-agent", "phone/1");
    phone.log_in(ADA, PASSWORD).await;

    let list = ada.get("/v1/sessions").await.expect(StatusCode::OK).json();
    let sessions = list["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let current: Vec<_> = sessions
        .iter()
        .filter(|one| one["current"] == true)
        .collect();
    assert_eq!(current.len(), 1);
    let other = sessions.iter().find(|one| one["current"] == false).unwrap();
    assert_eq!(other["ip"], "127.0.0.1");
    assert_eq!(other["user_agent"], "phone/1");

    let path = format!("/v1/sessions/{}", other["id"].as_str().unwrap());
    bob.delete(&path).await.expect_problem("not_found");
    phone.get("/v1/me").await.expect(StatusCode::OK);
    ada.delete(&path).await.expect(StatusCode::NO_CONTENT);
    phone.get("/v1/me").await.expect_problem("invalid_token");
    ada.delete(&path).await.expect_problem("not_found");
}

#[tokio::test]
async fn a_token_that_was_used_again_within_its_grace_shows_in_the_list() {
    let service = Service::start().await;
    let mut ada = service.member(ADA, &[]).await;
    let list = async |ada: &crate::harness::Client| {
        let list = ada.get("/v1/sessions").await.expect(StatusCode::OK);
        list.json()["sessions"][0].clone()
    };
    let before = list(&ada).await;
    assert_eq!(before["repeats"], 0);
    assert_eq!(before["repeated_at"], Value::Null);
    let mut beside = ada.clone();
    ada.refresh().await.expect(StatusCode::OK);
    service.wait(7);
    beside.refresh().await.expect(StatusCode::OK);
    let after = list(&ada).await;
    assert_eq!(after["repeats"], 1);
    assert!(after["repeated_at"].is_string(), "{after}");
    assert_ne!(after["repeated_at"], after["created_at"]);
}

#[tokio::test]
async fn whoever_ends_all_others_and_logs_out_has_ended_everything() {
    let service = Service::start().await;
    let ada = service.member(ADA, &[]).await;
    let mut phone = service.client();
    phone.log_in(ADA, PASSWORD).await;
    let others = ada.delete("/v1/sessions").await;
    others.expect(StatusCode::NO_CONTENT);
    let own = ada.call(Method::POST, "/v1/logout").send().await;
    own.expect(StatusCode::NO_CONTENT);
    for mut client in [ada, phone] {
        client.get("/v1/me").await.expect_problem("invalid_token");
        let refreshed = client.refresh().await;
        refreshed.expect_problem("invalid_refresh_token");
    }
}

#[tokio::test]
async fn an_id_that_is_none_is_not_found() {
    let service = Service::start().await;
    let ada = service.member(ADA, &[]).await;
    for id in [
        "x",
        "%00",
        "%ff",
        "1",
        "00000000-0000-4000-8000-00000000000G",
    ] {
        ada.delete(&format!("/v1/sessions/{id}"))
            .await
            .expect_problem("not_found");
    }
}

#[tokio::test]
async fn ending_all_others_leaves_the_one_that_asks() {
    let service = Service::start().await;
    let ada = service.member(ADA, &[]).await;
    let mut others = Vec::new();
    for _ in 0..3 {
        let mut other = service.client();
        other.log_in(ADA, PASSWORD).await;
        others.push(other);
    }
    ada.delete("/v1/sessions")
        .await
        .expect(StatusCode::NO_CONTENT);
    ada.get("/v1/me").await.expect(StatusCode::OK);
    for mut other in others {
        other
            .refresh()
            .await
            .expect_problem("invalid_refresh_token");
    }
}

#[tokio::test]
async fn logout_takes_any_token_and_asks_for_one() {
    let service = Service::start().await;
    let mut ada = service.member(ADA, &[]).await;
    let anyone = service.client();
    let logout = |body| anyone.post("/v1/logout", body);
    anyone
        .call(Method::POST, "/v1/logout")
        .send()
        .await
        .expect_problem("missing_token");
    logout(json!({})).await.expect_problem("missing_token");
    logout(json!({ "refresh_token": "nonsense" }))
        .await
        .expect(StatusCode::NO_CONTENT);
    let garbage = anyone
        .call(Method::POST, "/v1/logout")
        .header("authorization", "Bearer x");
    garbage.send().await.expect(StatusCode::NO_CONTENT);
    ada.get("/v1/me").await.expect(StatusCode::OK);

    let token = ada.refresh_token.clone().unwrap();
    ada.refresh().await.expect(StatusCode::OK);
    logout(json!({ "refresh_token": token }))
        .await
        .expect(StatusCode::NO_CONTENT);
    ada.get("/v1/me").await.expect_problem("invalid_token");
}

#[tokio::test]
async fn proving_the_password_again_goes_on_with_the_same_session() {
    let service = Service::start().await;
    let mut ada = service.member(ADA, &[]).await;
    let before = ada.refresh_token.clone().unwrap();
    let session = ada.get("/v1/sessions").await.json()["sessions"][0]["id"].clone();
    let wrong = ada
        .post("/v1/reauthenticate", json!({ "password": "wrong" }))
        .await;
    let faults = wrong.expect_problem("validation_failed").faults();
    assert_eq!(faults, [("password".into(), "wrong_password".into())]);
    let answer = ada
        .post("/v1/reauthenticate", json!({ "password": PASSWORD }))
        .await;
    let answer = answer.expect(StatusCode::OK);
    assert_eq!(answer.json()["session_id"], session);
    ada.keep(&answer);
    assert_ne!(ada.refresh_token.as_ref(), Some(&before));
    ada.refresh().await.expect(StatusCode::OK);
}
