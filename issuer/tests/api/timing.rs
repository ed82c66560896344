//! What the time of an answer tells: nothing of who has an account.
//!
//! Two questions are asked in turns, in random order, and the times of their answers compared as
//! two samples. They differ where the Mann–Whitney test all but rules out chance and the medians
//! lie apart by more than the clock's noise; what differs is measured a second time, since a
//! machine that is busy with something else makes differences that don't last. The response floor
//! is off but for the last test: these are about the work. `SIGNET_PROVE` makes the samples large.

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

use crate::harness::everybody::{ACTIVE, ADMIN, INVITED, PENDING, SUSPENDED, UNPROVEN};
use crate::harness::{OTHER_PASSWORD, PASSWORD, Service, Setting, Store};

/// How large the samples are, and what difference of the medians counts.
struct Precision {
    samples: usize,
    relative: f64,
}

fn precision() -> Precision {
    match std::env::var_os("SIGNET_PROVE") {
        Some(_) => Precision {
            samples: 1_500,
            relative: 0.02,
        },
        None => Precision {
            samples: 120,
            relative: 0.10,
        },
    }
}

/// How far the rank sum may be from what chance makes of it, in standard deviations: beyond this
/// is once in 30,000 comparisons.
const MOST_DEVIATIONS: f64 = 4.0;

/// A question whose answer's time is measured: `{n}` in the address is a new number each time.
#[derive(Clone, Copy, Debug)]
struct Question {
    path: &'static str,
    email: &'static str,
    password: Option<&'static str>,
    status: StatusCode,
}

impl Question {
    fn body(&self, number: usize) -> Value {
        let email = self.email.replace("{n}", &number.to_string());
        match self.password {
            Some(password) if self.path == CHANGE => {
                json!({ "new_email": email, "password": password })
            }
            Some(password) => json!({ "email": email, "password": password }),
            None => json!({ "email": email }),
        }
    }
}

fn login(email: &'static str) -> Question {
    Question {
        path: "/v1/login",
        email,
        password: Some(OTHER_PASSWORD),
        status: StatusCode::UNAUTHORIZED,
    }
}

fn register(email: &'static str) -> Question {
    Question {
        path: "/v1/register",
        email,
        password: Some(PASSWORD),
        status: StatusCode::ACCEPTED,
    }
}

/// Needs a session; everything else is asked by nobody.
const CHANGE: &str = "/v1/me/email";

fn change(email: &'static str) -> Question {
    Question {
        path: CHANGE,
        email,
        password: Some(PASSWORD),
        status: StatusCode::ACCEPTED,
    }
}

