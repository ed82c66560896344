//! Mail that doesn't get through, as admins see it.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use signet_core::mail::{DeliveryError, MailTransport, Message};
use signet_core::time::UnixTime;
use uuid::Uuid;

use crate::harness::{Answer, Client, PASSWORD, Service, Setting};

const OUTBOX: &str = "/v1/admin/outbox";

/// A mail server that has one thing to say.
struct Says(fn(String) -> DeliveryError, &'static str);

#[async_trait::async_trait]
impl MailTransport for Says {
    async fn deliver(&self, _: Uuid, _: UnixTime, message: &Message) -> Result<(), DeliveryError> {
        let token = message.token.as_deref().unwrap_or_default();
        Err(self.0(format!("{} <{}> {token}", self.1, message.to)))
    }
}

async fn service() -> (Service, Client) {
    let service = Service::start_with(Setting {
        limits_scale: 1_000,
        ..Setting::default()
    })
    .await;
    let admin = service.member("admin@example.com", &["admin"]).await;
    (service, admin)
}

async fn register(service: &Service, email: &str) -> Answer {
    let body = json!({ "email": email, "password": PASSWORD });
    service.client().post("/v1/register", body).await
}

async fn deliver(service: &Service, transport: &dyn MailTransport) {
    let batch = service.app.issuer.deliver_batch(transport).await;
    batch.unwrap();
}

async fn listed(admin: &Client, query: &str) -> Vec<Value> {
    let answer = admin.get(&format!("{OUTBOX}{query}")).await;
    let page = answer.expect(StatusCode::OK).json();
    page["mails"].as_array().unwrap().clone()
}

async fn retry(client: &Client, id: &str) -> Answer {
    let path = format!("{OUTBOX}/{id}/retry");
    client.call(Method::POST, &path).send().await
}

#[tokio::test]
async fn what_does_not_get_through_is_listed_without_whom_it_is_for() {
    let (service, admin) = service().await;
    register(&service, "ada@example.com")
        .await
        .expect(StatusCode::ACCEPTED);
    deliver(
        &service,
        &Says(DeliveryError::Permanent, "550\r\n\u{1b}[1m no"),
    )
    .await;
    service.wait(1);
    register(&service, "bob@example.com")
        .await
        .expect(StatusCode::ACCEPTED);

    let mails = listed(&admin, "").await;
    assert_eq!(mails.len(), 2);
    let [waiting, dead] = [&mails[0], &mails[1]];
    assert_eq!(
        (&waiting["state"], &waiting["last_error"]),
        (&json!("waiting"), &Value::Null)
    );
    assert_eq!(
        (&dead["state"], &dead["kind"]),
        (&json!("dead"), &json!("verify"))
    );
    assert_eq!(dead["attempts"], 1);
    assert_eq!(dead["last_error"], "550 [1m no <<recipient>> <token>");
    assert_eq!(dead["user_id"], Value::Null, "nobody has an account yet");
    let told = format!("{mails:?}");
    for secret in ["ada@", "bob@", "sealed", "token\""] {
        assert!(!told.contains(secret), "{secret}: {told}");
    }
    assert_eq!(
        listed(&admin, "?state=dead").await,
        std::slice::from_ref(dead)
    );
    assert_eq!(
        listed(&admin, "?state=waiting&kind=verify").await,
        std::slice::from_ref(waiting)
    );
    assert!(listed(&admin, "?kind=reset").await.is_empty());
}

#[tokio::test]
async fn the_list_is_walked_page_by_page() {
    let (service, admin) = service().await;
    for number in 0..5 {
        register(&service, &format!("person{number}@example.com")).await;
    }
    let all = listed(&admin, "").await;
    let mut walked = Vec::new();
    let mut target = format!("{OUTBOX}?limit=2");
    loop {
        let page = admin.get(&target).await.expect(StatusCode::OK).json();
        walked.extend(page["mails"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        target = format!("{OUTBOX}?limit=2&cursor={cursor}");
    }
    assert_eq!((walked.len(), walked), (5, all));
    for (query, field, code) in [
        ("state=gone", "state", "unknown_value"),
        ("kind=Verify", "kind", "unknown_value"),
        ("cursor=1", "cursor", "invalid_cursor"),
        ("cursor=1.x", "cursor", "invalid_cursor"),
        ("limit=0", "limit", "out_of_range"),
        ("to=ada", "to", "unknown_member"),
    ] {
        let answer = admin.get(&format!("{OUTBOX}?{query}")).await;
        let faults = answer.expect_problem("validation_failed").faults();
        assert_eq!(faults, [(field.into(), code.into())], "{query}");
    }
}

#[tokio::test]
async fn a_dead_letter_is_sent_once_an_admin_has_it_tried_again() {
    let (service, admin) = service().await;
    let answer = register(&service, "ada@example.com").await;
    let registration = answer.expect(StatusCode::ACCEPTED).string("registration");
    deliver(&service, &Says(DeliveryError::Permanent, "550 full")).await;
    assert!(service.mails("ada@example.com").await.is_empty());
    let dead = listed(&admin, "?state=dead").await;
    let id = dead[0]["id"].as_str().unwrap();
    retry(&admin, id).await.expect(StatusCode::NO_CONTENT);
    let waiting = listed(&admin, "").await;
    assert_eq!(
        (&waiting[0]["state"], &waiting[0]["attempts"]),
        (&json!("waiting"), &json!(0))
    );
    let token = service.mailed_token("ada@example.com").await;
    let proof = json!({ "token": token, "registration": registration });
    service
        .client()
        .post("/v1/email/verify", proof)
        .await
        .expect(StatusCode::OK);
    retry(&admin, id).await.expect_problem("not_found");
}

#[tokio::test]
async fn what_is_of_no_use_any_more_is_not_tried_again() {
    let (service, admin) = service().await;
    service.create_account("ada@example.com", &[]).await;
    let forgot = json!({ "email": "ada@example.com" });
    let forget = || async {
        let answer = service
            .client()
            .post("/v1/password/forgot", forgot.clone())
            .await;
        answer.expect(StatusCode::ACCEPTED);
        // The request first, then the mail that it asks for.
        for _ in 0..2 {
            deliver(&service, &Says(DeliveryError::Permanent, "550 full")).await;
        }
    };
    forget().await;
    let first = listed(&admin, "?kind=reset").await[0].clone();
    assert!(first["user_id"].is_string(), "{first}");
    service.wait(1);
    forget().await;
    let second = listed(&admin, "?kind=reset").await[0].clone();
    let detail = |answer: Answer| answer.expect_problem("conflict").string("detail");
    let told = detail(retry(&admin, first["id"].as_str().unwrap()).await);
    assert!(told.contains("void"), "{told}");
    service.wait(3_600);
    let admin = service.member("root@example.com", &["admin"]).await;
    let told = detail(retry(&admin, second["id"].as_str().unwrap()).await);
    assert!(told.contains("expired"), "{told}");
}

#[tokio::test]
async fn mail_is_for_those_who_may_write_it() {
    let (service, admin) = service().await;
    register(&service, "ada@example.com").await;
    let id = listed(&admin, "").await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let bob = service.member("bob@example.com", &[]).await;
    bob.get(OUTBOX).await.expect_problem("insufficient_scope");
    retry(&bob, &id).await.expect_problem("insufficient_scope");
    let anyone = service.client();
    anyone.get(OUTBOX).await.expect_problem("missing_token");
    retry(&anyone, &id).await.expect_problem("missing_token");
    for id in ["00000000-0000-4000-8000-000000000000", "x", "1%20OR%201=1"] {
        retry(&admin, id).await.expect_problem("not_found");
    }
}

#[tokio::test]
async fn a_server_that_is_away_counts_as_no_try_however_often_it_is_asked() {
    let (service, admin) = service().await;
    for number in 0..10 {
        register(&service, &format!("person{number}@example.com")).await;
    }
    let away = Says(DeliveryError::Unavailable, "connection refused");
    for _ in 0..20 {
        let round = service.app.issuer.deliver_batch(&away).await.unwrap();
        assert!(round.is_server_away && round.sent == 0, "{round:?}");
    }
    let mails = listed(&admin, "").await;
    assert_eq!(mails.len(), 10);
    for mail in &mails {
        assert_eq!(
            (&mail["state"], &mail["attempts"]),
            (&json!("waiting"), &json!(0))
        );
    }
    for number in 0..10 {
        let to = format!("person{number}@example.com");
        assert_eq!(service.mails(&to).await.len(), 1, "{to}");
    }
}

#[tokio::test]
async fn where_too_much_mail_waits_nobody_new_is_taken_and_everyone_else_goes_on() {
    let (service, _) = service().await;
    service.create_account("ada@example.com", &[]).await;
    let (id, numbers) = match matches!(crate::STORE, crate::harness::Store::Postgres) {
        true => ("gen_random_uuid()", "FROM generate_series(1, 100000)"),
        false => (
            "randomblob(16)",
            "FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000)
                   SELECT i FROM n) AS numbers",
        ),
    };
    let sealed = "SELECT sealed FROM outbox LIMIT 1";
    register(&service, "first@example.com")
        .await
        .expect(StatusCode::ACCEPTED);
    let fill = format!(
        "INSERT INTO outbox (id, kind, sealed, master_key, created_at, due_at, attempts)
         SELECT {id}, 'verify', ({sealed}), 'm', 1, 32503680000, 0 {numbers}"
    );
    service.database().run(&fill).await;
    service.app.issuer.sweep().await.unwrap();
    for email in ["new@example.com", "ada@example.com"] {
        let answer = register(&service, email).await;
        let answer = answer.expect_problem("unavailable");
        assert_eq!(answer.header("retry-after"), "60");
    }
    for path in ["/v1/password/forgot", "/v1/email/verify/resend"] {
        let body = json!({ "email": "ada@example.com" });
        service
            .client()
            .post(path, body)
            .await
            .expect(StatusCode::ACCEPTED);
    }
    service
        .database()
        .run("DELETE FROM outbox WHERE due_at = 32503680000")
        .await;
    service.app.issuer.sweep().await.unwrap();
    register(&service, "new@example.com")
        .await
        .expect(StatusCode::ACCEPTED);
}
