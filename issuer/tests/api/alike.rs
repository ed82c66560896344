//! What an answer tells: nothing of who has an account. Whoever asks gets the same bytes for an
//! address that somebody has, that nobody has, that waits to be confirmed, that was never proven, that
//! is invited and that is suspended, in every setting that changes answers, the first time and the twentieth.
//!
//! Compared is what came over the wire. Masked are the id of the request, the date and the secret of a
//! registration, which are random or the clock's for everybody. The figures of a budget, which fills
//! while the test asks, may differ by what a few seconds make of it.
//!
//! To hold another operation to it, add it to [`ASKED`], or, where the address stands in a mailed
//! token, to the conversations behind it.

use std::fmt::Display;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use signet_core::account::EmailVerification;
use signet_core::password::hasher::Algorithm;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::everybody::{ACTIVE, ADMIN, INVITED, PENDING, SUSPENDED, UNKNOWN, UNPROVEN};
use crate::harness::exchanged::Exchanged;
use crate::harness::{OTHER_PASSWORD, PASSWORD, Service, Setting};

/// An operation that anybody may ask for with any address.
struct Asked {
    path: &'static str,
    body: fn(&str) -> Value,
}

const ASKED: [Asked; 5] = [
    Asked {
        path: "/v1/register",
        body: |email| json!({ "email": email, "password": OTHER_PASSWORD, "name": "Ada" }),
    },
    Asked {
        path: "/v1/login",
        body: |email| json!({ "email": email, "password": OTHER_PASSWORD }),
    },
    Asked {
        path: "/v1/login",
        body: |email| json!({ "email": email, "password": OTHER_PASSWORD, "device": "none" }),
    },
    Asked {
        path: "/v1/password/forgot",
        body: |email| json!({ "email": email }),
    },
    Asked {
        path: "/v1/email/verify/resend",
        body: |email| json!({ "email": email }),
    },
];

/// How often each is asked: past every budget there is.
const TIMES: usize = 20;

/// Everybody whose address may be asked about.
const EVERYBODY: [&str; 6] = [UNKNOWN, ACTIVE, PENDING, SUSPENDED, UNPROVEN, INVITED];

/// The settings that change what is answered.
fn settings() -> Vec<(&'static str, Setting)> {
    let proxied = || Setting::behind_a_proxy();
    vec![
        ("behind a proxy", proxied()),
        (
            "in production",
            Setting {
                public_url: Some("https://auth.example.com"),
                ..proxied()
            },
        ),
        (
            "with bcrypt",
            Setting {
                hashing: Algorithm::Bcrypt { cost: 10 },
                ..proxied()
            },
        ),
        (
            "called by an application elsewhere",
            Setting {
                cors_origins: &["https://app.example.com"],
                ..proxied()
            },
        ),
        (
            "where nothing has to be proven first",
            Setting {
                email_verification: EmailVerification::Optional,
                ..proxied()
            },
        ),
        (
            "with wide limits",
            Setting {
                limits_scale: 1_000,
                ..proxied()
            },
        ),
    ]
}

