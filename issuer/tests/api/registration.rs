//! Asking for an account and proving the mailbox.

use http::{Method, StatusCode};
use serde_json::json;
use signet_core::account::EmailVerification;
use signet_core::limit::Quota;
use signet_core::mail::MailKind;

use crate::harness::everybody::{ACTIVE, INVITED, SUSPENDED, UNPROVEN};
use crate::harness::{OTHER_PASSWORD, PASSWORD, Service, Setting};

const ADA: &str = "ada@example.com";

async fn register(service: &Service, email: &str, password: &str) -> String {
    let body = json!({ "email": email, "password": password });
    let answer = service.client().post("/v1/register", body).await;
    answer.expect(StatusCode::ACCEPTED).string("registration")
}

/// Has the mail that proves a mailbox sent once more, if there is anything to prove.
async fn resend(service: &Service, email: &str) {
    let body = json!({ "email": email });
    let answer = service.client().post("/v1/email/verify/resend", body).await;
    answer.expect(StatusCode::ACCEPTED);
}

async fn kinds(service: &Service, email: &str) -> Vec<MailKind> {
    let mails = service.mails(email).await;
    mails.iter().map(|mail| mail.kind).collect()
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
    resend(&service, ADA).await;
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
    resend(&service, ADA).await;
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
    for _ in 0..6 {
        resend(&service, ADA).await;
    }
    assert_eq!(service.mails(ADA).await.len(), 6);
    register(&service, ADA, PASSWORD).await;
    assert_eq!(service.mails(ADA).await.len(), 6);
}

#[tokio::test]
async fn a_recipient_hears_only_so_often_of_registrations_in_the_long_run() {
    let setting = Setting {
        registration_mails: [Quota::new(5, 3_600), Quota::new(2, 86_400)],
        ..Setting::default()
    };
    let service = Service::start_with(setting).await;
    for _ in 0..4 {
        register(&service, ADA, PASSWORD).await;
    }
    assert_eq!(service.mails(ADA).await.len(), 2);
}

/// Registering and then logging in tells whether an address is taken. Its owner is to notice,
/// whatever somebody has asked for before to use their mail up.
#[tokio::test]
async fn nobody_tries_a_taken_address_behind_its_owners_back() {
    let service = Service::start().await;
    service.create_account(ADA, &[]).await;
    let eve = service.member("eve@example.com", &[]).await;
    for _ in 0..5 {
        resend(&service, ADA).await;
    }
    let change = json!({ "new_email": ADA, "password": PASSWORD });
    let asked = eve.post("/v1/me/email", change).await;
    asked.expect(StatusCode::ACCEPTED);
    // The worker has seen nothing of it yet: whatever it does comes too late.
    register(&service, ADA, OTHER_PASSWORD).await;
    let body = json!({ "email": ADA, "password": OTHER_PASSWORD });
    let login = service.client().post("/v1/login", body).await;
    login.expect_problem("invalid_credentials");
    assert_eq!(kinds(&service, ADA).await, [MailKind::AddressTaken]);
}

#[tokio::test]
async fn whoever_registers_gets_their_mail_whatever_strangers_asked_for_before() {
    let service = Service::start().await;
    for _ in 0..5 {
        resend(&service, ADA).await;
    }
    assert!(service.mails(ADA).await.is_empty());
    let registration = register(&service, ADA, PASSWORD).await;
    assert_eq!(kinds(&service, ADA).await, [MailKind::Verify]);
    let token = service.mailed_token(ADA).await;
    let body = json!({ "token": token, "registration": registration });
    let proven = service.client().post("/v1/email/verify", body).await;
    proven.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_registration_that_the_store_fails_uses_no_mail_up() {
    let service = Service::start().await;
    let database = service.database();
    database
        .run("ALTER TABLE registrations RENAME TO elsewhere")
        .await;
    for _ in 0..4 {
        let body = json!({ "email": ADA, "password": PASSWORD });
        let client = service.client();
        let failed = client.call(Method::POST, "/v1/register").json(&body);
        let failed = failed.send_unchecked().await;
        failed.expect_problem("internal_error");
    }
    database
        .run("ALTER TABLE elsewhere RENAME TO registrations")
        .await;
    register(&service, ADA, PASSWORD).await;
    assert_eq!(kinds(&service, ADA).await, [MailKind::Verify]);
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
    resend(&service, ADA).await;
    assert_eq!(kinds(&service, ADA).await, [MailKind::AddressTaken]);
    let body = json!({ "email": ADA, "password": OTHER_PASSWORD });
    let login = service.client().post("/v1/login", body).await;
    login.expect_problem("invalid_credentials");
}

/// Whoever was invited, or is suspended, gets no new password by asking for one.
#[tokio::test]
async fn everybody_whose_address_is_taken_reads_what_they_can_do_in_the_same_words() {
    let service = Service::with_everybody(Setting::default()).await;
    let mut letters = Vec::new();
    for email in [ACTIVE, SUSPENDED, UNPROVEN, INVITED] {
        register(&service, email, OTHER_PASSWORD).await;
        let letter = service.mails(email).await.pop().unwrap();
        assert_eq!(letter.kind, MailKind::AddressTaken, "{email}");
        letters.push((letter.text, letter.html));
    }
    for (text, html) in &letters {
        assert!(text.contains("in the invitation"), "{text}");
        assert!(text.contains("ask whoever runs this service"), "{text}");
        assert_eq!((text, html), (&letters[0].0, &letters[0].1));
    }
}
