//! Asking for an account and proving the mailbox.

use http::{Method, StatusCode};
use serde_json::json;
use signet_core::account::EmailVerification;
use signet_core::mail::MailKind;

use crate::harness::{OTHER_PASSWORD, PASSWORD, Service, Setting};

const ADA: &str = "ada@example.com";

async fn register(service: &Service, email: &str, password: &str) -> String {
    let body = json!({ "email": email, "password": password });
    let answer = service.client().post("/v1/register", body).await;
    answer.expect(StatusCode::ACCEPTED).string("registration")
}

#[tokio::test]
async fn a_taken_address_is_answered_as_a_free_one_and_its_owner_is_told() {
    let service = Service::start().await;
    service.create_account(ADA, &[]).await;
    let free = json!({ "email": "new@example.com", "password": PASSWORD });
    let taken = json!({ "email": ADA, "password": PASSWORD });
    let free = service.client().post("/v1/register", free).await;
    let taken = service.client().post("/v1/register", taken).await;
    assert_eq!(free.status, taken.status);
    let names = |answer: &crate::harness::Answer| {
        let headers = answer.headers.keys();
        let mut names: Vec<String> = headers.map(ToString::to_string).collect();
        names.sort();
        names
    };
    assert_eq!(names(&free), names(&taken));
    assert_eq!(free.body.len(), taken.body.len());
    let mails = service.mails(ADA).await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].kind, MailKind::AddressTaken);
    assert!(mails[0].token.is_none());
}

#[tokio::test]
async fn verifying_needs_the_registration_or_its_password() {
    let service = Service::start().await;
    register(&service, ADA, PASSWORD).await;
    let token = service.mailed_token(ADA).await;
    let client = service.client();
    let verify = |body| client.post("/v1/email/verify", body);

    let answer = verify(json!({ "token": token }))
        .await
        .expect_problem("validation_failed");
    assert_eq!(answer.faults(), [("registration".into(), "missing".into())]);
    let elsewhere = register(&service, "eve@example.com", OTHER_PASSWORD).await;
    for wrong in [
        json!({ "token": token, "registration": elsewhere }),
        json!({ "token": token, "registration": "" }),
        json!({ "token": token, "password": OTHER_PASSWORD }),
        json!({ "token": format!("{token}x"), "password": PASSWORD }),
        json!({ "token": "", "password": PASSWORD }),
    ] {
        verify(wrong).await.expect_problem("invalid_mailed_token");
    }
    let right = json!({ "token": token, "password": PASSWORD });
    verify(right.clone()).await.expect(StatusCode::OK);
    verify(right).await.expect_problem("invalid_mailed_token");
}

#[tokio::test]
async fn a_mailed_token_expires_and_a_newer_one_voids_it() {
    let service = Service::start().await;
    let registration = register(&service, ADA, PASSWORD).await;
    let first = service.mailed_token(ADA).await;
    let client = service.client();
    let answer = client
        .post("/v1/email/verify/resend", json!({ "email": ADA }))
        .await;
    answer.expect(StatusCode::ACCEPTED);
    let second = service.mailed_token(ADA).await;
    let verify = |token: &str| {
        let body = json!({ "token": token, "registration": registration });
        client.post("/v1/email/verify", body)
    };
    verify(&first).await.expect_problem("invalid_mailed_token");
    service.wait(24 * 3_600);
    verify(&second).await.expect_problem("invalid_mailed_token");
}

#[tokio::test]
async fn resending_tells_nobody_who_is_registered() {
    let service = Service::start().await;
    let client = service.client();
    let answer = client
        .post("/v1/email/verify/resend", json!({ "email": ADA }))
        .await;
    answer.expect(StatusCode::ACCEPTED);
    assert!(service.mails(ADA).await.is_empty());
}

#[tokio::test]
async fn logging_in_waits_for_the_mailbox() {
    let service = Service::start().await;
    register(&service, ADA, PASSWORD).await;
    let client = service.client();
    let login = |password: &str| {
        let body = json!({ "email": ADA, "password": password });
        client.post("/v1/login", body)
    };
    login(PASSWORD).await.expect_problem("email_not_verified");
    login(OTHER_PASSWORD)
        .await
        .expect_problem("invalid_credentials");
}