/// Sends a body; answers every byte that comes back.
async fn exchanged(service: &Service, path: &str, headers: &str, body: &Value) -> Exchanged {
    let (host, body) = (service.host(), body.to_string());
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
         {headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(service.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    Exchanged::read(&answer)
}

/// What a client says of itself, as a proxy passes it on; one of its own, so that nobody pays for the
/// others.
fn headers(number: usize, access_token: Option<&String>) -> String {
    let mut headers =
        format!("x-forwarded-for: 192.0.2.{number}\r\norigin: https://app.example.com\r\n");
    if let Some(token) = access_token {
        headers.push_str(&format!("authorization: Bearer {token}\r\n"));
    }
    headers
}

/// Holds all answers against the first.
fn assert_alike<T: Display>(answers: &[Exchanged], asked_for: &[T], when: &str) {
    for (answer, of) in answers.iter().zip(asked_for) {
        assert!(
            answer.is_like(&answers[0]),
            "{of}, {when}: {answer:?} and {:?}",
            answers[0]
        );
    }
}

#[tokio::test]
async fn the_same_bytes_for_everybody_in_every_setting_each_of_twenty_times() {
    for (name, setting) in settings() {
        for asked in &ASKED {
            let service = Service::with_everybody(setting.clone()).await;
            let mut seen = Vec::new();
            for attempt in 1..=TIMES {
                let mut answers = Vec::new();
                for (number, email) in EVERYBODY.iter().enumerate() {
                    let headers = headers(number, None);
                    let body = (asked.body)(email);
                    answers.push(exchanged(&service, asked.path, &headers, &body).await);
                }
                let when = format!("{}, {name}, at attempt {attempt}", asked.path);
                assert_alike(&answers, &EVERYBODY, &when);
                seen.push(answers.swap_remove(0));
            }
            assert!(["202", "401"].contains(&seen[0].status()), "{seen:?}");
        }
    }
}

#[tokio::test]
async fn the_same_bytes_for_whoever_asks_for_an_address_whoever_has_it() {
    for (name, setting) in settings() {
        let service = Service::with_everybody(setting).await;
        let mut askers = Vec::new();
        for number in 0..EVERYBODY.len() {
            let email = format!("asker{number}@example.com");
            let client = service.member(&email, &[]).await;
            askers.push(client.access_token.unwrap());
        }
        for attempt in 1..=TIMES {
            let mut answers = Vec::new();
            for (number, (email, token)) in EVERYBODY.iter().zip(&askers).enumerate() {
                let headers = headers(number, Some(token));
                let body = json!({ "new_email": email, "password": PASSWORD });
                answers.push(exchanged(&service, "/v1/me/email", &headers, &body).await);
            }
            let expected = match attempt {
                1..=5 => "202",
                _ if name == "with wide limits" => "202",
                _ => "429",
            };
            for (answer, email) in answers.iter().zip(EVERYBODY) {
                assert_eq!(answer.status(), expected, "{email}, {name}, {attempt}");
            }
            assert_alike(
                &answers,
                &EVERYBODY,
                &format!("{name}, at attempt {attempt}"),
            );
        }
    }
}

/// The letter that goes to the new address is another one where somebody has it; it waits where the
/// asker reads what is held about them.
#[tokio::test]
async fn the_same_is_held_of_whoever_asks_for_an_address_whoever_has_it() {
    let service = Service::with_everybody(Setting::default()).await;
    let sent_before = service.mails(INVITED).await;
    assert_eq!(sent_before.len(), 1, "the outbox is empty");
    let mut askers = Vec::new();
    for (number, email) in EVERYBODY.iter().enumerate() {
        let client = service
            .member(&format!("asker{number}@example.com"), &[])
            .await;
        let body = json!({ "new_email": email, "password": PASSWORD });
        let asked = client.post("/v1/me/email", body).await;
        asked.expect(StatusCode::ACCEPTED);
        askers.push(client);
    }
    // The requests become letters, and these wait.
    let round = service.app.issuer.deliver_batch(service.inbox()).await;
    let round = round.unwrap();
    assert_eq!((round.taken, round.sent), (EVERYBODY.len(), 0));
    for (client, email) in askers.iter().zip(EVERYBODY) {
        let export = client.get("/v1/me/export").await;
        let held = export.expect(StatusCode::OK).json();
        let all = |section: &str, member: &str| -> Vec<Value> {
            let rows = held[section].as_array().unwrap().iter();
            rows.map(|row| row[member].clone()).collect()
        };
        let mail = all("mail", "kind");
        assert_eq!(mail, ["address_change_notice"], "{email}");
        let leads_to = all("mailed_tokens", "leads_to");
        assert!(leads_to.contains(&json!(email)), "{email}: {leads_to:?}");
    }
}

/// Whoever may see accounts is told that there is one already (docs/adr/0026), and not which.
#[tokio::test]
async fn the_same_bytes_for_whoever_invites_somebody_and_may_not_see_accounts() {
    for (name, setting) in settings() {
        let service = Service::with_everybody(setting).await;
        let mut admin = service.client();
        admin.log_in(ADMIN, PASSWORD).await;
        let blind = service.blind_admin().await;
        let taken = [ACTIVE, SUSPENDED, UNPROVEN];
        for (who, emails, expected) in
            [(&blind, &EVERYBODY[..], "403"), (&admin, &taken[..], "409")]
        {
            let headers = headers(1, who.access_token.as_ref());
            let mut answers = Vec::new();
            for email in emails {
                let body = json!({ "email": email, "roles": [] });
                answers.push(exchanged(&service, "/v1/admin/users", &headers, &body).await);
            }
            for (answer, email) in answers.iter().zip(emails) {
                assert_eq!(answer.status(), expected, "{email}, {name}");
            }
            assert_alike(&answers, emails, name);
        }
    }
}

/// Whatever became of an invite that is over.
#[tokio::test]
async fn the_same_bytes_for_every_invite_that_is_over() {
    let service = Service::start_with(Setting::behind_a_proxy()).await;
    let admin = service.member(ADMIN, &["admin"]).await;
    let ends = ["accepted", "renewed", "suspended", "erased", "nobody's"];
    let mut tokens = Vec::new();
    for what in &ends[..4] {
        let email = format!("{what}@example.com");
        let invite = json!({ "email": email, "roles": [] });
        let invited = admin.post("/v1/admin/users", invite.clone()).await;
        let id = invited.expect(StatusCode::CREATED).string("id");
        let token = service.mailed_token(&email).await;
        let user = format!("/v1/admin/users/{id}");
        let done = match *what {
            "accepted" => {
                let body = json!({ "token": token, "password": PASSWORD });
                service.client().post("/v1/invite/accept", body).await
            }
            "renewed" => admin.post("/v1/admin/users", invite).await,
            "suspended" => {
                let suspend = admin.call(Method::POST, &format!("{user}/suspend"));
                suspend.send().await
            }
            _ => admin.call(Method::DELETE, &user).send().await,
        };
        assert!(done.status.is_success(), "{what}: {}", done.text());
        tokens.push(token);
    }
    let mut nobodys = tokens[0].clone();
    let last = if nobodys.pop() == Some('A') { 'Q' } else { 'A' };
    nobodys.push(last);
    tokens.push(nobodys);
    let mut answers = Vec::new();
    for (number, token) in tokens.iter().enumerate() {
        let body = json!({ "token": token, "password": OTHER_PASSWORD });
        answers.push(exchanged(&service, "/v1/invite/accept", &headers(number, None), &body).await);
    }
    for (answer, what) in answers.iter().zip(ends) {
        assert_eq!(answer.status(), "422", "{what}: {answer:?}");
    }
    assert_alike(&answers, &ends, "of an invite");
}
