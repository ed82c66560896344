//! The pages that links in mails lead to, as a browser without script sees them.

use http::{Method, StatusCode};
use serde_json::json;

use crate::harness::{Answer, OTHER_PASSWORD, PASSWORD, Service};

const ADA: &str = "ada@example.com";

async fn submit(service: &Service, path: &str, fields: &[(&str, &str)]) -> Answer {
    let client = service.client();
    client.call(Method::POST, path).form(fields).send().await
}

/// Somebody registers with [`PASSWORD`]; this is the token in the mail.
async fn registered(service: &Service) -> String {
    let body = json!({ "email": ADA, "password": PASSWORD });
    let answer = service.client().post("/v1/register", body).await;
    answer.expect(StatusCode::ACCEPTED);
    service.mailed_token(ADA).await
}

#[tokio::test]
async fn opening_a_page_changes_nothing_and_the_button_does() {
    let service = Service::start().await;
    let token = registered(&service).await;
    let client = service.client();
    for _ in 0..20 {
        let target = format!("/verify?token={token}");
        let answer = client.get(&target).await.expect(StatusCode::OK);
        assert_eq!(answer.header("set-cookie"), "");
        assert!(
            !answer.text().contains(&token),
            "the page doesn't say the token back"
        );
        client
            .call(Method::HEAD, &target)
            .send()
            .await
            .expect(StatusCode::OK);
    }
    let body = json!({ "email": ADA, "password": PASSWORD });
    client
        .post("/v1/login", body)
        .await
        .expect_problem("email_not_verified");

    let fields = [("token", token.as_str()), ("password", PASSWORD)];
    let done = submit(&service, "/verify", &fields)
        .await
        .expect(StatusCode::OK);
    assert_eq!(done.header("set-cookie"), "", "a page opens no session");
    service.client().log_in(ADA, PASSWORD).await;
    submit(&service, "/verify", &fields)
        .await
        .expect(StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn no_page_uses_a_token_up_by_being_looked_at() {
    let service = Service::start().await;
    let verify = registered(&service).await;
    let bob = service.member("bob@example.com", &[]).await;
    let forgot = json!({ "email": "bob@example.com" });
    bob.post("/v1/password/forgot", forgot)
        .await
        .expect(StatusCode::ACCEPTED);
    let reset = service.mailed_token("bob@example.com").await;
    let carol = service.member("carol@example.com", &[]).await;
    let asked = json!({ "new_email": "caroline@example.com", "password": PASSWORD });
    carol
        .post("/v1/me/email", asked)
        .await
        .expect(StatusCode::ACCEPTED);
    let change = service.mailed_token("caroline@example.com").await;
    let undo = service.mailed_token("carol@example.com").await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let invited = json!({ "email": "eve@example.com", "roles": [] });
    admin
        .post("/v1/admin/users", invited)
        .await
        .expect(StatusCode::CREATED);
    let invite = service.mailed_token("eve@example.com").await;

    let name = ("name", "Eve");
    let links = [
        ("/verify", &verify, vec![("password", PASSWORD)]),
        ("/reset", &reset, vec![("new_password", OTHER_PASSWORD)]),
        ("/email-change", &change, vec![]),
        ("/email-change", &undo, vec![]),
        ("/invite", &invite, vec![name, ("password", PASSWORD)]),
    ];
    let scanner = service.client();
    for (path, token, _) in &links {
        let target = format!("{path}?token={token}");
        for _ in 0..20 {
            for method in [Method::GET, Method::HEAD] {
                let answer = scanner.call(method, &target).send().await;
                answer.expect(StatusCode::OK);
            }
        }
    }
    for (path, token, more) in links {
        let fields = [more, vec![("token", token.as_str())]].concat();
        let done = submit(&service, path, &fields).await.expect(StatusCode::OK);
        assert!(!done.text().contains("role=\"alert\""), "{path}");
    }
}

#[tokio::test]
async fn a_form_that_cannot_be_taken_comes_back_with_its_token() {
    let service = Service::start().await;
    let token = registered(&service).await;
    let fields = [("token", token.as_str()), ("password", OTHER_PASSWORD)];
    let again = submit(&service, "/verify", &fields).await;
    let page = again.expect(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(page.contains(&format!("value=\"{token}\"")), "{page}");
    assert!(
        !page.contains(OTHER_PASSWORD),
        "a password is never said back"
    );
    assert!(page.contains("role=\"alert\""), "{page}");
}

#[tokio::test]
async fn a_reset_by_page_ends_sessions_and_tells_weak_passwords() {
    let service = Service::start().await;
    let mut ada = service.member(ADA, &[]).await;
    let answer = ada
        .post("/v1/password/forgot", json!({ "email": ADA }))
        .await;
    answer.expect(StatusCode::ACCEPTED);
    let token = service.mailed_token(ADA).await;
    ada.get("/reset").await.expect(StatusCode::OK);
    let weak = [("token", token.as_str()), ("new_password", "short")];
    let again = submit(&service, "/reset", &weak)
        .await
        .expect(StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        again.text().contains("at least 12 characters"),
        "{}",
        again.text()
    );
    let strong = [("token", token.as_str()), ("new_password", OTHER_PASSWORD)];
    submit(&service, "/reset", &strong)
        .await
        .expect(StatusCode::OK);
    ada.refresh().await.expect_problem("invalid_refresh_token");
    ada.log_in(ADA, OTHER_PASSWORD).await;
}

#[tokio::test]
async fn the_setup_page_makes_the_first_admin() {
    let service = Service::start().await;
    let token = service
        .app
        .issuer
        .issue_setup_link()
        .await
        .unwrap()
        .unwrap()
        .reveal();
    service.client().get("/setup").await.expect(StatusCode::OK);
    let fields = [
        ("token", token.as_str()),
        ("email", ADA),
        ("password", PASSWORD),
    ];
    let done = submit(&service, "/setup", &fields)
        .await
        .expect(StatusCode::OK);
    assert_eq!(done.header("set-cookie"), "");
    let mut admin = service.client();
    admin.log_in(ADA, PASSWORD).await;
    admin.get("/v1/admin/users").await.expect(StatusCode::OK);
    let id = admin.get("/v1/me").await.string("id");
    let path = format!("/v1/admin/audit?subject={id}");
    let trail = admin.get(&path).await.expect(StatusCode::OK).json();
    let events = trail["events"].as_array().unwrap().iter();
    let actions: Vec<&str> = events
        .map(|event| event["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        actions,
        ["session.opened", "account.created"],
        "the login opens the one session, the page none"
    );
    submit(&service, "/setup", &fields)
        .await
        .expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_was_typed_is_text_and_never_markup() {
    let service = Service::start().await;
    for payload in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "\" onfocus=\"alert(1)",
        "</title><svg/onload=alert(1)>",
        "{{7*7}}",
        "\u{202E}<b>",
    ] {
        let fields = [("token", payload), ("password", payload)];
        let page = submit(&service, "/verify", &fields).await;
        let page = page.expect(StatusCode::UNPROCESSABLE_ENTITY).text();
        for markup in ["<script>alert", "<img", "<svg", "<b>", "\" onfocus=\""] {
            assert!(!page.contains(markup), "{markup} from {payload}: {page}");
        }
    }
}

#[tokio::test]
async fn a_form_is_sent_by_the_own_page_only() {
    let service = Service::start().await;
    let own = format!("http://{}", service.host());
    let client = service.client();
    let send = |headers: &[(&str, &str)]| {
        let mut call = client.call(Method::POST, "/verify");
        for (name, value) in headers {
            call = call.header(name, value);
        }
        call.form(&[("token", "x"), ("password", "x")]).send()
    };
    let taken = StatusCode::UNPROCESSABLE_ENTITY;
    send(&[]).await.expect(taken);
    send(&[("origin", &own)]).await.expect(taken);
    send(&[("sec-fetch-site", "same-origin"), ("origin", "null")])
        .await
        .expect(taken);
    for elsewhere in [
        [("sec-fetch-site", "cross-site"), ("origin", own.as_str())],
        [("sec-fetch-site", "same-site"), ("origin", own.as_str())],
        [("accept", "text/html"), ("origin", "https://evil.test")],
        [("accept", "text/html"), ("origin", "null")],
    ] {
        send(&elsewhere).await.expect(StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn a_form_that_no_page_has_is_refused_with_a_page() {
    let service = Service::start().await;
    let client = service.client();
    let call = || client.call(Method::POST, "/verify");
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    call().form(&[]).send().await.expect(unprocessable);
    let extra = [("token", "x"), ("password", "x"), ("role", "admin")];
    call().form(&extra).send().await.expect(unprocessable);
    let twice = [("token", "x"), ("token", "y"), ("password", "x")];
    call()
        .form(&twice)
        .send()
        .await
        .expect(StatusCode::BAD_REQUEST);
    let unsupported = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    call().json(&json!({})).send().await.expect(unsupported);
    call().send().await.expect(unsupported);
    let large = "x".repeat(20_000);
    let fields = [("token", large.as_str()), ("password", "x")];
    call()
        .form(&fields)
        .send()
        .await
        .expect(StatusCode::PAYLOAD_TOO_LARGE);
}
