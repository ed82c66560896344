//! Signet: people are imported and log in once, so that their hashes are its own; then the issuer
//! starts anew, and is measured idle, at what the machine can bear, and at ten times that.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use signet_core::password::hasher::Algorithm;
use tokio::runtime::Runtime;

use super::arrivals::{Arrivals, Target as Address};
use super::{COST, HASH_MEMORY, Measured, OVERLOAD, PEOPLE, capacity, measure, tell, tell_goodput};
use crate::issuer::{Issuer, PASSWORD, email};
use crate::machine::{cores, resident};
use crate::report::{Report, Target};
use crate::request::{get, post};

/// How many sessions are refreshed, by turns.
const SESSIONS: usize = 16;
/// After how long without a hash the issuer has given its memory back.
const GIVEN_BACK: Duration = Duration::from_secs(12);

/// What it held at ten times the load beyond what it holds when idle, in MiB.
pub(super) fn run(
    runtime: &Runtime,
    algorithm: Algorithm,
    time: Duration,
    report: &mut Report,
) -> f64 {
    let before = capacity(algorithm);
    let (loads, memory) = runtime.block_on(load(algorithm, before, time, report));
    let capacities = [before, capacity(algorithm)];
    tell_goodput(report, capacities, &loads, Target::AtLeast(0.9));
    memory
}

async fn load(
    algorithm: Algorithm,
    capacity: f64,
    time: Duration,
    report: &mut Report,
) -> ([(&'static str, Measured); 2], f64) {
    let name = match algorithm {
        Algorithm::Argon2id { .. } => "argon2id",
        Algorithm::Bcrypt { .. } => "bcrypt",
    };
    let environment = vec![
        ("SIGNET_PASSWORD__ALGORITHM", name.to_owned()),
        ("SIGNET_PASSWORD__BCRYPT_COST", COST.to_string()),
        ("SIGNET_OPERATIONS_LISTEN", "off".to_owned()),
    ];
    let mut issuer = Issuer::start_with(name, environment);
    issuer.import(PEOPLE);
    let port = issuer.port;
    let logins = move || Address::new(port, move |number| Some(login(port, number)));
    // At half of what it can bear, since each makes a new hash as well.
    let everybody = Duration::from_secs_f64(PEOPLE as f64 / capacity * 4.0);
    let once = Arrivals::new(PEOPLE as f64 / everybody.as_secs_f64(), everybody);
    let first = once.send(logins()).await;
    assert_eq!(first.others(&["200"]), 0, "{:?}", first.statuses);
    issuer.restart();
    let id = issuer.process().to_string();
    let refreshes = refreshes(port).await;
    let keys = Address::new(port, move |_| Some(get(port, "/.well-known/jwks.json")));
    let mut probes = [("JWKS", keys), ("refresh", refreshes)];
    let mut at = async |rate: f64| {
        let id = id.clone();
        measure(logins(), rate, time, &mut probes, move || resident(&id)).await
    };
    tokio::time::sleep(GIVEN_BACK).await;
    let idle = at(0.0).await;
    tell(report, "idle", &idle);
    let held = resident(&id);
    let borne = at(capacity).await;
    tell(report, "1×", &borne);
    let beyond = at(capacity * OVERLOAD).await;
    tell(report, "10×", &beyond);
    report.figure(
        "10×: answers but 200, 429 and 503",
        beyond.outcome.others(&["200", "429", "503"]) as f64,
        "",
        Target::AtMost(0.0),
    );
    for ((name, idle), (_, then)) in idle.probes.iter().zip(&beyond.probes) {
        assert_eq!(then.others(&["200"]), 0, "{name}: {:?}", then.statuses);
        report.figure(
            &format!("10×: {name}, p99, of that when idle"),
            then.p99() / idle.p99(),
            "times",
            Target::AtMost(2.0),
        );
    }
    let memory = beyond.most_memory - held;
    let most = match algorithm {
        Algorithm::Argon2id { .. } => Target::AtMost(HASH_MEMORY * cores() as f64),
        Algorithm::Bcrypt { .. } => Target::None,
    };
    report.figure(
        "10×: memory beyond what is held when idle",
        memory,
        "MiB",
        most,
    );
    ([("1×", borne), ("10×", beyond)], memory)
}

/// Sessions that are refreshed one after the other, each with the token of its last answer. One
/// whose answer isn't there yet is passed over.
async fn refreshes(port: u16) -> Address {
    let tokens: Arc<Mutex<Vec<Option<String>>>> = Arc::new(Mutex::new(vec![None; SESSIONS]));
    let opened = Arc::clone(&tokens);
    let open = Address::new(port, move |number| Some(login(port, number)))
        .taking(move |number, body| opened.lock().unwrap()[number % SESSIONS] = token(body));
    let opening = Arrivals::new(8.0, Duration::from_secs_f64(SESSIONS as f64 / 8.0));
    let opening = opening.send(open).await;
    assert_eq!(opening.others(&["200"]), 0, "{:?}", opening.statuses);
    let (next, back) = (Arc::clone(&tokens), tokens);
    Address::new(port, move |number| {
        let token = next.lock().unwrap()[number % SESSIONS].take()?;
        let body = json!({ "refresh_token": token });
        Some(post(port, "/v1/token/refresh", &body))
    })
    .taking(move |number, body| back.lock().unwrap()[number % SESSIONS] = token(body))
}

fn token(body: &str) -> Option<String> {
    let answer: Value = serde_json::from_str(body).ok()?;
    Some(answer.get("refresh_token")?.as_str()?.to_owned())
}

fn login(port: u16, number: usize) -> String {
    let body = json!({ "email": email(number % PEOPLE), "password": PASSWORD });
    post(port, "/v1/login", &body)
}