#[tokio::test]
async fn guesses_from_before_the_proof_keep_nobody_out_after_it() {
    for email_verification in [EmailVerification::Required, EmailVerification::Optional] {
        let setting = Setting {
            email_verification,
            ..Setting::default()
        };
        let service = Service::start_with(setting).await;
        let client = service.client();
        let guess = || {
            let body = json!({ "email": ADA, "password": OTHER_PASSWORD });
            client.post("/v1/login", body)
        };
        for _ in 0..3 {
            guess().await.expect_problem("invalid_credentials");
        }
        guess().await.expect_problem("rate_limited");
        register(&service, ADA, PASSWORD).await;
        let token = service.mailed_token(ADA).await;
        // On the page, which opens no session.
        let fields = [("token", token.as_str()), ("password", PASSWORD)];
        let proven = client.call(Method::POST, "/verify").form(&fields).send();
        proven.await.expect(StatusCode::OK);
        service.client().log_in(ADA, PASSWORD).await;
    }
}

#[tokio::test]
async fn a_password_is_held_against_the_address_and_not_against_the_name() {
    let service = Service::start().await;
    let client = service.client();
    let name = "Ada Lovelace Byron";
    let body = json!({ "email": ADA, "password": ADA, "name": name });
    let refused = client.post("/v1/register", body).await;
    let refused = refused.expect_problem("weak_password").json();
    assert_eq!(refused["errors"][0]["code"], "own_address");
    let advice = refused["errors"][0]["message"].as_str().unwrap();
    assert!(!advice.contains("name"), "{advice}");
    let body = json!({ "email": ADA, "password": name, "name": name });
    let registered = client.post("/v1/register", body).await;
    registered.expect(StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_recipient_gets_only_so_much_mail() {
    let service = Service::start().await;
    for _ in 0..6 {
        register(&service, ADA, PASSWORD).await;
    }
    assert_eq!(service.mails(ADA).await.len(), 3);
}

#[tokio::test]
async fn typos_shut_nobody_out_and_ten_registrations_an_hour_do() {
    let service = Service::start().await;
    let client = service.client();
    let ask = |email: String, password: &str| {
        let body = json!({ "email": email, "password": password });
        client.post("/v1/register", body)
    };
    for _ in 0..5 {
        let short = ask(ADA.to_owned(), "short").await;
        short.expect_problem("weak_password");
        let no_address = ask("ada".to_owned(), PASSWORD).await;
        no_address.expect_problem("validation_failed");
    }
    service.create_account("person0@example.com", &[]).await;
    for number in 0..10 {
        let answer = ask(format!("person{number}@example.com"), PASSWORD).await;
        answer.expect(StatusCode::ACCEPTED);
    }
    for email in ["person0@example.com", "another@example.com"] {
        let answer = ask(email.to_owned(), PASSWORD).await;
        let answer = answer.expect_problem("rate_limited");
        let wait: u32 = answer.header("retry-after").parse().unwrap();
        assert!((300..=360).contains(&wait), "{wait}");
        assert_eq!(answer.header("ratelimit"), "");
        assert!(service.mails("another@example.com").await.is_empty());
    }
    let weak = ask("another@example.com".to_owned(), "short").await;
    weak.expect_problem("weak_password");
}

#[tokio::test]
async fn a_registration_for_a_taken_address_becomes_nothing() {
    let service = Service::start().await;
    service.create_account(ADA, &[]).await;
    register(&service, ADA, OTHER_PASSWORD).await;
    let client = service.client();
    let resend = json!({ "email": ADA });
    let answer = client.post("/v1/email/verify/resend", resend).await;
    answer.expect(StatusCode::ACCEPTED);
    let kinds: Vec<MailKind> = service.mails(ADA).await.iter().map(|m| m.kind).collect();
    assert_eq!(kinds, [MailKind::AddressTaken]);
    let body = json!({ "email": ADA, "password": OTHER_PASSWORD });
    let login = client.post("/v1/login", body).await;
    login.expect_problem("invalid_credentials");
}
