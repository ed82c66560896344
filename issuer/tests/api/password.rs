//! Replacing passwords.

use http::StatusCode;
use serde_json::json;
use signet_core::mail::MailKind;

use crate::harness::{OTHER_PASSWORD, PASSWORD, Service};

const ADA: &str = "ada@example.com";

#[tokio::test]
async fn a_reset_ends_every_session_and_earlier_token() {
    let service = Service::start().await;
    let mut sessions = vec![service.member(ADA, &[]).await];
    for _ in 0..2 {
        let mut another = service.client();
        another.log_in(ADA, PASSWORD).await;
        sessions.push(another);
    }
    let client = service.client();
    let mut tokens = Vec::new();
    for _ in 0..2 {
        client
            .post("/v1/password/forgot", json!({ "email": ADA }))
            .await;
        tokens.push(service.mailed_token(ADA).await);
    }
    let reset = |token: &str| {
        let body = json!({ "token": token, "new_password": OTHER_PASSWORD });
        client.post("/v1/password/reset", body)
    };
    reset(&tokens[0])
        .await
        .expect_problem("invalid_mailed_token");
    let answer = reset(&tokens[1]).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(answer.header("set-cookie"), "");
    reset(&tokens[1])
        .await
        .expect_problem("invalid_mailed_token");
    for mut session in sessions {
        session.get("/v1/me").await.expect_problem("invalid_token");
        session
            .refresh()
            .await
            .expect_problem("invalid_refresh_token");
    }
    let body = json!({ "email": ADA, "password": PASSWORD });
    client
        .post("/v1/login", body)
        .await
        .expect_problem("invalid_credentials");
    service.client().log_in(ADA, OTHER_PASSWORD).await;
    let latest = service.mails(ADA).await.pop().unwrap();
    assert_eq!(latest.kind, MailKind::ResetNotice);
}

#[tokio::test]
async fn a_token_of_one_purpose_is_nothing_to_the_other() {
    let service = Service::start().await;
    service.create_account(ADA, &[]).await;
    let client = service.client();
    client
        .post("/v1/password/forgot", json!({ "email": ADA }))
        .await;
    let token = service.mailed_token(ADA).await;
    let body = json!({ "token": token, "password": PASSWORD });
    client
        .post("/v1/email/verify", body)
        .await
        .expect_problem("invalid_mailed_token");
}

#[tokio::test]
async fn forgetting_tells_nobody_who_has_an_account_and_mails_three_times_an_hour() {
    let service = Service::start().await;
    service.create_account(ADA, &[]).await;
    let client = service.client();
    for email in [ADA, "nobody@example.com"] {
        for _ in 0..5 {
            let answer = client
                .post("/v1/password/forgot", json!({ "email": email }))
                .await;
            answer.expect(StatusCode::ACCEPTED);
        }
    }
    assert_eq!(service.mails(ADA).await.len(), 3);
    assert!(service.mails("nobody@example.com").await.is_empty());
}

#[tokio::test]
async fn a_reset_token_is_good_for_an_hour() {
    let service = Service::start().await;
    service.create_account(ADA, &[]).await;
    let client = service.client();
    client
        .post("/v1/password/forgot", json!({ "email": ADA }))
        .await;
    let token = service.mailed_token(ADA).await;
    service.wait(3_600);
    let body = json!({ "token": token, "new_password": OTHER_PASSWORD });
    client
        .post("/v1/password/reset", body)
        .await
        .expect_problem("invalid_mailed_token");
}

#[tokio::test]
async fn many_resets_with_one_token_are_one_reset() {
    let service = Service::start().await;
    service.create_account(ADA, &[]).await;
    let client = service.client();
    client
        .post("/v1/password/forgot", json!({ "email": ADA }))
        .await;
    let token = service.mailed_token(ADA).await;
    let calls: Vec<_> = (0..10)
        .map(|number| {
            let (client, token) = (client.clone(), token.clone());
            tokio::spawn(async move {
                let password = format!("{OTHER_PASSWORD} {number}");
                let body = json!({ "token": token, "new_password": password });
                (
                    client.post("/v1/password/reset", body).await.status,
                    password,
                )
            })
        })
        .collect();
    let mut winners = Vec::new();
    for call in calls {
        let (status, password) = call.await.unwrap();
        if status == StatusCode::NO_CONTENT {
            winners.push(password);
        }
    }
    assert_eq!(winners.len(), 1);
    service.client().log_in(ADA, &winners[0]).await;
}

#[tokio::test]
async fn a_change_keeps_the_session_that_asks_and_ends_the_others() {
    let service = Service::start().await;
    let mut ada = service.member(ADA, &[]).await;
    let mut other = service.client();
    other.log_in(ADA, PASSWORD).await;
    let change = |current: &str, new: &str| {
        let body = json!({ "current_password": current, "new_password": new });
        ada.post("/v1/password/change", body)
    };
    let wrong = change("wrong", OTHER_PASSWORD)
        .await
        .expect_problem("validation_failed");
    assert_eq!(
        wrong.faults(),
        [("current_password".into(), "wrong_password".into())]
    );
    let weak = change(PASSWORD, "short")
        .await
        .expect_problem("weak_password");
    assert_eq!(weak.faults(), [("new_password".into(), "too_short".into())]);
    change(PASSWORD, OTHER_PASSWORD)
        .await
        .expect(StatusCode::NO_CONTENT);
    ada.refresh().await.expect(StatusCode::OK);
    other
        .refresh()
        .await
        .expect_problem("invalid_refresh_token");
}

#[tokio::test]
async fn a_weak_password_is_told_what_to_do() {
    let service = Service::start().await;
    let long = "x".repeat(257);
    for (password, code) in [
        ("short", "too_short"),
        ("aaaaaaaaaaaaaaaa", "common"),
        ("ada@example.com", "own_address"),
        ("signetsignet12", "product_name"),
        (long.as_str(), "too_long"),
    ] {
        let body = json!({ "email": ADA, "password": password });
        let answer = service.client().post("/v1/register", body).await;
        let faults = answer.expect_problem("weak_password").faults();
        assert_eq!(faults, [("password".into(), code.into())], "{password}");
    }
}
