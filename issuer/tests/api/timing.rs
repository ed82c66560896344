//! What the time of an answer tells: nothing of who has an account.
//!
//! Two questions are asked in turns, in random order, and the times of their answers compared as
//! two samples ([`crate::harness::samples`]). What differs is measured a second time, since a
//! machine that is busy with something else makes differences that don't last. The response floor
//! is off but for the last test: these are about the work.
//!
//! To hold another question to it, describe it as a [`Question`], and ask it about everybody, and
//! beside every [`Server`].

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use serde_json::{Value, json};
use signet_core::account::EmailVerification;
use signet_core::mail::{DeliveryError, MailTransport, Message};
use signet_core::secret::{OperatingSystem, Randomness};
use signet_core::session::floor::ResponseFloor;
use signet_core::time::UnixTime;
use tokio::task::JoinSet;
use tokio::time::sleep;
use uuid::Uuid;

use crate::harness::everybody::{
    ACTIVE, ADMIN, BLIND, INVITED, PENDING, SUSPENDED, UNKNOWN, UNPROVEN,
};
use crate::harness::samples::{difference, precision};
use crate::harness::{OTHER_PASSWORD, PASSWORD, Service, Setting, Store};

/// A question whose answer's time is measured.
#[derive(Clone, Copy)]
struct Question {
    path: &'static str,
    /// The address that it is about; `{n}` in it is a new number each time.
    email: &'static str,
    body: fn(&str) -> Value,
    /// In whose session it is asked, where it isn't asked by just anybody.
    asker: Option<&'static str>,
    status: StatusCode,
}

fn login(email: &'static str) -> Question {
    Question {
        path: "/v1/login",
        email,
        body: |email| json!({ "email": email, "password": OTHER_PASSWORD }),
        asker: None,
        status: StatusCode::UNAUTHORIZED,
    }
}

fn register(email: &'static str) -> Question {
    Question {
        path: "/v1/register",
        email,
        body: |email| json!({ "email": email, "password": PASSWORD }),
        asker: None,
        status: StatusCode::ACCEPTED,
    }
}

fn forgot(email: &'static str) -> Question {
    Question {
        path: "/v1/password/forgot",
        email,
        body: |email| json!({ "email": email }),
        asker: None,
        status: StatusCode::ACCEPTED,
    }
}

fn resend(email: &'static str) -> Question {
    Question {
        path: "/v1/email/verify/resend",
        ..forgot(email)
    }
}

fn change(email: &'static str) -> Question {
    Question {
        path: "/v1/me/email",
        email,
        body: |email| json!({ "new_email": email, "password": PASSWORD }),
        asker: Some(ADMIN),
        status: StatusCode::ACCEPTED,
    }
}

/// Whoever may see accounts is told that there is one; this is asked by somebody who may not.
fn invite(email: &'static str) -> Question {
    Question {
        path: "/v1/admin/users",
        email,
        body: |email| json!({ "email": email, "roles": [] }),
        asker: Some(BLIND),
        status: StatusCode::FORBIDDEN,
    }
}

/// A service without limits in which everybody there can be is there.
async fn service(login_floor: ResponseFloor) -> Service {
    service_with(Setting {
        login_floor,
        ..Setting::default()
    })
    .await
}

async fn service_with(setting: Setting) -> Service {
    let setting = Setting {
        limits_scale: 1_000_000,
        ..setting
    };
    Service::with_everybody(setting).await
}

/// How often a pair of questions was asked.
static ASKED: AtomicUsize = AtomicUsize::new(0);

