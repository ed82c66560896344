//! Refresh tokens that travel in a cookie, and the pages that may not ride on it.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::contract::all;
use crate::harness::{Answer, OTHER_PASSWORD, PASSWORD, Service, Setting};

const ADA: &str = "ada@example.com";
const APP: &str = "https://app.example.com";
const NAME: &str = "__Host-signet-refresh=";
const DEVICE: &str = "__Host-signet-device=";

async fn service() -> Service {
    let setting = Setting {
        cors_origins: &[APP],
        ..Setting::production()
    };
    let service = Service::start_with(setting).await;
    service.create_account(ADA, &[]).await;
    service
}

/// What the browser keeps of an answer: the pair that it brings along next time.
fn kept(answer: &Answer) -> String {
    let cookies = all(&answer.headers, "set-cookie");
    let mut cookies = cookies.iter().filter(|cookie| cookie.starts_with(NAME));
    let cookie = cookies.next().expect("a cookie");
    assert!(cookies.next().is_none(), "one cookie");
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    let (age, attributes) = attributes.split_once("; ").unwrap();
    assert!(age.starts_with("Max-Age="), "{cookie}");
    assert_eq!(attributes, "Path=/; Secure; HttpOnly; SameSite=Strict");
    pair.to_owned()
}

async fn send(service: &Service, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
    let client = service.client();
    let mut call = client.call(Method::POST, path);
    for (name, value) in headers {
        call = call.header(name, value);
    }
    call.json(&body).send().await
}

async fn log_in(service: &Service) -> Answer {
    let body = json!({ "email": ADA, "password": PASSWORD, "transport": "cookie" });
    let answer = send(service, "/v1/login", &[], body).await;
    answer.expect(StatusCode::OK)
}

async fn refresh(service: &Service, cookie: &str, body: Value) -> Answer {
    send(service, "/v1/token/refresh", &[("cookie", cookie)], body).await
}

#[tokio::test]
async fn a_token_that_came_by_cookie_is_answered_by_cookie() {
    let service = service().await;
    let answer = log_in(&service).await;
    assert_eq!(answer.json().get("refresh_token"), None);
    let seconds = answer.json()["refresh_expires_in"].as_u64().unwrap();
    let first = kept(&answer);
    let cookies = all(&answer.headers, "set-cookie");
    assert!(
        cookies
            .iter()
            .any(|cookie| cookie.contains(&format!("Max-Age={seconds};")))
    );

    for body in [json!({}), json!({ "transport": "cookie" })] {
        let again = refresh(&service, &first, body).await.expect(StatusCode::OK);
        assert_eq!(again.json().get("refresh_token"), None);
        assert_ne!(kept(&again), first);
    }
    // Both tabs were given the same next token; it refreshes, and the used one is a replay.
    let second = kept(&refresh(&service, &first, json!({})).await);
    service.wait(11);
    refresh(&service, &second, json!({}))
        .await
        .expect(StatusCode::OK);
    refresh(&service, &first, json!({}))
        .await
        .expect_problem("invalid_refresh_token");
}

#[tokio::test]
async fn a_token_moves_into_the_cookie_when_it_is_asked_for() {
    let service = service().await;
    let mut client = service.client();
    client.log_in(ADA, PASSWORD).await;
    let token = client.refresh_token.clone().unwrap();
    let body = json!({ "refresh_token": token, "transport": "cookie" });
    let answer = send(&service, "/v1/token/refresh", &[], body)
        .await
        .expect(StatusCode::OK);
    assert_eq!(answer.json().get("refresh_token"), None);
    refresh(&service, &kept(&answer), json!({}))
        .await
        .expect(StatusCode::OK);
}

