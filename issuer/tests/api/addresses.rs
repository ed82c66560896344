//! Changing one's address, and taking it back.

use http::{Method, StatusCode};
use serde_json::json;
use signet_core::mail::MailKind;

use crate::harness::{Client, OTHER_PASSWORD, PASSWORD, Service, Setting};

const ADA: &str = "ada@example.com";
const NEW: &str = "countess@example.com";
const DAY: u64 = 86_400;

async fn ask(client: &Client, email: &str, password: &str) -> crate::harness::Answer {
    let body = json!({ "new_email": email, "password": password });
    client.post("/v1/me/email", body).await
}

async fn settle(service: &Service, path: &str, token: &str) -> crate::harness::Answer {
    let body = json!({ "token": token });
    service.client().post(path, body).await
}

async fn kinds(service: &Service, to: &str) -> Vec<MailKind> {
    let mails = service.mails(to).await;
    mails.iter().map(|mail| mail.kind).collect()
}

#[tokio::test]
async fn an_address_is_changed_by_the_mail_to_the_new_one() {
    let service = Service::start().await;
    let mut ada = service.member(ADA, &[]).await;
    ask(&ada, NEW, PASSWORD).await.expect(StatusCode::ACCEPTED);
    let token = service.mailed_token(NEW).await;
    assert_eq!(kinds(&service, NEW).await, [MailKind::AddressChange]);
    assert_eq!(kinds(&service, ADA).await, [MailKind::AddressChangeNotice]);
    let notice = service.mails(ADA).await.pop().unwrap();
    assert!(
        !notice.text.contains(NEW),
        "the old mailbox isn't told where to"
    );
    assert_eq!(ada.get("/v1/me").await.string("email"), ADA);

    // The purposes don't know each other's tokens.
    for path in ["/v1/email/revert", "/v1/password/reset", "/v1/email/verify"] {
        let body = json!({ "token": token, "new_password": OTHER_PASSWORD, "password": PASSWORD });
        let body = match path {
            "/v1/password/reset" => json!({ "token": token, "new_password": OTHER_PASSWORD }),
            "/v1/email/verify" => json!({ "token": token, "password": PASSWORD }),
            _ => {
                drop(body);
                json!({ "token": token })
            }
        };
        let answer = service.client().post(path, body).await;
        answer.expect_problem("invalid_mailed_token");
    }
    let done = settle(&service, "/v1/email/change", &token).await;
    done.expect(StatusCode::NO_CONTENT);
    let again = settle(&service, "/v1/email/change", &token).await;
    again.expect_problem("invalid_mailed_token");
    let me = ada.get("/v1/me").await.expect(StatusCode::OK).json();
    assert_eq!(
        (&me["email"], &me["email_verified"]),
        (&json!(NEW), &json!(true))
    );
    ada.refresh().await.expect(StatusCode::OK);
    service.client().log_in(NEW, PASSWORD).await;
    let body = json!({ "email": ADA, "password": PASSWORD });
    let old = service.client().post("/v1/login", body).await;
    old.expect_problem("invalid_credentials");
}

#[tokio::test]
async fn a_change_asks_for_the_password_and_a_stolen_access_token_is_not_enough() {
    let service = Service::start().await;
    let ada = service.member(ADA, &[]).await;
    let wrong = ask(&ada, NEW, OTHER_PASSWORD).await;
    let wrong = wrong.expect_problem("validation_failed");
    assert_eq!(
        wrong.faults(),
        [("password".into(), "wrong_password".into())]
    );
    let same = ask(&ada, "ADA@example.com", PASSWORD).await;
    let same = same.expect_problem("validation_failed");
    assert_eq!(same.faults(), [("new_email".into(), "same_address".into())]);
    let client = service.client();
    ask(&client, NEW, PASSWORD)
        .await
        .expect_problem("missing_token");
    for email in ["", "ada", "a@b\r\nBcc: c@d", "\"a b\"@x.example"] {
        ask(&ada, email, PASSWORD)
            .await
            .expect_problem("validation_failed");
    }
    assert!(service.mails(NEW).await.is_empty() && service.mails(ADA).await.is_empty());
}

#[tokio::test]
async fn a_taken_address_is_answered_alike_and_its_owner_is_told() {
    let service = Service::start().await;
    let ada = service.member(ADA, &[]).await;
    service.create_account("bob@example.com", &[]).await;
    for email in ["bob@example.com", "free@example.com"] {
        ask(&ada, email, PASSWORD)
            .await
            .expect(StatusCode::ACCEPTED);
    }
    assert_eq!(
        kinds(&service, "bob@example.com").await,
        [MailKind::ChangeToTaken]
    );
    let told = service.mails("bob@example.com").await.pop().unwrap();
    assert!(told.token.is_none() && !told.text.contains(ADA));
    assert_eq!(
        kinds(&service, ADA).await,
        [MailKind::AddressChangeNotice; 2]
    );
}

