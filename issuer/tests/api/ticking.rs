//! What is due, done because a timer asks.

use std::collections::BTreeSet;
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use signet_core::mail::{DeliveryError, MailTransport, Message};
use signet_core::time::UnixTime;
use uuid::Uuid;

use crate::harness::service::pass;
use crate::harness::{Answer, Client, PASSWORD, Service, Setting};

const TICK: &str = "/internal/tick";
const TOKEN: &str = "sWb8BjyxTGHhlzHyDwP3VF2G5hR5cYVJ7iJ3yJyqk+s=";

/// A service with a timer.
async fn service() -> Service {
    Service::start_with(Setting {
        tick_token: Some(TOKEN),
        limits_scale: 100,
        ..Setting::default()
    })
    .await
}

async fn tick(client: &Client, authorization: &str) -> Answer {
    let call = client.call(Method::POST, TICK);
    call.header("authorization", authorization).send().await
}

async fn ticked(service: &Service) -> Value {
    let answer = tick(&service.client(), &format!("Bearer {TOKEN}")).await;
    answer.expect(StatusCode::OK).json()
}

async fn register(service: &Service, count: usize) {
    for number in 0..count {
        let email = format!("person{number}@example.com");
        let body = json!({ "email": email, "password": PASSWORD });
        let answer = service.client().post("/v1/register", body).await;
        answer.expect(StatusCode::ACCEPTED);
    }
}

#[tokio::test]
async fn without_a_token_in_the_configuration_there_is_nothing() {
    let service = Service::start().await;
    for authorization in ["", "Bearer ", "Bearer x", &format!("Bearer {TOKEN}")] {
        let answer = tick(&service.client(), authorization).await;
        answer
            .expect(StatusCode::NOT_FOUND)
            .expect_problem("not_found");
    }
}

#[tokio::test]
async fn only_whoever_has_the_token_has_anything_done() {
    let service = service().await;
    register(&service, 1).await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    let with_bearer = admin.call(Method::POST, TICK).send().await;
    with_bearer.expect_problem("invalid_token");
    let (short, other) = (&TOKEN[..43], TOKEN.replace('s', "t"));
    for (authorization, code) in [
        (String::new(), "missing_token"),
        ("Basic YTpi".to_owned(), "missing_token"),
        (TOKEN.to_owned(), "missing_token"),
        ("Bearer".to_owned(), "invalid_request"),
        (format!("Bearer  {TOKEN}"), "invalid_request"),
        (format!("Bearer {short}"), "invalid_token"),
        (format!("Bearer {other}"), "invalid_token"),
        (format!("Bearer {TOKEN}="), "invalid_token"),
    ] {
        let answer = tick(&service.client(), &authorization).await;
        let answer = answer.expect_problem(code);
        let challenge = answer.header("www-authenticate");
        assert!(
            challenge.starts_with("Bearer realm=\"signet\""),
            "{authorization}"
        );
    }
    assert_eq!(service.inbox().messages("person0@example.com").len(), 0);
    assert_eq!(ticked(&service).await["mails"], 1);
}

#[tokio::test]
async fn a_tick_sends_what_is_due_and_removes_what_is_over() {
    let service = service().await;
    register(&service, 3).await;
    service.create_account("ada@example.com", &[]).await;
    let forgotten = json!({ "email": "ada@example.com" });
    let answer = service
        .client()
        .post("/v1/password/forgot", forgotten)
        .await;
    answer.expect(StatusCode::ACCEPTED);
    let nothing = json!({ "mails": 0, "swept": 0, "rotated": 0, "remaining": 0 });
    let mut done = nothing.clone();
    done["mails"] = json!(4);
    assert_eq!(
        ticked(&service).await,
        done,
        "and the request became a mail"
    );
    assert_eq!(service.inbox().messages("ada@example.com").len(), 1);
    assert_eq!(ticked(&service).await, nothing);
    service.wait(8 * 86_400);
    let mut done = nothing.clone();
    done["swept"] = json!(3 + 1);
    assert_eq!(
        ticked(&service).await,
        done,
        "the registrations and the token of the reset"
    );
    assert_eq!(ticked(&service).await, nothing);
}

#[tokio::test]
async fn of_many_ticks_at_once_each_mail_is_sent_by_one() {
    let service = service().await;
    register(&service, 24).await;
    let client = service.client();
    let ticks = (0..8).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { tick(&client, &format!("Bearer {TOKEN}")).await })
    });
    let mut sent = 0;
    for tick in ticks.collect::<Vec<_>>() {
        let done = tick.await.unwrap().expect(StatusCode::OK).json();
        sent += done["mails"].as_u64().unwrap();
    }
    assert_eq!(sent, 24);
    let recipients = (0..24).map(|number| format!("person{number}@example.com"));
    for recipient in recipients.collect::<BTreeSet<_>>() {
        assert_eq!(service.inbox().messages(&recipient).len(), 1, "{recipient}");
    }
    assert_eq!(ticked(&service).await["remaining"], 0);
}

#[tokio::test]
async fn a_tick_keeps_keys_up_where_mail_fails_and_sends_mail_where_keys_fail() {
    let service = service().await;
    register(&service, 1).await;
    let database = service.database();
    let published = || async {
        let keys = service.client().get("/.well-known/jwks.json").await;
        keys.json()["keys"].as_array().unwrap().len()
    };
    let tick = || async { tick(&service.client(), &format!("Bearer {TOKEN}")).await };
    database.run("ALTER TABLE outbox RENAME TO away").await;
    assert_eq!(published().await, 1);
    // Over HTTP it would be an internal error, which no conversation here may end in.
    let issuer = &service.app.issuer;
    let told = issuer.tick(service.inbox(), Duration::from_secs(25)).await;
    assert!(told.is_err(), "{told:?}");
    assert_eq!(published().await, 2, "the next one");

    // Keys that may be old sign nothing. That is what the timer is told, not that there is no mail.
    let meta = "ALTER TABLE meta RENAME COLUMN";
    database
        .run(&format!("{meta} keys_version TO hidden"))
        .await;
    pass(10).await;
    tick().await.expect_problem("unavailable");
    database.run("ALTER TABLE away RENAME TO outbox").await;
    pass(1).await;
    tick().await.expect_problem("unavailable");
    assert_eq!(service.inbox().messages("person0@example.com").len(), 1);
    database
        .run(&format!("{meta} hidden TO keys_version"))
        .await;
    pass(1).await;
    let done = json!({ "mails": 0, "swept": 0, "rotated": 0, "remaining": 0 });
    assert_eq!(ticked(&service).await, done);
}

/// A mail server that takes its time, and takes nothing.
struct Slow;

#[async_trait::async_trait]
impl MailTransport for Slow {
    async fn deliver(&self, _: Uuid, _: UnixTime, _: &Message) -> Result<(), DeliveryError> {
        tokio::time::sleep(Duration::from_millis(200)).await;
        Err(DeliveryError::Transient("later".to_owned()))
    }
}

#[tokio::test]
async fn a_tick_ends_in_time_and_says_what_is_left() {
    let service = service().await;
    register(&service, 20).await;
    let tick = service.app.issuer.tick(&Slow, Duration::from_secs(2));
    let done = tick.await.unwrap();
    assert_eq!((done.mails, done.swept), (0, 0));
    let tried = 20 - done.remaining;
    assert!((1..=11).contains(&tried), "{tried}");
    service.wait(3_600);
    let done = ticked(&service).await;
    assert_eq!(
        (&done["mails"], &done["remaining"]),
        (&json!(20), &json!(0))
    );
}
