//! What counts as a failed guess, and what doesn't.

use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use serde_json::{Value, json};
use signet_core::password::hasher::Algorithm;
use signet_core::password::pool::PoolSettings;
use signet_core::session::floor::ResponseFloor;

use crate::harness::everybody::{ACTIVE, PENDING, SUSPENDED, UNKNOWN};
use crate::harness::{Answer, Client, OTHER_PASSWORD, PASSWORD, Service, Setting};

const ADA: &str = "ada@example.com";

fn credentials(email: &str, password: &str) -> Value {
    json!({ "email": email, "password": password })
}

/// The answers to the same call, made so many times at once.
async fn at_once(count: usize, client: &Client, path: &'static str, body: Value) -> Vec<Answer> {
    let calls: Vec<_> = (0..count)
        .map(|_| {
            let (client, body) = (client.clone(), body.clone());
            tokio::spawn(async move { client.post(path, body).await })
        })
        .collect();
    let mut answers = Vec::with_capacity(count);
    for call in calls {
        answers.push(call.await.unwrap());
    }
    answers
}

fn how_many(answers: &[Answer], status: StatusCode) -> usize {
    answers
        .iter()
        .filter(|answer| answer.status == status)
        .count()
}

/// How many failed guesses the database holds.
async fn failures(service: &Service) -> usize {
    service.database().count("guesses").await
}

/// Who meets another's hash is turned away.
const ONE_AT_A_TIME: PoolSettings = PoolSettings {
    permits: 1,
    queue: 0,
    deadline: Duration::from_secs(5),
};

/// A service that hashes one password at a time, slowly, and lets none wait.
async fn easily_overloaded() -> Service {
    let setting = Setting {
        hashing: Algorithm::Argon2id {
            memory_kib: 19_456,
            iterations: 2,
            lanes: 1,
        },
        hash_pool: ONE_AT_A_TIME,
        ..Setting::default()
    };
    Service::start_with(setting).await
}

/// Whoever finds the queue full isn't held up as other answers to a login are: what they are told
/// says nothing about anybody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_is_turned_away_does_not_wait_for_the_floor() {
    let floor = Duration::from_secs(600);
    let setting = Setting {
        hashing: Algorithm::Argon2id {
            memory_kib: 262_144,
            iterations: 4,
            lanes: 1,
        },
        hash_pool: ONE_AT_A_TIME,
        login_floor: ResponseFloor {
            least: floor,
            jitter: Duration::ZERO,
        },
        ..Setting::default()
    };
    let service = Service::start_with(setting).await;
    let client = service.client();
    let login = || client.post("/v1/login", credentials(ADA, PASSWORD));
    let second = async {
        while service.app.issuer.hashing().load().running == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        login().await
    };
    tokio::select! {
        _ = login() => panic!("the first waits for the floor"),
        answer = second => answer.expect_problem("overloaded"),
        () = tokio::time::sleep(floor / 2) => panic!("the second waits as well"),
    };
}