#[tokio::test]
async fn whoever_steals_an_account_is_thrown_out_from_the_old_mailbox() {
    let service = Service::start().await;
    let thief = service.member(ADA, &[]).await;
    ask(&thief, NEW, PASSWORD)
        .await
        .expect(StatusCode::ACCEPTED);
    let token = service.mailed_token(NEW).await;
    let undo = service.mailed_token(ADA).await;
    settle(&service, "/v1/email/change", &token)
        .await
        .expect(StatusCode::NO_CONTENT);
    // The thief resets the password through the address that is theirs now.
    let client = service.client();
    client
        .post("/v1/password/forgot", json!({ "email": NEW }))
        .await
        .expect(StatusCode::ACCEPTED);
    let reset = service.mailed_token(NEW).await;
    let body = json!({ "token": reset, "new_password": OTHER_PASSWORD });
    client
        .post("/v1/password/reset", body)
        .await
        .expect(StatusCode::NO_CONTENT);
    let mut inside = service.client();
    inside.log_in(NEW, OTHER_PASSWORD).await;

    service.wait(2 * DAY);
    settle(&service, "/v1/email/revert", &undo)
        .await
        .expect(StatusCode::NO_CONTENT);
    inside
        .refresh()
        .await
        .expect_problem("invalid_refresh_token");
    inside.get("/v1/me").await.expect_problem("invalid_token");
    settle(&service, "/v1/email/revert", &undo)
        .await
        .expect_problem("invalid_mailed_token");
    client
        .post("/v1/password/forgot", json!({ "email": ADA }))
        .await
        .expect(StatusCode::ACCEPTED);
    let reset = service.mailed_token(ADA).await;
    let body = json!({ "token": reset, "new_password": "the owner is back again" });
    client
        .post("/v1/password/reset", body)
        .await
        .expect(StatusCode::NO_CONTENT);
    service
        .client()
        .log_in(ADA, "the owner is back again")
        .await;
    let last = kinds(&service, NEW).await.pop();
    assert_eq!(last, Some(MailKind::AddressPutBackNotice));
}

#[tokio::test]
async fn the_old_mailbox_can_keep_the_address_before_it_changes() {
    let service = Service::start().await;
    let ada = service.member(ADA, &[]).await;
    ask(&ada, NEW, PASSWORD).await.expect(StatusCode::ACCEPTED);
    let (token, undo) = (
        service.mailed_token(NEW).await,
        service.mailed_token(ADA).await,
    );
    settle(&service, "/v1/email/revert", &undo)
        .await
        .expect(StatusCode::NO_CONTENT);
    settle(&service, "/v1/email/change", &token)
        .await
        .expect_problem("invalid_mailed_token");
    assert_eq!(ada.get("/v1/me").await.string("email"), ADA);
}

#[tokio::test]
async fn the_page_has_one_field_and_does_what_the_code_is_for() {
    let service = Service::start().await;
    let ada = service.member(ADA, &[]).await;
    ask(&ada, NEW, PASSWORD).await.expect(StatusCode::ACCEPTED);
    let (token, undo) = (
        service.mailed_token(NEW).await,
        service.mailed_token(ADA).await,
    );
    let client = service.client();
    for _ in 0..20 {
        let page = client.get(&format!("/email-change?token={token}")).await;
        assert_eq!(page.expect(StatusCode::OK).header("set-cookie"), "");
        let head = client.call(Method::HEAD, "/email-change").send().await;
        head.expect(StatusCode::OK);
    }
    assert_eq!(ada.get("/v1/me").await.string("email"), ADA);
    let submit = |code: &str| {
        let fields = [("token", code)];
        client
            .call(Method::POST, "/email-change")
            .form(&fields)
            .send()
    };
    let done = submit(&token).await.expect(StatusCode::OK);
    assert!(done.text().contains("Address changed"), "{}", done.text());
    assert_eq!(ada.get("/v1/me").await.string("email"), NEW);
    let again = submit(&token)
        .await
        .expect(StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.text().contains("role=\"alert\""));
    let back = submit(&format!(" {undo} ")).await.expect(StatusCode::OK);
    assert!(
        back.text().contains("Old address put back"),
        "{}",
        back.text()
    );
    service.client().log_in(ADA, PASSWORD).await;
}

