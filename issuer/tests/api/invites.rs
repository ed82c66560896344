//! Inviting people.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use signet_core::mail::MailKind;

use crate::harness::{Answer, Client, OTHER_PASSWORD, PASSWORD, Service, Setting};

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

#[tokio::test]
async fn what_cannot_be_invited_or_accepted_is_told_and_uses_nothing_up() {
    let setting = Setting {
        limits_scale: 1_000,
        ..Setting::default()
    };
    let service = Service::start_with(setting).await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let many: Vec<String> = (0..17).map(|number| format!("role{number}")).collect();
    for name in &many {
        let body = json!({ "name": name, "permissions": [] });
        let created = admin.post("/v1/admin/roles", body).await;
        created.expect(StatusCode::CREATED);
    }
    for (body, field, code) in [
        (json!({ "roles": [] }), "email", "missing"),
        (json!({ "email": ADA }), "roles", "missing"),
        (
            json!({ "email": "ada", "roles": [] }),
            "email",
            "invalid_email",
        ),
        (
            json!({ "email": "ada@example.com\r\nBcc: eve@example.com", "roles": [] }),
            "email",
            "invalid_email",
        ),
        (
            json!({ "email": ADA, "roles": ["a b"] }),
            "roles[0]",
            "invalid_name",
        ),
        (json!({ "email": ADA, "roles": many }), "roles", "too_many"),
        (
            json!({ "email": ADA, "roles": [], "name": "A\nB" }),
            "name",
            "invalid_name",
        ),
        (
            json!({ "email": ADA, "roles": [], "status": "active" }),
            "status",
            "unknown_member",
        ),
        (
            json!({ "email": ADA, "roles": [], "password": PASSWORD }),
            "password",
            "unknown_member",
        ),
    ] {
        let answer = invite(&admin, body.clone()).await;
        let faults = answer.expect_problem("validation_failed").faults();
        assert_eq!(faults, [(field.to_owned(), code.to_owned())], "{body}");
    }
    assert!(service.mails(ADA).await.is_empty());

    let body = json!({ "email": ADA, "roles": [] });
    invite(&admin, body).await.expect(StatusCode::CREATED);
    let token = service.mailed_token(ADA).await;
    for (password, code) in [
        ("", "too_short"),
        ("eleven char", "too_short"),
        ("correct horse\0battery staple", "nul"),
        ("QwertyUiop123", "common"),
        ("Ada@Example.com", "own_address"),
        ("signetsignet", "product_name"),
        (&"ab".repeat(129), "too_long"),
    ] {
        let answer = accept(&service, &token, password).await;
        let faults = answer.expect_problem("weak_password").faults();
        assert_eq!(faults, [("password".to_owned(), code.to_owned())]);
    }
    let client = service.client();
    for (body, field, code) in [
        (json!({ "token": token }), "password", "missing"),
        (json!({ "password": PASSWORD }), "token", "missing"),
        (
            json!({ "token": token, "password": PASSWORD, "name": " Ada" }),
            "name",
            "invalid_name",
        ),
        (
            json!({ "token": token, "password": PASSWORD, "roles": ["admin"] }),
            "roles",
            "unknown_member",
        ),
        (
            json!({ "token": token, "password": PASSWORD, "email": "eve@example.com" }),
            "email",
            "unknown_member",
        ),
    ] {
        let answer = client.post("/v1/invite/accept", body.clone()).await;
        let faults = answer.expect_problem("validation_failed").faults();
        assert_eq!(faults, [(field.to_owned(), code.to_owned())], "{body}");
    }
    let shorter: String = token.chars().skip(1).collect();
    for wrong in [
        "",
        "x",
        &shorter,
        &format!("{token}="),
        &format!(" {token}"),
    ] {
        let answer = accept(&service, wrong, PASSWORD).await;
        answer.expect_problem("invalid_mailed_token");
    }
    for (path, body) in [
        (
            "/v1/password/reset",
            json!({ "token": token, "new_password": PASSWORD }),
        ),
        (
            "/v1/email/verify",
            json!({ "token": token, "password": PASSWORD }),
        ),
    ] {
        let answer = client.post(path, body).await;
        answer.expect_problem("invalid_mailed_token");
    }
    let answer = accept(&service, &token, PASSWORD).await;
    answer.expect(StatusCode::OK);
}

#[tokio::test]
async fn an_invited_account_is_activated_by_nothing_else() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let body = json!({ "email": ADA, "roles": ["admin"] });
    let id = invite(&admin, body).await.string("id");
    let token = service.mailed_token(ADA).await;
    let path = |end: &str| format!("/v1/admin/users/{id}/{end}");
    let activated = admin.call(Method::POST, &path("activate")).send().await;
    let detail = activated.expect_problem("conflict").string("detail");
    assert!(detail.contains("invited"), "{detail}");
    // It is no admin: the only one there is stays.
    let admin_id = admin.get("/v1/me").await.string("id");
    let last = format!("/v1/admin/users/{admin_id}/suspend");
    let refused = admin.call(Method::POST, &last).send().await;
    refused.expect_problem("conflict");
    let reset = admin.call(Method::POST, &path("password-reset")).send();
    reset.await.expect_problem("conflict");
    let resend = json!({ "email": ADA });
    let client = service.client();
    client.post("/v1/email/verify/resend", resend).await;
    assert_eq!(service.mails(ADA).await.len(), 1, "the invite");
    accept(&service, &token, PASSWORD)
        .await
        .expect(StatusCode::OK);
}

#[tokio::test]
async fn many_who_accept_at_once_are_one() {
    let service = Service::start().await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let body = json!({ "email": ADA, "roles": [] });
    invite(&admin, body).await.expect(StatusCode::CREATED);
    let token = service.mailed_token(ADA).await;
    let calls: Vec<_> = (0..10)
        .map(|number| {
            let (client, token) = (service.client(), token.clone());
            tokio::spawn(async move {
                let password = format!("{OTHER_PASSWORD} {number}");
                let body = json!({ "token": token, "password": password });
                let answer = client.post("/v1/invite/accept", body).await;
                (answer.status, password)
            })
        })
        .collect();
    let mut winners = Vec::new();
    for call in calls {
        let (status, password) = call.await.unwrap();
        if status == StatusCode::OK {
            winners.push(password);
        }
    }
    assert_eq!(winners.len(), 1);
    service.client().log_in(ADA, &winners[0]).await;
}
