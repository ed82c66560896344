//! Passwords that programs send rather than people, on every path that takes a new one or has one
//! proven: the answer is the same on all, and docs/PASSWORDS.md says it.

use std::collections::BTreeSet;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use signet_core::account::invite::Invitation;
use signet_core::email::EmailAddress;
use signet_core::password::hasher::Algorithm;

use crate::harness::{Answer, Client, OTHER_PASSWORD, PASSWORD, Service, Setting};

const ADA: &str = "ada@example.com";
/// Who is invited.
const EVE: &str = "eve@example.com";

/// Half of a surrogate pair, as JSON writes it, alone, before something, and in the wrong order.
const SURROGATES: [&str; 4] = [r"\ud83d", r"\udc0e", r"\ud83dx", r"\udc0e\ud83d"];

/// What takes a password: the path, a body without it, and its name there.
type Path = (&'static str, Value, &'static str);

async fn service(hashing: Algorithm) -> Service {
    let setting = Setting {
        limits_scale: 1_000,
        hashing,
        ..Setting::default()
    };
    Service::start_with(setting).await
}

/// Every path; none of the bodies is used up by a password that can't be taken.
async fn paths(service: &Service, ada: &Client) -> [Path; 5] {
    let setup = service
        .app
        .issuer
        .issue_setup_link()
        .await
        .unwrap()
        .unwrap();
    let setup = setup.reveal().to_string();
    ada.post("/v1/password/forgot", json!({ "email": ADA }))
        .await;
    let reset = service.mailed_token(ADA).await;
    let invite = invited(service).await;
    [
        ("/v1/register", json!({ "email": ADA }), "password"),
        (
            "/v1/password/reset",
            json!({ "token": reset }),
            "new_password",
        ),
        (
            "/v1/password/change",
            json!({ "current_password": PASSWORD }),
            "new_password",
        ),
        (
            "/v1/setup",
            json!({ "email": ADA, "token": setup }),
            "password",
        ),
        ("/v1/invite/accept", json!({ "token": invite }), "password"),
    ]
}

/// The token that [`EVE`] is mailed.
async fn invited(service: &Service) -> String {
    let invitation = Invitation {
        email: EmailAddress::parse(EVE).unwrap(),
        name: None,
        roles: BTreeSet::new(),
    };
    let issuer = &service.app.issuer;
    issuer.invite_as_operator(invitation).await.unwrap();
    service.mailed_token(EVE).await
}

async fn send(client: &Client, (path, body, member): &Path, password: &str) -> Answer {
    let mut body = body.clone();
    body[member] = json!(password);
    client.call(Method::POST, path).json(&body).send().await
}

/// Sends a password as it is to stand in the JSON, escapes and all.
async fn send_raw(client: &Client, (path, body, member): &Path, password: &[u8]) -> Answer {
    let mut body = body.clone();
    body[member] = json!("HERE");
    let text = body.to_string();
    let (before, after) = text.split_once("HERE").unwrap();
    let body = [before.as_bytes(), password, after.as_bytes()].concat();
    let call = client.call(Method::POST, path);
    call.bytes("application/json", &body).send().await
}