fn ask(path: &'static str, email: &'static str) -> Question {
    Question {
        path,
        email,
        password: None,
        status: StatusCode::ACCEPTED,
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
    if questions[0].path == CHANGE {
        client.log_in(ADMIN, PASSWORD).await;
    }
    let randomness: &dyn Randomness = &OperatingSystem;
    let mut times = [Vec::new(), Vec::new()];
    for number in 0..precision().samples {
        // What somebody registered is no new address any more.
        let new = ASKED.fetch_add(1, Ordering::Relaxed);
        // Well before the ceiling, which no scale moves.
        if number % 40 == 0 {
            forget_failures(service).await;
        }
        let [coin] = randomness.array();
        let first = usize::from(coin % 2);
        for index in [first, 1 - first] {
            let question = questions[index];
            let call = client.call(Method::POST, question.path);
            let call = call.json(&question.body(new));
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

fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// How many standard deviations Mann and Whitney's U is from its mean, if both samples are of one
/// distribution (normal approximation; ties are rare among nanoseconds).
fn deviations([left, right]: &[Vec<f64>; 2]) -> f64 {
    let mut all: Vec<(f64, bool)> = left.iter().map(|time| (*time, true)).collect();
    all.extend(right.iter().map(|time| (*time, false)));
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut rank, mut rank_sum) = (0.0, 0.0);
    for (_, is_left) in all {
        rank += 1.0;
        rank_sum += if is_left { rank } else { 0.0 };
    }
    let (n, m) = (count(left), count(right));
    let u = rank_sum - n * (n + 1.0) / 2.0;
    let deviation = (n * m * (n + m + 1.0) / 12.0).sqrt();
    (u - n * m / 2.0) / deviation
}

fn count(times: &[f64]) -> f64 {
    f64::from(u32::try_from(times.len()).unwrap())
}

/// What sets two samples apart, if anything does.
fn difference(times: &[Vec<f64>; 2]) -> Option<String> {
    let [left, right] = [median(&times[0]), median(&times[1])];
    let relative = (left - right).abs() / left.min(right);
    let deviations = deviations(times);
    (deviations.abs() > MOST_DEVIATIONS && relative > precision().relative)
        .then(|| format!("{left:.6} s and {right:.6} s, {deviations:.1} standard deviations apart"))
}

#[expect(clippy::print_stdout, reason = "a proof says what was tried")]
async fn assert_alike(service: &Service, questions: [Question; 2]) {
    if difference(&measure(service, questions).await).is_some()
        && let Some(found) = difference(&measure(service, questions).await)
    {
        panic!("{questions:?} take different times: {found}");
    }
    let samples = precision().samples;
    let [one, another] = questions.map(|question| question.email);
    println!(
        "proved: {} for {one} and {another}, {samples} times each",
        questions[0].path
    );
}

const UNKNOWN: &str = "unknown{n}@example.com";
const EVERYBODY_ELSE: [&str; 5] = [INVITED, ACTIVE, PENDING, SUSPENDED, UNPROVEN];

#[tokio::test]
async fn forgetting_takes_the_same_for_everyone() {
    let service = service(ResponseFloor::NONE).await;
    let path = "/v1/password/forgot";
    for email in EVERYBODY_ELSE {
        assert_alike(&service, [ask(path, email), ask(path, UNKNOWN)]).await;
    }
}

/// A mail server as it may be, quick, slow, or away; in this process, where it takes no part in what
/// is measured.
#[derive(Clone, Copy, Debug)]
enum Server {
    Quick,
    Slow,
    Away,
}

#[async_trait::async_trait]
impl MailTransport for Server {
    async fn deliver(&self, _: Uuid, _: UnixTime, _: &Message) -> Result<(), DeliveryError> {
        match self {
            Self::Quick => Ok(()),
            Self::Slow => {
                sleep(Duration::from_secs(2)).await;
                Ok(())
            }
            Self::Away => Err(DeliveryError::Transient("nobody there".to_owned())),
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
async fn whatever_the_mail_server_does_asking_for_mail_takes_the_same() {
    for server in [Server::Quick, Server::Slow, Server::Away] {
        let service = service(ResponseFloor::NONE).await;
        let _worker = deliver_meanwhile(&service, server);
        let (forgot, resend) = ("/v1/password/forgot", "/v1/email/verify/resend");
        for questions in [
            [ask(forgot, ACTIVE), ask(forgot, UNKNOWN)],
            [ask(resend, PENDING), ask(resend, UNKNOWN)],
            [register(ACTIVE), register(PENDING)],
        ] {
            assert_alike(&service, questions).await;
        }
    }
}

#[tokio::test]
async fn resending_takes_the_same_for_everyone() {
    let service = service(ResponseFloor::NONE).await;
    let path = "/v1/email/verify/resend";
    for email in EVERYBODY_ELSE {
        assert_alike(&service, [ask(path, email), ask(path, UNKNOWN)]).await;
    }
}

#[tokio::test]
async fn registering_takes_the_same_for_free_and_taken_addresses() {
    let service = service(ResponseFloor::NONE).await;
    // Both asked again and again: the fourth registration of an address removes the first.
    let free = register(PENDING);
    for taken in [ACTIVE, SUSPENDED, INVITED, UNPROVEN, UNKNOWN] {
        assert_alike(&service, [register(taken), free]).await;
    }
    assert_alike(&service, [register(ACTIVE), register(UNKNOWN)]).await;
}

#[tokio::test]
async fn asking_for_an_address_takes_the_same_whether_somebody_has_it() {
    let service = service(ResponseFloor::NONE).await;
    for email in EVERYBODY_ELSE {
        assert_alike(&service, [change(email), change(UNKNOWN)]).await;
    }
    for server in [Server::Quick, Server::Slow, Server::Away] {
        let _worker = deliver_meanwhile(&service, server);
        let taken = change(ACTIVE);
        assert_alike(&service, [taken, change(UNKNOWN)]).await;
    }
}

#[tokio::test]
async fn registering_takes_the_same_where_the_account_is_there_at_once() {
    let service = service_with(Setting {
        email_verification: EmailVerification::Optional,
        ..Setting::default()
    })
    .await;
    for taken in [ACTIVE, PENDING] {
        assert_alike(&service, [register(taken), register(UNKNOWN)]).await;
    }
}

#[tokio::test]
async fn a_wrong_password_takes_the_same_for_everyone() {
    let service = service(ResponseFloor::NONE).await;
    for email in EVERYBODY_ELSE {
        assert_alike(&service, [login(email), login(UNKNOWN)]).await;
    }
}

#[tokio::test]
async fn an_account_without_a_password_takes_the_time_of_one() {
    let service = service(ResponseFloor::NONE).await;
    let update = "UPDATE accounts SET password_hash = 'none' WHERE email_canonical LIKE 'active-%'";
    service.database().run(update).await;
    assert_alike(&service, [login(ACTIVE), login(UNKNOWN)]).await;
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
    assert_alike(&service, [login(ACTIVE), login(UNKNOWN)]).await;
}

#[test]
fn samples_that_differ_are_told_from_those_that_do_not() {
    let sample = |shift: f64| -> Vec<f64> {
        let noise = (0..120u32).map(|n| f64::from(n * 7_919 % 120) / 400.0);
        noise.map(|noise| 1.0 + shift + noise).collect()
    };
    assert_eq!(difference(&[sample(0.0), sample(0.0)]), None);
    assert_eq!(difference(&[sample(0.0), sample(0.01)]), None);
    assert!(difference(&[sample(0.0), sample(0.5)]).is_some());
    assert!(difference(&[sample(0.5), sample(0.0)]).is_some());
}