/// How often to try until some of what came at once met others.
const TRIES: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_overloaded_login_that_is_right_is_no_failed_guess() {
    let service = easily_overloaded().await;
    service.create_account(ADA, &[]).await;
    let mut overloaded = 0;
    for _ in 0..TRIES {
        let client = service.client();
        let answers = at_once(5, &client, "/v1/login", credentials(ADA, PASSWORD)).await;
        let shed = how_many(&answers, StatusCode::SERVICE_UNAVAILABLE);
        let opened = how_many(&answers, StatusCode::OK);
        assert_eq!(shed + opened, 5, "being right is no reason to wait");
        assert_eq!(failures(&service).await, 0);
        overloaded += shed;
        if overloaded > 5 {
            return;
        }
    }
    panic!("it was never overloaded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_wrong_guesses_those_that_were_looked_at_count() {
    let service = easily_overloaded().await;
    let (mut overloaded, mut checked) = (0, 0);
    for number in 0..TRIES {
        let wrong = credentials(&format!("nobody{number}@example.com"), OTHER_PASSWORD);
        let answers = at_once(3, &service.client(), "/v1/login", wrong).await;
        overloaded += how_many(&answers, StatusCode::SERVICE_UNAVAILABLE);
        checked += how_many(&answers, StatusCode::UNAUTHORIZED);
        assert_eq!(failures(&service).await, checked);
        if overloaded > 3 {
            return;
        }
    }
    panic!("it was never overloaded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_overloaded_proof_within_a_session_is_no_failed_guess() {
    let service = easily_overloaded().await;
    let ada = service.member(ADA, &[]).await;
    for _ in 0..TRIES {
        let wrong = json!({ "password": OTHER_PASSWORD });
        let answers = at_once(3, &ada, "/v1/reauthenticate", wrong).await;
        let checked = how_many(&answers, StatusCode::UNPROCESSABLE_ENTITY);
        let overloaded = how_many(&answers, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(checked + overloaded, 3);
        assert_eq!(failures(&service).await, checked);
        if overloaded > 0 {
            return;
        }
        service.wait(1);
        let right = json!({ "password": PASSWORD });
        let proven = ada.post("/v1/reauthenticate", right).await;
        proven.expect(StatusCode::OK);
    }
    panic!("it was never overloaded");
}

#[tokio::test]
async fn a_login_that_the_store_fails_is_no_failed_guess() {
    let service = Service::start().await;
    service.create_account(ADA, &[]).await;
    service.database().refuse_sessions().await;
    let client = service.client();
    for _ in 0..6 {
        let login = client.call(Method::POST, "/v1/login");
        let answer = login
            .json(&credentials(ADA, PASSWORD))
            .send_unchecked()
            .await;
        answer.expect_problem("internal_error");
    }
    assert_eq!(failures(&service).await, 0);
    service.database().take_sessions().await;
    let login = client.post("/v1/login", credentials(ADA, PASSWORD)).await;
    login.expect(StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tabs_that_know_the_password_all_get_in() {
    let service = Service::start().await;
    service.create_account(ADA, &[]).await;
    let client = service.client();
    for typos in [0, 2] {
        for _ in 0..typos {
            let wrong = credentials(ADA, OTHER_PASSWORD);
            let answer = client.post("/v1/login", wrong).await;
            answer.expect_problem("invalid_credentials");
        }
        let answers = at_once(12, &client, "/v1/login", credentials(ADA, PASSWORD)).await;
        assert_eq!(
            how_many(&answers, StatusCode::OK),
            12,
            "after {typos} typos"
        );
    }
    assert_eq!(failures(&service).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tabs_all_get_in_while_the_hash_is_made_anew() {
    let service = Service::start().await;
    service.create_account(ADA, &[]).await;
    let client = service.client();
    for _ in 0..3 {
        service.outdate_hash(ADA).await;
        let answers = at_once(12, &client, "/v1/login", credentials(ADA, PASSWORD)).await;
        assert_eq!(how_many(&answers, StatusCode::OK), 12);
    }
    assert_eq!(failures(&service).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sixty_wrong_guesses_at_once_three_are_checked() {
    let service = Service::start().await;
    service.create_account(ADA, &[]).await;
    for email in [ADA, "nobody@example.com"] {
        let wrong = credentials(email, OTHER_PASSWORD);
        let answers = at_once(60, &service.client(), "/v1/login", wrong).await;
        assert_eq!(how_many(&answers, StatusCode::UNAUTHORIZED), 3);
        assert_eq!(how_many(&answers, StatusCode::TOO_MANY_REQUESTS), 57);
    }
    assert_eq!(failures(&service).await, 6);
}

#[tokio::test]
async fn what_refuses_a_guess_gives_back_what_it_took_elsewhere() {
    let service = Service::start().await;
    service.create_account(ADA, &[]).await;
    let client = service.client();
    for _ in 0..3 {
        let wrong = client
            .post("/v1/login", credentials(ADA, OTHER_PASSWORD))
            .await;
        wrong.expect_problem("invalid_credentials");
    }
    // 30 failures in a minute are a client's, 5 a person's: 3 of each are used up.
    for _ in 0..40 {
        let early = client
            .post("/v1/login", credentials(ADA, OTHER_PASSWORD))
            .await;
        let early = early.expect_problem("rate_limited");
        assert_eq!(early.header("retry-after"), "1");
    }
    service.wait(1);
    let login = client.post("/v1/login", credentials(ADA, PASSWORD)).await;
    login.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_guess_that_must_wait_is_told_so_and_nothing_of_other_limits() {
    let service = Service::start().await;
    let client = service.client();
    let login = || client.post("/v1/login", credentials(ADA, OTHER_PASSWORD));
    for _ in 0..3 {
        let answer = login().await.expect_problem("invalid_credentials");
        assert_eq!(answer.header("ratelimit-policy"), "\"login\";q=120;w=60");
    }
    let answer = login().await.expect_problem("rate_limited");
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.header("ratelimit"), "");
    assert_eq!(answer.header("ratelimit-policy"), "");
}

#[tokio::test]
async fn every_answer_to_a_login_takes_the_floor() {
    let floor = Duration::from_millis(120);
    let setting = Setting {
        login_floor: ResponseFloor {
            least: floor,
            jitter: Duration::from_millis(20),
        },
        ..Setting::default()
    };
    let service = Service::with_everybody(setting).await;
    let client = service.client();
    for (email, password, status) in [
        (ACTIVE, PASSWORD, 200),
        (ACTIVE, OTHER_PASSWORD, 401),
        (UNKNOWN, PASSWORD, 401),
        (SUSPENDED, PASSWORD, 403),
        (PENDING, PASSWORD, 403),
    ] {
        let started = Instant::now();
        let answer = client.post("/v1/login", credentials(email, password)).await;
        assert_eq!(answer.status.as_u16(), status, "{email}");
        assert!(
            started.elapsed() >= floor,
            "{email}: {:?}",
            started.elapsed()
        );
    }
}