#[tokio::test]
async fn every_path_gives_the_same_answer_to_the_same_password() {
    let service = service(Setting::default().hashing).await;
    let ada = service.member(ADA, &[]).await;
    let paths = paths(&service, &ada).await;
    let (long, short) = ("ab".repeat(128) + "c", "\u{1F40E}".repeat(11));
    let decomposed = "e\u{301}".repeat(11);
    for path in &paths {
        let own = match path.0 {
            "/v1/invite/accept" => "Eve@Example.com",
            _ => "Ada@Example.com",
        };
        for (password, code) in [
            ("", "too_short"),
            ("eleven char", "too_short"),
            (short.as_str(), "too_short"),
            (decomposed.as_str(), "too_short"),
            (long.as_str(), "too_long"),
            ("correct horse\0battery staple", "nul"),
            ("\0\0\0\0\0\0\0\0\0\0\0\0", "nul"),
            ("1q2w3e4r5t6y", "common"),
            ("QwertyUiop123", "common"),
            (
                "\u{1F40E}\u{1F40E}\u{1F40E}\u{1F40E}\u{1F40E}\u{1F40E}\
              \u{1F40E}\u{1F40E}\u{1F40E}\u{1F40E}\u{1F40E}\u{1F40E}",
                "common",
            ),
            (own, "own_address"),
            ("signetsignet", "product_name"),
        ] {
            let answer = send(&ada, path, password).await;
            let faults = answer.expect_problem("weak_password").faults();
            assert_eq!(
                faults,
                [(path.2.to_owned(), code.to_owned())],
                "{} {password:?}",
                path.0
            );
        }
        let huge = "x".repeat(1 << 20);
        send(&ada, path, &huge)
            .await
            .expect_problem("payload_too_large");
        for surrogate in SURROGATES {
            let password = format!("correct horse {surrogate}");
            let answer = send_raw(&ada, path, password.as_bytes()).await;
            answer.expect_problem("invalid_request");
        }
        let answer = send_raw(&ada, path, b"correct horse \xff").await;
        answer.expect_problem("invalid_request");
    }
    ada.get("/v1/me").await.expect(StatusCode::OK);
    service.client().log_in(ADA, PASSWORD).await;
}

#[tokio::test]
async fn every_path_that_has_a_password_proven_gives_the_same_answer() {
    for hashing in [Setting::default().hashing, Algorithm::Bcrypt { cost: 8 }] {
        let service = service(hashing).await;
        let mut ada = service.member(ADA, &[]).await;
        let longest = "ab".repeat(36);
        assert_eq!(longest.len(), 72, "as far as bcrypt reads");
        let body = json!({ "current_password": PASSWORD, "new_password": longest });
        let changed = ada.post("/v1/password/change", body).await;
        changed.expect(StatusCode::NO_CONTENT);
        ada.log_in(ADA, &longest).await;
        let paths: [Path; 5] = [
            ("/v1/login", json!({ "email": ADA }), "password"),
            ("/v1/reauthenticate", json!({}), "password"),
            (
                "/v1/me/email",
                json!({ "new_email": "countess@example.com" }),
                "password",
            ),
            (
                "/v1/password/change",
                json!({ "new_password": OTHER_PASSWORD }),
                "current_password",
            ),
            ("/v1/me/erase", json!({}), "password"),
        ];
        for path in &paths {
            let member = path.2.to_owned();
            for wrong in [
                format!("{longest}c"),
                format!("{longest}\0"),
                format!("\0{longest}"),
                format!(" {longest}"),
                format!("{longest}\u{1F40E}"),
                longest.to_uppercase(),
                String::new(),
            ] {
                let answer = send(&ada, path, &wrong).await;
                if path.0 == "/v1/login" {
                    answer.expect_problem("invalid_credentials");
                    continue;
                }
                let faults = answer.expect_problem("validation_failed").faults();
                let expected = [(member.clone(), "wrong_password".to_owned())];
                assert_eq!(faults, expected, "{} {wrong:?}", path.0);
            }
            let answer = send(&ada, path, &"\u{1F40E}".repeat(257)).await;
            let faults = answer.expect_problem("validation_failed").faults();
            assert_eq!(faults, [(member, "too_long".to_owned())], "{}", path.0);
            for surrogate in SURROGATES {
                let password = format!("{longest}{surrogate}");
                let answer = send_raw(&ada, path, password.as_bytes()).await;
                answer.expect_problem("invalid_request");
            }
            let answer = send_raw(&ada, path, b"ab\xff").await;
            answer.expect_problem("invalid_request");
            let answer = send(&ada, path, &"x".repeat(1 << 20)).await;
            answer.expect_problem("payload_too_large");
        }
        let body = json!({ "password": longest });
        let erased = ada.post("/v1/me/erase", body).await;
        erased.expect(StatusCode::NO_CONTENT);
    }
}

