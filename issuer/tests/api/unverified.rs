//! Accounts that are used before their mailbox is proven, where the configuration lets them be, and
//! what becomes of those whose address belongs to somebody else.

use http::{Method, StatusCode};
use serde_json::json;
use signet_core::account::EmailVerification;
use signet_core::mail::MailKind;

use crate::harness::{Client, OTHER_PASSWORD, PASSWORD, Service, Setting};

const ADA: &str = "ada@example.com";

fn optional() -> Setting {
    Setting {
        email_verification: EmailVerification::Optional,
        ..Setting::default()
    }
}

/// Somebody registers; the secret of the registration is the answer.
async fn register(service: &Service, email: &str, password: &str) -> String {
    let body = json!({ "email": email, "password": password });
    let answer = service.client().post("/v1/register", body).await;
    answer.expect(StatusCode::ACCEPTED).string("registration")
}

/// Somebody registers and logs in.
async fn registered(service: &Service, email: &str) -> Client {
    register(service, email, PASSWORD).await;
    let mut client = service.client();
    client.log_in(email, PASSWORD).await;
    client
}

async fn is_verified(client: &Client) -> bool {
    let me = client.get("/v1/me").await.expect(StatusCode::OK).json();
    me["email_verified"].as_bool().unwrap()
}

async fn kinds(service: &Service, email: &str) -> Vec<MailKind> {
    let mails = service.mails(email).await;
    mails.iter().map(|mail| mail.kind).collect()
}

#[tokio::test]
async fn an_account_can_be_used_at_once_and_proven_later() {
    let service = Service::start_with(optional()).await;
    for (email, with) in [(ADA, "registration"), ("bob@example.com", "password")] {
        let registration = register(&service, email, PASSWORD).await;
        let mut first = service.client();
        first.log_in(email, PASSWORD).await;
        assert!(!is_verified(&first).await);
        first.refresh().await.expect(StatusCode::OK);
        let body = json!({ "password": PASSWORD });
        let again = first.post("/v1/reauthenticate", body).await;
        first.keep(&again.expect(StatusCode::OK));

        assert_eq!(kinds(&service, email).await, [MailKind::Verify]);
        let token = service.mailed_token(email).await;
        let proof = match with {
            "password" => json!({ "token": token, "password": PASSWORD }),
            _ => json!({ "token": token, "registration": registration }),
        };
        let client = service.client();
        let proven = client.post("/v1/email/verify", proof.clone()).await;
        let mut second = service.client();
        second.keep(&proven.expect(StatusCode::OK));
        assert!(is_verified(&second).await);
        assert!(is_verified(&first).await, "the first session goes on");
        first.refresh().await.expect(StatusCode::OK);
        let again = client.post("/v1/email/verify", proof).await;
        again.expect_problem("invalid_mailed_token");
    }
}

#[tokio::test]
async fn proving_takes_the_token_and_what_belongs_to_the_account() {
    let service = Service::start_with(optional()).await;
    let registration = register(&service, ADA, PASSWORD).await;
    let token = service.mailed_token(ADA).await;
    let elsewhere = register(&service, "eve@example.com", OTHER_PASSWORD).await;
    let client = service.client();
    let verify = |body| client.post("/v1/email/verify", body);
    for wrong in [
        json!({ "token": token, "registration": elsewhere }),
        json!({ "token": token, "registration": "" }),
        json!({ "token": token, "password": OTHER_PASSWORD }),
        json!({ "token": token, "registration": registration, "password": OTHER_PASSWORD }),
        json!({ "token": token, "registration": elsewhere, "password": PASSWORD }),
        json!({ "token": format!("{token}x"), "password": PASSWORD }),
    ] {
        verify(wrong).await.expect_problem("invalid_mailed_token");
    }
    let resend = json!({ "email": ADA });
    client.post("/v1/email/verify/resend", resend).await;
    let newer = service.mailed_token(ADA).await;
    let old = json!({ "token": token, "registration": registration });
    verify(old).await.expect_problem("invalid_mailed_token");
    let new = json!({ "token": newer, "registration": registration });
    verify(new).await.expect(StatusCode::OK);
    client
        .post("/v1/email/verify/resend", json!({ "email": ADA }))
        .await;
    assert_eq!(kinds(&service, ADA).await.len(), 2, "it is proven");
}

#[tokio::test]
async fn a_second_registration_changes_nothing_and_its_owner_is_told() {
    let service = Service::start_with(optional()).await;
    register(&service, ADA, PASSWORD).await;
    let token = service.mailed_token(ADA).await;
    let second = register(&service, ADA, OTHER_PASSWORD).await;
    let told = [MailKind::Verify, MailKind::AddressTaken];
    assert_eq!(kinds(&service, ADA).await, told);
    let client = service.client();
    for body in [
        json!({ "token": token, "registration": second }),
        json!({ "token": token, "password": OTHER_PASSWORD }),
    ] {
        let refused = client.post("/v1/email/verify", body).await;
        refused.expect_problem("invalid_mailed_token");
    }
    let body = json!({ "email": ADA, "password": OTHER_PASSWORD });
    let login = client.post("/v1/login", body).await;
    login.expect_problem("invalid_credentials");
    service.client().log_in(ADA, PASSWORD).await;
}

