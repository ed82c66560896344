//! Signet: people are imported and log in once, so that their hashes are its own; then the issuer
//! starts anew, and is measured idle, at what the machine can bear, and at ten times that.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use signet_core::password::hasher::Algorithm;

use super::arrivals::{Arrivals, Target as Address};
use super::{COST, Measured, OVERLOAD, PEOPLE, measure, tell};
use crate::issuer::{Issuer, PASSWORD, email};
use crate::machine::{cores, resident};
use crate::report::{Report, Target};
use crate::request::{get, post};

/// How many sessions are refreshed, by turns.
const SESSIONS: usize = 16;
/// The memory of a hash with the default parameters, in MiB.
const HASH_MEMORY: f64 = 19.0;

pub(super) async fn run(algorithm: Algorithm, capacity: f64, time: Duration, report: &mut Report) {
    let (name, memory) = match algorithm {
        Algorithm::Argon2id { .. } => ("argon2id", HASH_MEMORY * cores() as f64),
        Algorithm::Bcrypt { .. } => ("bcrypt", 1.0),
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
    std::thread::sleep(Duration::from_secs(1));
    let id = issuer.process().to_string();
    let held = resident(&id);
    let refreshes = refreshes(port).await;
    let keys = Address::new(port, move |_| Some(get(port, "/.well-known/jwks.json")));
    let mut probes = [("JWKS", keys), ("refresh", refreshes)];
    let mut at = async |rate: f64| {
        let id = id.clone();
        measure(logins(), rate, time, &mut probes, move || resident(&id)).await
    };
    let idle = at(0.0).await;
    tell(report, "idle", &idle);
    let borne = at(capacity).await;
    tell(report, "1×", &borne);
    let goodput = |report: &mut Report, name: &str, measured: &Measured| {
        report.figure(
            &format!("{name}: goodput, of cores ÷ one hash"),
            measured.goodput / capacity,
            "",
            Target::AtLeast(0.9),
        );
    };
    goodput(report, "1×", &borne);
    let beyond = at(capacity * OVERLOAD).await;
    tell(report, "10×", &beyond);
    goodput(report, "10×", &beyond);
    report.figure(
        "10×: answers but 200, 429 and 503",
        beyond.outcome.others(&["200", "429", "503"]) as f64,
        "",
        Target::AtMost(0.0),
    );
    for ((name, idle), (_, then)) in idle.probes.iter().zip(&beyond.probes) {
        report.figure(
            &format!("10×: {name}, p99, of that when idle"),
            then / idle,
            "times",
            Target::AtMost(2.0),
        );
    }
    report.figure(
        "10×: memory beyond what was held after the start",
        beyond.most_memory - held,
        "MiB",
        Target::AtMost(memory),
    );
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
