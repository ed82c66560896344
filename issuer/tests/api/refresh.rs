//! Refresh tokens: used once, repeated within the grace, replayed after it.

use std::time::Instant;

use http::StatusCode;
use serde_json::json;
use signet_core::mail::MailKind;

use crate::harness::{Answer, Client, Service};

const ADA: &str = "ada@example.com";

async fn refresh(client: &Client, token: &str) -> Answer {
    client
        .post("/v1/token/refresh", json!({ "refresh_token": token }))
        .await
}

#[tokio::test]
async fn a_lost_answer_may_be_asked_for_again_within_ten_seconds() {
    let service = Service::start().await;
    let mut ada = service.member(ADA, &[]).await;
    let first = ada.refresh_token.clone().unwrap();
    let answer = ada.refresh().await.expect(StatusCode::OK);
    service.wait(10);
    let again = refresh(&ada, &first).await.expect(StatusCode::OK);
    assert_eq!(
        again.string("refresh_token"),
        answer.string("refresh_token")
    );
    assert_eq!(again.string("session_id"), answer.string("session_id"));
}

#[tokio::test]
async fn a_replay_after_the_grace_ends_the_session_and_tells_its_owner() {
    let service = Service::start().await;
    let mut ada = service.member(ADA, &[]).await;
    let first = ada.refresh_token.clone().unwrap();
    ada.refresh().await.expect(StatusCode::OK);
    service.wait(11);
    refresh(&ada, &first)
        .await
        .expect_problem("invalid_refresh_token");
    ada.refresh().await.expect_problem("invalid_refresh_token");
    ada.get("/v1/me").await.expect_problem("invalid_token");
    let kinds: Vec<MailKind> = service
        .mails(ADA)
        .await
        .iter()
        .map(|mail| mail.kind)
        .collect();
    assert_eq!(kinds, [MailKind::ReplayNotice]);
}

#[tokio::test]
async fn the_grace_covers_the_last_token_only() {
    let service = Service::start().await;
    let mut ada = service.member(ADA, &[]).await;
    let first = ada.refresh_token.clone().unwrap();
    ada.refresh().await.expect(StatusCode::OK);
    ada.refresh().await.expect(StatusCode::OK);
    refresh(&ada, &first)
        .await
        .expect_problem("invalid_refresh_token");
    ada.refresh().await.expect_problem("invalid_refresh_token");
}

#[tokio::test]
async fn many_refreshes_at_once_advance_once() {
    let service = Service::start().await;
    let ada = service.member(ADA, &[]).await;
    let token = ada.refresh_token.clone().unwrap();
    let calls = (0..16).map(|_| {
        let (ada, token) = (ada.clone(), token.clone());
        tokio::spawn(async move { refresh(&ada, &token).await.expect(StatusCode::OK) })
    });
    let mut successors = std::collections::BTreeSet::new();
    for call in calls.collect::<Vec<_>>() {
        successors.insert(call.await.unwrap().string("refresh_token"));
    }
    assert_eq!(successors.len(), 1);
}

#[tokio::test]
async fn a_session_that_nobody_refreshes_ends() {
    let service = Service::start().await;
    let mut ada = service.member(ADA, &[]).await;
    service.wait(14 * 86_400);
    ada.refresh().await.expect_problem("invalid_refresh_token");
}

#[tokio::test]
async fn every_bad_refresh_token_is_answered_alike() {
    let service = Service::start().await;
    let ada = service.member(ADA, &[]).await;
    let good = ada.refresh_token.clone().unwrap();
    let truncated = &good[..good.len() - 1];
    for bad in [
        "",
        "x",
        "srt_",
        truncated,
        &format!("{good}A"),
        &good.replace("srt_", ""),
    ] {
        refresh(&ada, bad)
            .await
            .expect_problem("invalid_refresh_token");
    }
}

#[tokio::test]
async fn a_session_is_refreshed_sixty_times_a_minute_at_most() {
    let service = Service::start().await;
    let mut ada = service.member(ADA, &[]).await;
    let started = Instant::now();
    for _ in 0..60 {
        ada.refresh().await.expect(StatusCode::OK);
    }
    // A second gives one back.
    let mut refreshed = 60;
    let mut answer = ada.refresh().await;
    while answer.status == StatusCode::OK {
        refreshed += 1;
        assert!(refreshed <= 60 + started.elapsed().as_secs());
        answer = ada.refresh().await;
    }
    answer.expect_problem("rate_limited");
}

#[tokio::test]
async fn an_access_token_outlives_neither_its_time_nor_its_leeway() {
    let service = Service::start().await;
    let ada = service.member(ADA, &[]).await;
    service.wait(280);
    ada.get("/v1/me").await.expect(StatusCode::OK);
    service.wait(51);
    ada.get("/v1/me").await.expect_problem("invalid_token");
}
