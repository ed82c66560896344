//! A database that can't be written to.

use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use serde_json::json;

use crate::harness::{Answer, PASSWORD, Service};

/// A refusal that says when to come again.
fn expect_unavailable(answer: Answer) {
    let answer = answer.expect_problem("unavailable");
    let seconds: u32 = answer.header("retry-after").parse().unwrap();
    assert!((1..=5).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn changes_are_turned_away_and_reads_go_on_until_it_is_back() {
    let service = Service::start().await;
    let mut ada = service.member("ada@example.com", &[]).await;
    let held = service.database().hold().await;

    let started = Instant::now();
    if crate::STORE.refreshes() {
        expect_unavailable(ada.refresh().await);
    } else {
        // It writes nothing there.
        ada.refresh().await.expect(StatusCode::OK);
    }
    expect_unavailable(ada.call(Method::POST, "/v1/logout").send().await);
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "five seconds for each at most"
    );
    ada.get("/v1/me").await.expect(StatusCode::OK);
    let anyone = service.client();
    anyone
        .get("/.well-known/jwks.json")
        .await
        .expect(StatusCode::OK);
    anyone.get("/healthz").await.expect(StatusCode::OK);
    expect_unavailable(anyone.get("/readyz").await);

    held.release().await;
    ada.get("/v1/me").await.expect(StatusCode::OK);
    ada.refresh().await.expect(StatusCode::OK);
    anyone.get("/readyz").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn no_session_is_said_to_be_over_that_the_store_did_not_end() {
    let service = Service::start().await;
    let mut ada = service.member("ada@example.com", &[]).await;
    let mut phone = service.client();
    phone.log_in("ada@example.com", PASSWORD).await;
    let listed = phone.get("/v1/sessions").await.json();
    let sessions = listed["sessions"].as_array().unwrap();
    let own = sessions.iter().find(|one| one["current"] == true).unwrap();
    let path = format!("/v1/sessions/{}", own["id"].as_str().unwrap());
    let held = service.database().hold().await;
    let token = json!({ "refresh_token": ada.refresh_token });
    let answers = tokio::join!(
        ada.post("/v1/logout", token),
        ada.delete("/v1/sessions"),
        ada.delete(&path),
        ada.call(Method::POST, "/v1/logout").send(),
    );
    for answer in [answers.0, answers.1, answers.2, answers.3] {
        expect_unavailable(answer);
    }
    held.release().await;
    for client in [&mut ada, &mut phone] {
        client.get("/v1/me").await.expect(StatusCode::OK);
        client.refresh().await.expect(StatusCode::OK);
    }
}
