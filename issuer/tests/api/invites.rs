//! Inviting people.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use signet_core::mail::MailKind;

use crate::harness::{Answer, Client, OTHER_PASSWORD, PASSWORD, Service};

const ADA: &str = "ada@example.com";

async fn invite(client: &Client, body: Value) -> Answer {
    client.post("/v1/admin/users", body).await
}

async fn accept(service: &Service, token: &str, password: &str) -> Answer {
    let body = json!({ "token": token, "password": password });
    service.client().post("/v1/invite/accept", body).await
}

#[tokio::test]
async fn who_is_invited_gives_the_account_its_password() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let body = json!({ "email": ADA, "name": "Ada", "roles": ["admin"] });
    let invited = invite(&admin, body).await.expect(StatusCode::CREATED);
    let user = invited.json();
    assert_eq!(user["status"], "invited");
    assert_eq!(user["roles"], json!(["admin", "user"]));
    let location = invited.header("location").to_owned();
    let again = admin.get(&location).await.expect(StatusCode::OK).json();
    assert_eq!(again["id"], user["id"]);
    let listed = admin.get("/v1/admin/users?status=invited").await.json();
    assert_eq!(listed["users"].as_array().unwrap().len(), 1);

    // Until then it is nobody's: no password fits, and no reset makes one.
    let client = service.client();
    let login = json!({ "email": ADA, "password": PASSWORD });
    client
        .post("/v1/login", login)
        .await
        .expect_problem("invalid_credentials");
    client
        .post("/v1/password/forgot", json!({ "email": ADA }))
        .await
        .expect(StatusCode::ACCEPTED);
    let kinds: Vec<MailKind> = service
        .mails(ADA)
        .await
        .iter()
        .map(|mail| mail.kind)
        .collect();
    assert_eq!(kinds, [MailKind::Invite]);
    let token = service.mailed_token(ADA).await;
    accept(&service, &token, "short")
        .await
        .expect_problem("weak_password");
    accept(&service, &format!("{token}x"), PASSWORD)
        .await
        .expect_problem("invalid_mailed_token");
    let answer = accept(&service, &token, PASSWORD)
        .await
        .expect(StatusCode::OK);
    let mut ada = service.client();
    ada.keep(&answer);
    let me = ada.get("/v1/me").await.expect(StatusCode::OK).json();
    assert_eq!(
        (&me["email_verified"], &me["name"]),
        (&json!(true), &json!("Ada"))
    );
    ada.get("/v1/admin/users").await.expect(StatusCode::OK);
    accept(&service, &token, OTHER_PASSWORD)
        .await
        .expect_problem("invalid_mailed_token");
    service.client().log_in(ADA, PASSWORD).await;
}

#[tokio::test]
async fn a_second_invite_voids_the_first_and_seven_days_void_both() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let body = json!({ "email": ADA, "roles": [] });
    let first = invite(&admin, body.clone())
        .await
        .expect(StatusCode::CREATED)
        .string("id");
    let old = service.mailed_token(ADA).await;
    let second = invite(&admin, body.clone())
        .await
        .expect(StatusCode::CREATED)
        .string("id");
    assert_eq!(first, second);
    let new = service.mailed_token(ADA).await;
    accept(&service, &old, PASSWORD)
        .await
        .expect_problem("invalid_mailed_token");
    service.wait(7 * 86_400);
    accept(&service, &new, PASSWORD)
        .await
        .expect_problem("invalid_mailed_token");
}

#[tokio::test]
async fn invites_are_for_those_who_may_and_to_no_more_than_they_hold() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    for (name, permissions) in [
        ("clerk", json!(["users:read", "users:write"])),
        ("blind", json!(["users:write"])),
    ] {
        let body = json!({ "name": name, "permissions": permissions });
        admin
            .post("/v1/admin/roles", body)
            .await
            .expect(StatusCode::CREATED);
    }
    let clerk = service.member("clerk@example.com", &["clerk"]).await;
    let blind = service.member("blind@example.com", &["blind"]).await;
    let member = service.member("member@example.com", &[]).await;
    let body = |roles: Value| json!({ "email": ADA, "roles": roles });
    invite(&member, body(json!([])))
        .await
        .expect_problem("insufficient_scope");
    invite(&blind, body(json!([])))
        .await
        .expect_problem("insufficient_scope");
    invite(&clerk, body(json!(["admin"])))
        .await
        .expect_problem("insufficient_scope");
    let unknown = invite(&clerk, body(json!(["nobody"]))).await;
    unknown.expect_problem("validation_failed");
    invite(&clerk, body(json!(["clerk"])))
        .await
        .expect(StatusCode::CREATED);
    let taken = json!({ "email": "member@example.com", "roles": [] });
    invite(&clerk, taken).await.expect_problem("conflict");
    service.wait(301);
    let stale = invite(&clerk, body(json!([]))).await;
    stale.expect_problem("reauthentication_required");
}

#[tokio::test]
async fn registering_an_invited_address_is_answered_as_ever() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let body = json!({ "email": ADA, "roles": ["admin"] });
    invite(&admin, body).await.expect(StatusCode::CREATED);
    let token = service.mailed_token(ADA).await;
    let body = json!({ "email": ADA, "password": OTHER_PASSWORD });
    let registered = service.client().post("/v1/register", body).await;
    registered.expect(StatusCode::ACCEPTED);
    let kinds: Vec<MailKind> = service
        .mails(ADA)
        .await
        .iter()
        .map(|mail| mail.kind)
        .collect();
    assert_eq!(kinds, [MailKind::Invite, MailKind::AddressTaken]);
    accept(&service, &token, PASSWORD)
        .await
        .expect(StatusCode::OK);
}

#[tokio::test]
async fn an_invite_is_taken_back_by_suspending_or_erasing() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    for (name, path, method) in [
        ("bob@example.com", "/suspend", Method::POST),
        ("eve@example.com", "", Method::DELETE),
    ] {
        let body = json!({ "email": name, "roles": [] });
        let id = invite(&admin, body)
            .await
            .expect(StatusCode::CREATED)
            .string("id");
        let token = service.mailed_token(name).await;
        let call = admin.call(method, &format!("/v1/admin/users/{id}{path}"));
        call.send().await.expect(StatusCode::NO_CONTENT);
        accept(&service, &token, PASSWORD)
            .await
            .expect_problem("invalid_mailed_token");
    }
}

#[tokio::test]
async fn the_page_accepts_an_invite_and_opening_it_does_not() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    invite(&admin, json!({ "email": ADA, "roles": [] }))
        .await
        .expect(StatusCode::CREATED);
    let mail = service.mails(ADA).await.pop().unwrap();
    let token = mail.token.unwrap();
    let link = format!("http://{}/invite#token={token}", service.host());
    assert_eq!(mail.link.as_deref(), Some(link.as_str()));
    let client = service.client();
    for _ in 0..20 {
        client
            .get(&format!("/invite?token={token}"))
            .await
            .expect(StatusCode::OK);
    }
    let submit = |password: &str| {
        let fields = [
            ("token", token.as_str()),
            ("name", ""),
            ("password", password),
        ];
        client.call(Method::POST, "/invite").form(&fields).send()
    };
    let weak = submit("short")
        .await
        .expect(StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        weak.text().contains("at least 12 characters"),
        "{}",
        weak.text()
    );
    let done = submit(PASSWORD).await.expect(StatusCode::OK);
    assert_eq!(done.header("set-cookie"), "", "a page opens no session");
    service.client().log_in(ADA, PASSWORD).await;
}
