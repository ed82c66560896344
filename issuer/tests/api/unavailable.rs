//! A database that can't be written to.

use std::time::{Duration, Instant};

use http::{Method, StatusCode};

use crate::harness::{Answer, Service};

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