#[tokio::test]
async fn proving_a_mailbox_and_a_password_again_answer_by_cookie_too() {
    let service = service().await;
    let eve = "eve@example.com";
    let body = json!({ "email": eve, "password": PASSWORD });
    send(&service, "/v1/register", &[], body)
        .await
        .expect(StatusCode::ACCEPTED);
    let token = service.mailed_token(eve).await;
    let body = json!({ "token": token, "password": PASSWORD, "transport": "cookie" });
    let answer = send(&service, "/v1/email/verify", &[], body)
        .await
        .expect(StatusCode::OK);
    assert_eq!(answer.json().get("refresh_token"), None);
    let bearer = format!("Bearer {}", answer.string("access_token"));
    let cookie = kept(&answer);
    let headers = [
        ("authorization", bearer.as_str()),
        ("cookie", cookie.as_str()),
    ];
    let body = json!({ "password": PASSWORD });
    let answer = send(&service, "/v1/reauthenticate", &headers, body)
        .await
        .expect(StatusCode::OK);
    assert_eq!(answer.json().get("refresh_token"), None);
    refresh(&service, &kept(&answer), json!({}))
        .await
        .expect(StatusCode::OK);
}

/// Another host of the site can set cookies for all of it, but none that hides the issuer's.
#[tokio::test]
async fn cookies_of_other_hosts_hide_none() {
    let service = service().await;
    let mut own = kept(&log_in(&service).await);
    for other in [
        "other=\u{e9}",
        "=",
        "",
        "other",
        "__Host-signet-refresh",
        "a=b=c",
    ] {
        for cookies in [format!("{other}; {own}"), format!("{own};{other}")] {
            let answer = refresh(&service, &cookies, json!({})).await;
            own = kept(&answer.expect(StatusCode::OK));
        }
    }
    let name = "__Host-signet-refresh-2=srt_x";
    let answer = refresh(&service, &format!("{name}; {own}"), json!({})).await;
    answer.expect(StatusCode::OK);
}

#[tokio::test]
async fn logging_out_takes_the_cookie_away() {
    let service = service().await;
    let cookie = kept(&log_in(&service).await);
    for (cookie, removed) in [(cookie.as_str(), true), ("other=1", false)] {
        let client = service.client();
        let call = client
            .call(Method::POST, "/v1/logout")
            .header("cookie", cookie);
        let answer = call.send().await;
        if removed {
            let answer = answer.expect(StatusCode::NO_CONTENT);
            let gone = format!("{NAME}; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict");
            assert_eq!(answer.header("set-cookie"), gone);
        } else {
            assert_eq!(answer.header("set-cookie"), "");
            answer.expect_problem("missing_token");
        }
    }
    refresh(&service, &cookie, json!({}))
        .await
        .expect_problem("invalid_refresh_token");
    // What can't be used any more is logged out, and the browser rid of it.
    let rubbish = format!("{NAME}rubbish");
    let answer = send(&service, "/v1/logout", &[("cookie", &rubbish)], json!({})).await;
    assert!(
        answer
            .expect(StatusCode::NO_CONTENT)
            .header("set-cookie")
            .starts_with(NAME)
    );
}

/// Of this origin only: other applications of the site keep their cookies and what they stored.
#[tokio::test]
async fn a_browser_that_logs_out_forgets_what_it_has_cached() {
    let service = service().await;
    let answer = log_in(&service).await;
    assert_eq!(answer.header("clear-site-data"), "");
    let cookie = kept(&answer);
    let headers = [("cookie", cookie.as_str())];
    let answer = send(&service, "/v1/logout", &headers, json!({})).await;
    let answer = answer.expect(StatusCode::NO_CONTENT);
    assert_eq!(answer.header("clear-site-data"), "\"cache\"");

    let mut program = service.client();
    program.log_in(ADA, PASSWORD).await;
    let body = json!({ "refresh_token": program.refresh_token });
    let answer = send(&service, "/v1/logout", &[], body).await;
    let answer = answer.expect(StatusCode::NO_CONTENT);
    assert_eq!(answer.header("clear-site-data"), "");

    let headers = [
        ("cookie", cookie.as_str()),
        ("sec-fetch-site", "cross-site"),
    ];
    let answer = send(&service, "/v1/logout", &headers, json!({})).await;
    let answer = answer.expect_problem("cross_site_request");
    assert_eq!(answer.header("clear-site-data"), "");
}

