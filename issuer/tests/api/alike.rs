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

use http::{Method, StatusCode};
use serde_json::{Value, json};
use signet_core::account::EmailVerification;
use signet_core::password::hasher::Algorithm;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::everybody::{ACTIVE, ADMIN, INVITED, PENDING, SUSPENDED, UNKNOWN, UNPROVEN};
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

/// An answer without what differs between any two.
#[derive(Debug, PartialEq)]
struct Exchanged {
    text: String,
    /// The figures of budgets, as they stand in it.
    figures: Vec<u64>,
}

impl Exchanged {
    fn read(answer: &str) -> Self {
        let mut text = answer.to_owned();
        for (before, after) in [
            ("\r\ndate: ", "\r"),
            ("\r\nx-request-id: ", "\r"),
            ("\"request_id\":\"", "\""),
            ("\"registration\":\"", "\""),
        ] {
            if let Some(value) = between(&text, before, after) {
                let mask = format!("{before}<{} characters>{after}", value.len());
                text = text.replacen(&format!("{before}{value}{after}"), &mask, 1);
            }
        }
        let mut figures = Vec::new();
        for (before, after) in [("\r\nretry-after: ", "\r"), (";r=", ";"), (";t=", "\r")] {
            if let Some(value) = between(&text, before, after) {
                figures.push(value.parse().unwrap());
                let mask = format!("{before}<figure>{after}");
                text = text.replacen(&format!("{before}{value}{after}"), &mask, 1);
            }
        }
        Self { text, figures }
    }

    fn status(&self) -> &str {
        self.text.split(' ').nth(1).unwrap()
    }

    fn is_like(&self, other: &Self) -> bool {
        let mut figures = self.figures.iter().zip(&other.figures);
        self.text == other.text && figures.all(|(one, another)| one.abs_diff(*another) <= 5)
    }
}

fn between(text: &str, before: &str, after: &str) -> Option<String> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(value, _)| value.to_owned())
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
                    // A client of their own, so that nobody pays for the others.
                    let headers = format!(
                        "x-forwarded-for: 192.0.2.{number}\r\norigin: https://app.example.com\r\n"
                    );
                    let body = (asked.body)(email);
                    answers.push(exchanged(&service, asked.path, &headers, &body).await);
                }
                for (answer, email) in answers.iter().zip(EVERYBODY) {
                    assert!(
                        answer.is_like(&answers[0]),
                        "{} for {email}, {name}, at attempt {attempt}: {answer:?} and {:?}",
                        asked.path,
                        answers[0]
                    );
                }
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
                let headers = format!(
                    "x-forwarded-for: 192.0.2.{number}\r\norigin: https://app.example.com\r\n\
                     authorization: Bearer {token}\r\n"
                );
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
                assert!(
                    answer.is_like(&answers[0]),
                    "{email}, {name}, at attempt {attempt}: {answer:?} and {:?}",
                    answers[0]
                );
            }
        }
    }
}

/// Whoever may see accounts is told that there is one already (docs/adr/0026), and not which.
#[tokio::test]
async fn the_same_bytes_for_whoever_invites_somebody_and_may_not_see_accounts() {
    for (name, setting) in settings() {
        let service = Service::with_everybody(setting).await;
        let mut admin = service.client();
        admin.log_in(ADMIN, PASSWORD).await;
        let role = json!({ "name": "blind", "permissions": ["users:write"] });
        let created = admin.post("/v1/admin/roles", role).await;
        created.expect(StatusCode::CREATED);
        let blind = service.member("blind@example.com", &["blind"]).await;
        let taken = [ACTIVE, SUSPENDED, UNPROVEN];
        for (who, emails, expected) in
            [(&blind, &EVERYBODY[..], "403"), (&admin, &taken[..], "409")]
        {
            let token = who.access_token.as_ref().unwrap();
            let headers = format!(
                "x-forwarded-for: 192.0.2.1\r\norigin: https://app.example.com\r\n\
                 authorization: Bearer {token}\r\n"
            );
            let mut answers = Vec::new();
            for email in emails {
                let body = json!({ "email": email, "roles": [] });
                answers.push(exchanged(&service, "/v1/admin/users", &headers, &body).await);
            }
            for (answer, email) in answers.iter().zip(emails) {
                assert_eq!(answer.status(), expected, "{email}, {name}");
                assert!(
                    answer.is_like(&answers[0]),
                    "{email}, {name}: {answer:?} and {:?}",
                    answers[0]
                );
            }
        }
    }
}

/// Whatever became of an invite that is over.
#[tokio::test]
async fn the_same_bytes_for_every_invite_that_is_over() {
    let service = Service::start_with(Setting::behind_a_proxy()).await;
    let admin = service.member(ADMIN, &["admin"]).await;
    let mut over = Vec::new();
    for what in ["accepted", "renewed", "suspended", "erased"] {
        let email = format!("{what}@example.com");
        let invite = json!({ "email": email, "roles": [] });
        let invited = admin.post("/v1/admin/users", invite.clone()).await;
        let id = invited.expect(StatusCode::CREATED).string("id");
        let token = service.mailed_token(&email).await;
        let user = format!("/v1/admin/users/{id}");
        let done = match what {
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
        over.push((what, token));
    }
    let (_, accepted) = &over[0];
    let mut nobodys = accepted.clone();
    let last = if nobodys.pop() == Some('A') { 'Q' } else { 'A' };
    nobodys.push(last);
    over.push(("nobody's", nobodys));
    let mut answers = Vec::new();
    for (number, (_, token)) in over.iter().enumerate() {
        let client = format!("x-forwarded-for: 192.0.2.{number}\r\n");
        let body = json!({ "token": token, "password": OTHER_PASSWORD });
        answers.push(exchanged(&service, "/v1/invite/accept", &client, &body).await);
    }
    for (answer, (what, _)) in answers.iter().zip(&over) {
        assert_eq!(answer.status(), "422", "{what}: {answer:?}");
        assert!(
            answer.is_like(&answers[0]),
            "{what}: {answer:?} and {:?}",
            answers[0]
        );
    }
}

#[test]
fn what_is_masked_is_masked_and_nothing_else() {
    let answer = "HTTP/1.1 202 Accepted\r\ndate: now\r\nx-request-id: 1\r\nratelimit: \"a\";r=3;t=20\r\n\
                  retry-after: 7\r\n\r\n{\"registration\":\"abc\",\"z\":1}";
    let read = Exchanged::read(answer);
    assert_eq!(
        read.text,
        "HTTP/1.1 202 Accepted\r\ndate: <3 characters>\r\nx-request-id: <1 characters>\r\n\
         ratelimit: \"a\";r=<figure>;t=<figure>\r\nretry-after: <figure>\r\n\r\n\
         {\"registration\":\"<3 characters>\",\"z\":1}"
    );
    assert_eq!(read.figures, [7, 3, 20]);
    let later = Exchanged::read(&answer.replace("retry-after: 7", "retry-after: 70"));
    assert!(!read.is_like(&later));
    let other = Exchanged::read(&answer.replace("z", "y"));
    assert!(!read.is_like(&other) && read.is_like(&read));
}