/// The seconds that the answers to both questions took, asked in turns.
async fn measure(service: &Service, questions: [Question; 2]) -> [Vec<f64>; 2] {
    let mut client = service.client();
    if let Some(asker) = questions[0].asker {
        client.log_in(asker, PASSWORD).await;
    }
    let randomness: &dyn Randomness = &OperatingSystem;
    let mut times = [Vec::new(), Vec::new()];
    for number in 0..precision().samples {
        // What somebody registered is no new address any more.
        let new = ASKED.fetch_add(1, Ordering::Relaxed).to_string();
        // Well before the ceiling, which no scale moves.
        if number % 40 == 0 {
            forget_failures(service).await;
        }
        // What waits for a mail server waits by the clock. A session outlives all of it.
        if number % 8 == 0 {
            service.wait(1);
        }
        let [coin] = randomness.array();
        let first = usize::from(coin % 2);
        for index in [first, 1 - first] {
            let question = questions[index];
            let body = (question.body)(&question.email.replace("{n}", &new));
            let call = client.call(Method::POST, question.path).json(&body);
            let started = Instant::now();
            let answer = call.send_unchecked().await;
            times[index].push(started.elapsed().as_secs_f64());
            answer.expect(question.status);
        }
    }
    times
}

async fn forget_failures(service: &Service) {
    service.database().run("DELETE FROM guesses").await;
}

async fn assert_alike(service: &Service, questions: [Question; 2]) {
    assert_alike_where(service, questions, "").await;
}

#[expect(clippy::print_stdout, reason = "a proof says what was tried")]
async fn assert_alike_where(service: &Service, questions: [Question; 2], circumstance: &str) {
    let path = questions[0].path;
    let [one, another] = questions.map(|question| question.email);
    if difference(&measure(service, questions).await).is_some()
        && let Some(found) = difference(&measure(service, questions).await)
    {
        panic!("{path} for {one} and {another}{circumstance} takes different times: {found}");
    }
    let samples = precision().samples;
    println!("proved: {path} for {one} and {another}{circumstance}, {samples} times each");
}

/// Nobody has it, and each time it is another one.
const NEW: &str = "unknown{n}@example.com";
const EVERYBODY_ELSE: [&str; 5] = [INVITED, ACTIVE, PENDING, SUSPENDED, UNPROVEN];

#[tokio::test]
async fn forgetting_takes_the_same_for_everyone() {
    let service = service(ResponseFloor::NONE).await;
    for email in EVERYBODY_ELSE {
        assert_alike(&service, [forgot(email), forgot(NEW)]).await;
    }
}

/// A mail server as it may be: quick, slow, too busy for a message, or not there at all, which ends
/// the worker's round; in this process, where it takes no part in what is measured.
#[derive(Clone, Copy, Debug)]
enum Server {
    Quick,
    Slow,
    Busy,
    Away,
}

const SERVERS: [Server; 4] = [Server::Quick, Server::Slow, Server::Busy, Server::Away];

#[async_trait::async_trait]
impl MailTransport for Server {
    async fn deliver(&self, _: Uuid, _: UnixTime, _: &Message) -> Result<(), DeliveryError> {
        match self {
            Self::Quick => Ok(()),
            Self::Slow => {
                sleep(Duration::from_secs(2)).await;
                Ok(())
            }
            Self::Busy => Err(DeliveryError::Transient("come again".to_owned())),
            Self::Away => Err(DeliveryError::Unavailable("nobody there".to_owned())),
        }
    }
}

/// Empties the outbox beside the questions, as an issuer does, only more often; for as long as the
/// answer is kept.
fn deliver_meanwhile(service: &Service, server: Server) -> JoinSet<()> {
    let app = Arc::clone(&service.app);
    let mut worker = JoinSet::new();
    worker.spawn(async move {
        let randomness: &dyn Randomness = &OperatingSystem;
        loop {
            app.issuer.deliver_batch(&server).await.unwrap();
            // At no time that has to do with that of a question.
            let [random] = randomness.array();
            sleep(Duration::from_millis(5 + u64::from(random) / 8)).await;
        }
    });
    worker
}

#[tokio::test]
async fn whatever_the_mail_server_does_answers_take_the_same() {
    for server in SERVERS {
        let service = service(ResponseFloor::NONE).await;
        service.blind_admin().await;
        let _worker = deliver_meanwhile(&service, server);
        let beside = format!(" beside a mail server that is {server:?}");
        for questions in [
            [forgot(ACTIVE), forgot(NEW)],
            [resend(PENDING), resend(NEW)],
            [register(ACTIVE), register(PENDING)],
            [login(ACTIVE), login(NEW)],
            [change(ACTIVE), change(NEW)],
            [invite(ACTIVE), invite(NEW)],
        ] {
            assert_alike_where(&service, questions, &beside).await;
        }
    }
}