#[tokio::test]
async fn what_people_type_is_taken_whatever_it_is() {
    let service = service(Setting::default().hashing).await;
    let astral: String = ('\u{1F400}'..='\u{1F4FF}').collect();
    assert_eq!(astral.chars().count(), 256);
    for (number, password) in [
        astral.as_str(),
        "\u{1F600}\u{1F601}\u{1F602}\u{1F603}\u{1F604}\u{1F605}\
         \u{1F606}\u{1F607}\u{1F608}\u{1F609}\u{1F60A}\u{1F60B}",
        "  spaces at both ends  ",
        "correct\thorse\r\nbattery",
        "\u{200B}\u{FEFF}\u{202E} invisible",
        "ﬁﬂﬀ ﬁﬂﬀ ﬁﬂﬀ ﬁ",
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("person{number}@example.com");
        let ada = service.member(&email, &[]).await;
        let body = json!({ "current_password": PASSWORD, "new_password": password });
        let answer = ada.post("/v1/password/change", body).await;
        answer.expect(StatusCode::NO_CONTENT);
        service.client().log_in(&email, password).await;
        let almost = [
            password.trim().to_owned(),
            password.replace('\r', ""),
            format!("{password}\0"),
        ];
        for almost in almost.iter().filter(|almost| *almost != password) {
            let body = json!({ "email": email, "password": almost });
            let answer = service.client().post("/v1/login", body).await;
            let code = match almost.chars().count() > 256 {
                true => "validation_failed",
                false => "invalid_credentials",
            };
            answer.expect_problem(code);
        }
    }
}

#[tokio::test]
async fn bcrypt_ends_at_72_bytes_and_says_so() {
    let service = service(Algorithm::Bcrypt { cost: 8 }).await;
    let ada = service.member(ADA, &[]).await;
    let paths = paths(&service, &ada).await;
    let (ascii, astral) = ("ab".repeat(36), "\u{1F40E}\u{1F412}".repeat(9));
    assert_eq!((ascii.len(), astral.len()), (72, 72));
    for path in &paths {
        for longest in [&ascii, &astral] {
            let answer = send(&ada, path, &format!("{longest}c")).await;
            let faults = answer.expect_problem("weak_password").faults();
            assert_eq!(faults[0].1, "too_many_bytes", "{}", path.0);
        }
    }
    let mut current = PASSWORD.to_owned();
    for longest in [ascii, astral] {
        let body = json!({ "current_password": current, "new_password": longest });
        let mut again = service.client();
        again.log_in(ADA, &current).await;
        let answer = again.post("/v1/password/change", body).await;
        answer.expect(StatusCode::NO_CONTENT);
        for more in ["c", "\0", "\u{1F40E}"] {
            let body = json!({ "email": ADA, "password": format!("{longest}{more}") });
            let answer = service.client().post("/v1/login", body).await;
            answer.expect_problem("invalid_credentials");
        }
        current = longest;
    }
}

#[tokio::test]
async fn names_are_one_line() {
    let service = service(Setting::default().hashing).await;
    let ada = service.member(ADA, &[]).await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let account = format!("/v1/admin/users/{}", ada.get("/v1/me").await.string("id"));
    let invite = invited(&service).await;
    let long = "a".repeat(101);
    for name in [
        "Ada\r\nBcc: eve@example.com",
        "Ada\n",
        "\rAda",
        "A\0da",
        " Ada",
        "",
        "\u{2028}",
        "a\u{202E}b",
        long.as_str(),
    ] {
        let register = json!({ "email": "bob@example.com", "password": PASSWORD, "name": name });
        let accept = json!({ "token": invite, "password": PASSWORD, "name": name });
        let asked = json!({ "email": "bob@example.com", "roles": [], "name": name });
        let answers = [
            service.client().post("/v1/register", register).await,
            service.client().post("/v1/invite/accept", accept).await,
            ada.patch("/v1/me", json!({ "name": name })).await,
            admin.patch(&account, json!({ "name": name })).await,
            admin.post("/v1/admin/users", asked).await,
        ];
        for answer in answers {
            let faults = answer.expect_problem("validation_failed").faults();
            assert_eq!(
                faults,
                [("name".to_owned(), "invalid_name".to_owned())],
                "{name:?}"
            );
        }
    }
    assert!(service.mails("bob@example.com").await.is_empty());
}