#[tokio::test]
async fn changes_that_are_asked_for_again_and_again_are_limited() {
    let service = Service::start().await;
    let ada = service.member(ADA, &[]).await;
    let mut last = StatusCode::ACCEPTED;
    for number in 0..12 {
        last = ask(&ada, &format!("new{number}@example.com"), PASSWORD)
            .await
            .status;
        if last != StatusCode::ACCEPTED {
            break;
        }
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

/// A cell of the table in the documentation: between backticks, with escapes for what can't be seen.
fn cell(text: &str) -> String {
    let text = text.trim().trim_matches('`');
    let text = text.replace('"', "\\\"").replace("\\0", "\\u0000");
    let mut parts = text.split("\\u{");
    let mut json = parts.next().unwrap().to_owned();
    for part in parts {
        let (code, rest) = part.split_once('}').unwrap();
        json.push_str(&format!("\\u{code:0>4}{rest}"));
    }
    serde_json::from_str(&format!("\"{json}\"")).unwrap()
}

#[tokio::test]
async fn the_table_in_the_documentation_holds_wherever_an_address_is_sent() {
    let setting = Setting {
        limits_scale: 1_000,
        ..Setting::default()
    };
    let service = Service::start_with(setting).await;
    let asker = service.member("asker@example.net", &[]).await;
    let client = service.client();
    let page = include_str!("../../../docs/ADDRESSES.md");
    let (_, table) = page.split_once("|---|---|---|\n").unwrap();
    let mut rows = 0;
    for row in table.lines() {
        let cells: Vec<&str> = row.split('|').collect();
        let (typed, canonical) = (cell(cells[1]), cells[2].trim());
        let account = json!({ "email": typed, "password": PASSWORD });
        let mailbox = json!({ "email": typed });
        let answers = [
            client.post("/v1/register", account.clone()).await,
            client
                .post("/v1/email/verify/resend", mailbox.clone())
                .await,
            client.post("/v1/password/forgot", mailbox).await,
            ask(&asker, &typed, PASSWORD).await,
            client.post("/v1/login", account).await,
        ];
        if canonical == "refused" {
            for (number, answer) in answers.into_iter().enumerate() {
                let field = if number == 3 { "new_email" } else { "email" };
                let faults = answer.expect_problem("validation_failed").faults();
                assert_eq!(faults, [(field.into(), "invalid_email".into())], "{row}");
            }
        } else {
            let [register, resend, forgot, change, login] = answers;
            for answer in [register, resend, forgot, change] {
                answer.expect(StatusCode::ACCEPTED);
            }
            // The registration is found: its password is right, and its mailbox isn't proven.
            login.expect_problem("email_not_verified");
            let account = json!({ "email": cell(canonical), "password": PASSWORD });
            let login = client.post("/v1/login", account).await;
            login.expect_problem("email_not_verified");
        }
        rows += 1;
    }
    assert!(rows > 50, "{rows}");
}

#[tokio::test]
async fn admins_help_people_with_their_accounts() {
    let service = Service::start_with(Setting::default()).await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let mut ada = service.member(ADA, &[]).await;
    let id = ada.get("/v1/me").await.string("id");
    let path = format!("/v1/admin/users/{id}");
    let named = admin.patch(&path, json!({ "name": "Ada" })).await;
    assert_eq!(named.expect(StatusCode::OK).string("name"), "Ada");
    admin
        .patch(&path, json!({ "name": " Ada" }))
        .await
        .expect_problem("validation_failed");
    let unnamed = admin
        .patch(&path, json!({ "name": null }))
        .await
        .expect(StatusCode::OK);
    assert!(unnamed.json()["name"].is_null());

    let sent = admin
        .call(Method::POST, &format!("{path}/password-reset"))
        .send()
        .await;
    sent.expect(StatusCode::NO_CONTENT);
    assert_eq!(kinds(&service, ADA).await, [MailKind::Reset]);

    let mut second = service.client();
    second.log_in(ADA, PASSWORD).await;
    let listed = admin
        .get(&format!("{path}/sessions"))
        .await
        .expect(StatusCode::OK)
        .json();
    let sessions = listed["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    assert!(sessions.iter().all(|session| session["current"] == false));
    let newest = sessions[0]["id"].as_str().unwrap();
    let one = format!("{path}/sessions/{newest}");
    admin.delete(&one).await.expect(StatusCode::NO_CONTENT);
    admin.delete(&one).await.expect_problem("not_found");
    let ended = [ada.refresh().await.status, second.refresh().await.status];
    assert_eq!(
        ended
            .iter()
            .filter(|status| **status == StatusCode::OK)
            .count(),
        1
    );
    admin
        .delete(&format!("{path}/sessions"))
        .await
        .expect(StatusCode::NO_CONTENT);
    for mut client in [ada, second] {
        client
            .refresh()
            .await
            .expect_problem("invalid_refresh_token");
    }
    let nobody = "/v1/admin/users/00000000-0000-4000-8000-000000000000";
    admin
        .get(&format!("{nobody}/sessions"))
        .await
        .expect_problem("not_found");
    admin
        .delete(&format!("{nobody}/sessions"))
        .await
        .expect_problem("not_found");
}