#[tokio::test]
async fn resending_takes_the_same_for_everyone() {
    let service = service(ResponseFloor::NONE).await;
    for email in EVERYBODY_ELSE {
        assert_alike(&service, [resend(email), resend(NEW)]).await;
    }
}

#[tokio::test]
async fn registering_takes_the_same_for_free_and_taken_addresses() {
    let service = service(ResponseFloor::NONE).await;
    // Both asked again and again: the fourth registration of an address removes the first.
    let free = register(PENDING);
    for taken in [ACTIVE, SUSPENDED, INVITED, UNPROVEN, NEW] {
        assert_alike(&service, [register(taken), free]).await;
    }
    assert_alike(&service, [register(ACTIVE), register(NEW)]).await;
}

#[tokio::test]
async fn asking_for_an_address_takes_the_same_whether_somebody_has_it() {
    let service = service(ResponseFloor::NONE).await;
    for email in EVERYBODY_ELSE {
        assert_alike(&service, [change(email), change(NEW)]).await;
    }
}

#[tokio::test]
async fn inviting_takes_the_same_for_whoever_may_not_see_accounts() {
    let service = service(ResponseFloor::NONE).await;
    service.blind_admin().await;
    for email in EVERYBODY_ELSE {
        assert_alike(&service, [invite(email), invite(UNKNOWN)]).await;
    }
}

async fn service_without_proofs() -> Service {
    service_with(Setting {
        email_verification: EmailVerification::Optional,
        ..Setting::default()
    })
    .await
}

#[tokio::test]
async fn registering_takes_the_same_where_the_account_is_there_at_once() {
    let service = service_without_proofs().await;
    for taken in EVERYBODY_ELSE {
        assert_alike(&service, [register(taken), register(NEW)]).await;
    }
}

#[tokio::test]
async fn whoever_is_there_at_once_is_answered_in_the_time_of_nobody() {
    let service = service_without_proofs().await;
    for questions in [
        [login(PENDING), login(NEW)],
        [forgot(PENDING), forgot(NEW)],
        [resend(PENDING), resend(NEW)],
        [change(PENDING), change(NEW)],
    ] {
        assert_alike(&service, questions).await;
    }
}

#[tokio::test]
async fn a_wrong_password_takes_the_same_for_everyone() {
    let service = service(ResponseFloor::NONE).await;
    for email in EVERYBODY_ELSE {
        assert_alike(&service, [login(email), login(NEW)]).await;
    }
}

#[tokio::test]
async fn an_account_without_a_password_takes_the_time_of_one() {
    let service = service(ResponseFloor::NONE).await;
    let update = "UPDATE accounts SET password_hash = 'none' WHERE email_canonical LIKE 'active-%'";
    service.database().run(update).await;
    assert_alike(&service, [login(ACTIVE), login(NEW)]).await;
}

#[tokio::test]
async fn a_hash_that_asks_for_too_much_takes_the_time_of_one() {
    let service = service(ResponseFloor::NONE).await;
    let salt_and_checksum = "c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let update = format!(
        "UPDATE accounts
         SET password_hash = '$argon2id$v=19$m=4294967295,t=4294967295,p=1${salt_and_checksum}'
         WHERE email_canonical LIKE 'active-%'"
    );
    service.database().run(&update).await;
    assert_alike(&service, [login(ACTIVE), login(NEW)]).await;
}

#[tokio::test]
async fn a_hash_of_other_parameters_is_hidden_by_the_floor() {
    // More than any login takes.
    let least = match crate::STORE {
        Store::Sqlite | Store::SqliteAndRedis => 40,
        Store::Postgres => 150,
    };
    let service = service(ResponseFloor {
        least: Duration::from_millis(least),
        jitter: Duration::from_millis(5),
    })
    .await;
    let bcrypt = "$2b$07$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";
    let update = format!(
        "UPDATE accounts SET password_hash = '{bcrypt}' WHERE email_canonical LIKE 'active-%'"
    );
    service.database().run(&update).await;
    assert_alike(&service, [login(ACTIVE), login(NEW)]).await;
}