/// Logs in with cookies that the browser had, and answers what it has then: the device's and the
/// refresh token's.
async fn log_in_over(service: &Service, email: &str, had: &str) -> (Answer, [String; 2]) {
    let body = json!({ "email": email, "password": PASSWORD, "transport": "cookie" });
    let answer = send(service, "/v1/login", &[("cookie", had)], body).await;
    let answer = answer.expect(StatusCode::OK);
    let cookies = all(&answer.headers, "set-cookie");
    let mut devices = cookies.iter().filter(|cookie| cookie.starts_with(DEVICE));
    let (device, _) = devices.next().unwrap().split_once("; ").unwrap();
    let has = [device.to_owned(), kept(&answer)];
    (answer, has)
}

/// Somebody has put a session of their own into a browser before its owner logs in.
#[tokio::test]
async fn a_login_takes_nothing_from_the_cookies_it_finds_and_ends_their_session() {
    let service = service().await;
    let eve = "eve@example.com";
    service.create_account(eve, &[]).await;
    let (before, planted) = log_in_over(&service, eve, "").await;
    let (answer, own) = log_in_over(&service, ADA, &planted.join("; ")).await;
    assert_ne!(answer.string("session_id"), before.string("session_id"));
    assert!(own.iter().all(|cookie| !planted.contains(cookie)));
    let mut ada = service.client();
    ada.access_token = Some(answer.string("access_token"));
    assert_eq!(ada.get("/v1/me").await.string("email"), ADA);

    refresh(&service, &planted[1], json!({}))
        .await
        .expect_problem("invalid_refresh_token");
    ada.access_token = Some(before.string("access_token"));
    ada.get("/v1/me").await.expect_problem("invalid_token");
    let answer = refresh(&service, &own[1], json!({})).await;
    answer.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_session_ends_where_another_takes_its_cookie_and_nowhere_else() {
    let service = service().await;
    let (_, elsewhere) = log_in_over(&service, ADA, "").await;
    let (_, [_, first]) = log_in_over(&service, ADA, "").await;
    let headers = [("cookie", first.as_str())];
    let wrong = json!({ "email": ADA, "password": OTHER_PASSWORD, "transport": "cookie" });
    let refused = send(&service, "/v1/login", &headers, wrong).await;
    refused.expect_problem("invalid_credentials");
    let in_body = json!({ "email": ADA, "password": PASSWORD });
    let answer = send(&service, "/v1/login", &headers, in_body).await;
    let answer = answer.expect(StatusCode::OK);
    let cookies = all(&answer.headers, "set-cookie");
    assert!(!cookies.iter().any(|cookie| cookie.starts_with(NAME)));
    let first = kept(&refresh(&service, &first, json!({})).await);

    // Any other way into a session does the same.
    let eve = json!({ "email": "eve@example.com", "password": PASSWORD });
    let asked = send(&service, "/v1/register", &[], eve).await;
    asked.expect(StatusCode::ACCEPTED);
    let token = service.mailed_token("eve@example.com").await;
    let body = json!({ "token": token, "password": PASSWORD, "transport": "cookie" });
    let headers = [("cookie", first.as_str())];
    let proven = send(&service, "/v1/email/verify", &headers, body).await;
    let second = kept(&proven.expect(StatusCode::OK));
    let (_, [_, third]) = log_in_over(&service, ADA, &second).await;
    for over in [first, second] {
        let answer = refresh(&service, &over, json!({})).await;
        answer.expect_problem("invalid_refresh_token");
    }
    for on in [&elsewhere[1], &third] {
        let answer = refresh(&service, on, json!({})).await;
        answer.expect(StatusCode::OK);
    }
}

#[tokio::test]
async fn two_refresh_tokens_are_one_too_many() {
    let service = service().await;
    let cookie = kept(&log_in(&service).await);
    let body = json!({ "refresh_token": "srt_x" });
    refresh(&service, &cookie, body)
        .await
        .expect_problem("invalid_request");
    refresh(&service, &cookie, json!({}))
        .await
        .expect(StatusCode::OK);
    let none = send(&service, "/v1/token/refresh", &[], json!({})).await;
    let none = none.expect_problem("validation_failed");
    assert_eq!(none.faults(), [("refresh_token".into(), "missing".into())]);
    for wrong in [
        json!("Cookie"),
        json!("body"),
        json!(1),
        json!(null),
        json!(["cookie"]),
    ] {
        let body = json!({ "email": ADA, "password": PASSWORD, "transport": wrong });
        let answer = send(&service, "/v1/login", &[], body).await;
        let answer = answer.expect_problem("validation_failed");
        assert_eq!(answer.faults()[0].0, "transport");
    }
}

#[tokio::test]
async fn without_https_there_is_no_cookie_and_the_answer_says_so() {
    let service = Service::start().await;
    service.create_account(ADA, &[]).await;
    let body = json!({ "email": ADA, "password": PASSWORD, "transport": "cookie" });
    let answer = send(&service, "/v1/login", &[], body).await;
    let answer = answer.expect_problem("validation_failed");
    assert_eq!(
        answer.faults(),
        [("transport".into(), "needs_https".into())]
    );
    let client = service.client();
    let call = client.call(Method::POST, "/v1/logout");
    let call = call.header("cookie", &format!("{NAME}x"));
    call.send().await.expect_problem("missing_token");
}

/// What browsers say of the page behind a request, and whether it may ride on a cookie.
const PAGES: [(&[(&str, &str)], bool); 13] = [
    (&[], true),
    (&[("sec-fetch-site", "same-origin")], true),
    (&[("sec-fetch-site", "none")], true),
    (&[("sec-fetch-site", "same-site")], false),
    (&[("sec-fetch-site", "cross-site")], false),
    (&[("sec-fetch-site", "rubbish")], false),
    (&[("origin", "https://auth.example.com")], true),
    (&[("origin", "https://evil.test")], false),
    (&[("origin", "https://evil.auth.example.com")], false),
    (&[("origin", "null")], false),
    (&[("origin", APP)], true),
    (&[("origin", APP), ("sec-fetch-site", "same-site")], true),
    (
        &[
            ("origin", "https://evil.example.com"),
            ("sec-fetch-site", "same-site"),
        ],
        false,
    ),
];

#[tokio::test]
async fn no_page_of_another_site_rides_on_a_cookie_or_has_one_set() {
    let service = service().await;
    for (headers, is_ours) in PAGES {
        let cookie = kept(&log_in(&service).await);
        let with = |more: &[(&'static str, &'static str)]| -> Vec<(String, String)> {
            let more = more
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let cookie = [("cookie".to_owned(), cookie.clone())];
            more.chain(cookie).collect()
        };
        for (path, body) in [("/v1/token/refresh", json!({})), ("/v1/logout", json!({}))] {
            let headers = with(headers);
            let headers: Vec<(&str, &str)> = headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            let answer = send(&service, path, &headers, body).await;
            match is_ours {
                true => assert!(answer.status.is_success(), "{path} {headers:?}"),
                false => {
                    assert_eq!(answer.header("set-cookie"), "", "{headers:?}");
                    answer.expect_problem("cross_site_request");
                }
            }
        }
        let body = json!({ "email": ADA, "password": PASSWORD, "transport": "cookie" });
        let answer = send(&service, "/v1/login", headers, body).await;
        match is_ours {
            true => drop(kept(&answer)),
            false => drop(answer.expect_problem("cross_site_request")),
        }
    }
    // A wrong password is not tried for another site either: nobody is shut out by a page.
    let body = json!({ "email": ADA, "password": OTHER_PASSWORD, "transport": "cookie" });
    let headers = [("sec-fetch-site", "cross-site")];
    let answer = send(&service, "/v1/login", &headers, body).await;
    answer.expect_problem("cross_site_request");
    assert_eq!(service.database().count("guesses").await, 0);
}

#[tokio::test]
async fn a_form_of_another_site_cannot_send_json() {
    let service = service().await;
    let cookie = kept(&log_in(&service).await);
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        let client = service.client();
        let call = client
            .call(Method::POST, "/v1/token/refresh")
            .header("cookie", &cookie);
        let answer = call.bytes(content_type, b"{}").send().await;
        answer.expect_problem("unsupported_media_type");
    }
}