#[tokio::test]
async fn who_registered_a_strangers_address_and_waited_has_nothing_in_the_end() {
    let service = Service::start_with(optional()).await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let registration = register(&service, ADA, OTHER_PASSWORD).await;
    let mut thief = service.client();
    let body = json!({ "email": ADA, "password": OTHER_PASSWORD });
    let login = thief.post("/v1/login", body).await.expect(StatusCode::OK);
    thief.keep(&login);
    let device = login.string("device");
    // Somebody means Ada, and gives her account what she is to have.
    let id = thief.get("/v1/me").await.string("id");
    let roles = json!({ "roles": ["admin"] });
    let given = admin
        .put(&format!("/v1/admin/users/{id}/roles"), roles)
        .await;
    assert_eq!(given.expect(StatusCode::OK).json()["email_verified"], false);
    thief.refresh().await.expect(StatusCode::OK);
    let me = thief.get("/v1/me").await.expect(StatusCode::OK).json();
    assert_eq!(me["roles"], json!(["user"]));
    let users = thief.get("/v1/admin/users").await;
    users.expect_problem("insufficient_scope");

    // Ada opens the mail she didn't ask for, and nothing she can type makes the thief's password hers.
    let mailed = service.mailed_token(ADA).await;
    let client = service.client();
    let body = json!({ "token": mailed, "password": PASSWORD });
    let verified = client.post("/v1/email/verify", body).await;
    verified.expect_problem("invalid_mailed_token");
    // She registers, is told that her address has an account, and asks for a new password.
    register(&service, ADA, PASSWORD).await;
    let forgot = client.post("/v1/password/forgot", json!({ "email": ADA }));
    forgot.await.expect(StatusCode::ACCEPTED);
    let told = [MailKind::Verify, MailKind::AddressTaken, MailKind::Reset];
    assert_eq!(kinds(&service, ADA).await, told);
    let token = service.mailed_token(ADA).await;
    let body = json!({ "token": token, "new_password": PASSWORD });
    let reset = client.post("/v1/password/reset", body).await;
    reset.expect(StatusCode::NO_CONTENT);

    thief.get("/v1/me").await.expect_problem("invalid_token");
    let refreshed = thief.refresh().await;
    refreshed.expect_problem("invalid_refresh_token");
    for body in [
        json!({ "token": mailed, "registration": registration }),
        json!({ "token": mailed, "password": OTHER_PASSWORD }),
    ] {
        let verified = client.post("/v1/email/verify", body).await;
        verified.expect_problem("invalid_mailed_token");
    }
    let body = json!({ "email": ADA, "password": OTHER_PASSWORD, "device": device });
    let login = client.post("/v1/login", body).await;
    login.expect_problem("invalid_credentials");
    let mut ada = service.client();
    ada.log_in(ADA, PASSWORD).await;
    assert!(is_verified(&ada).await);
    let listed = ada.get("/v1/sessions").await.json();
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 1);
    ada.get("/v1/admin/users").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn whatever_an_unverified_session_does_the_roles_wait_for_the_mailbox() {
    let service = Service::start_with(optional()).await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let mut ada = registered(&service, ADA).await;
    let id = ada.get("/v1/me").await.string("id");
    let path = format!("/v1/admin/users/{id}/roles");
    let given = admin.put(&path, json!({ "roles": ["admin"] })).await;
    let given = given.expect(StatusCode::OK).json();
    assert_eq!(given["roles"], json!(["admin", "user"]));
    ada.log_in(ADA, PASSWORD).await;
    let body = json!({ "email": "bob@example.com", "roles": [] });
    for (method, path, body) in [
        (Method::GET, "/v1/admin/users".to_owned(), json!({})),
        (Method::POST, "/v1/admin/users".to_owned(), body),
        (Method::PUT, path, json!({ "roles": [] })),
    ] {
        let call = ada.call(method, &path).json(&body).send().await;
        call.expect_problem("insufficient_scope");
    }
    let admin_id = admin.get("/v1/me").await.string("id");
    let path = format!("/v1/admin/users/{admin_id}/suspend");
    let last = admin.call(Method::POST, &path).send().await;
    last.expect_problem("conflict");
    let body = json!({ "token": service.mailed_token(ADA).await, "password": PASSWORD });
    let proven = ada.post("/v1/email/verify", body).await;
    ada.keep(&proven.expect(StatusCode::OK));
    ada.get("/v1/admin/users").await.expect(StatusCode::OK);
    let suspended = admin.call(Method::POST, &path).send().await;
    suspended.expect(StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn where_proof_is_required_again_nobody_logs_in_without_it() {
    let production = Setting::production();
    let lax = Setting {
        email_verification: EmailVerification::Optional,
        ..Setting::production()
    };
    let before = Service::start_with(lax).await;
    let mut ada = registered(&before, ADA).await;
    let after = before.beside(production).await;
    let client = after.client();
    let login = |password: &str| {
        let body = json!({ "email": ADA, "password": password });
        client.post("/v1/login", body)
    };
    login(PASSWORD).await.expect_problem("email_not_verified");
    login(OTHER_PASSWORD)
        .await
        .expect_problem("invalid_credentials");
    // A session that was opened before is one.
    ada.refresh().await.expect(StatusCode::OK);
    let resend = client.post("/v1/email/verify/resend", json!({ "email": ADA }));
    resend.await.expect(StatusCode::ACCEPTED);
    let token = after.mailed_token(ADA).await;
    let body = json!({ "token": token, "password": PASSWORD });
    let verified = client.post("/v1/email/verify", body).await;
    verified.expect(StatusCode::OK);
    login(PASSWORD).await.expect(StatusCode::OK);
    assert!(is_verified(&ada).await);
}

#[tokio::test]
async fn whom_an_operator_made_may_prove_the_mailbox_with_the_password() {
    let service = Service::start().await;
    service.create_unproven_account(ADA).await;
    let client = service.client();
    let body = json!({ "email": ADA, "password": PASSWORD });
    let login = client.post("/v1/login", body).await;
    login.expect_problem("email_not_verified");
    let resend = client.post("/v1/email/verify/resend", json!({ "email": ADA }));
    resend.await.expect(StatusCode::ACCEPTED);
    let token = service.mailed_token(ADA).await;
    let wrong = json!({ "token": token, "password": OTHER_PASSWORD });
    let refused = client.post("/v1/email/verify", wrong).await;
    refused.expect_problem("invalid_mailed_token");
    let fields = [("token", token.as_str()), ("password", PASSWORD)];
    let done = client.call(Method::POST, "/verify").form(&fields).send();
    done.await.expect(StatusCode::OK);
    service.client().log_in(ADA, PASSWORD).await;
}

#[tokio::test]
async fn what_nobody_uses_for_a_week_is_free_again() {
    let service = Service::start_with(optional()).await;
    register(&service, ADA, OTHER_PASSWORD).await;
    let used = registered(&service, "bob@example.com").await;
    service.wait(7 * 86_400);
    service.app.issuer.sweep().await.unwrap();
    let mut ada = registered(&service, ADA).await;
    ada.refresh().await.expect(StatusCode::OK);
    let body = json!({ "email": "bob@example.com", "password": PASSWORD });
    let login = used.post("/v1/login", body).await;
    login.expect(StatusCode::OK);
}

/// A name is what somebody wants to say to themselves: it goes to no mailbox that they haven't
/// shown to be theirs.
#[tokio::test]
async fn nobody_has_their_words_mailed_to_strangers() {
    const WORDS: &str = "You won! See https://evil.example";
    let service = Service::start_with(optional()).await;
    let body = json!({ "email": ADA, "password": PASSWORD, "name": WORDS });
    let client = service.client();
    let registered = client.post("/v1/register", body).await;
    registered.expect(StatusCode::ACCEPTED);
    for path in ["/v1/email/verify/resend", "/v1/password/forgot"] {
        let asked = client.post(path, json!({ "email": ADA })).await;
        asked.expect(StatusCode::ACCEPTED);
    }
    let to_stranger = service.mails(ADA).await;
    assert_eq!(to_stranger.len(), 3);

    let eve = service.member("eve@example.com", &[]).await;
    let me = eve.call(Method::PATCH, "/v1/me");
    let named = me.json(&json!({ "name": WORDS })).send().await;
    named.expect(StatusCode::OK);
    let body = json!({ "new_email": "bob@example.com", "password": PASSWORD });
    let asked = eve.post("/v1/me/email", body).await;
    asked.expect(StatusCode::ACCEPTED);
    let to_other_stranger = service.mails("bob@example.com").await;
    assert_eq!(to_other_stranger.len(), 1);
    for mail in to_stranger.iter().chain(&to_other_stranger) {
        let is_said = mail.text.contains("evil") || mail.html.contains("evil");
        assert!(!is_said, "{:?}: {}", mail.kind, mail.text);
    }
    let to_eve = service.mails("eve@example.com").await;
    assert!(to_eve.last().unwrap().text.contains(WORDS), "her own mail");
}
