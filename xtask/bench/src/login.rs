//! Logins: how many of what the machine could hash are answered, at what it can bear and at ten times
//! that, and what becomes meanwhile of those who ask for something else.
//!
//! Requests come at a constant rate whatever becomes of those before (`arrivals`), from this program on
//! the same machine, which takes its share of the processors. An answer counts if it is a success
//! that comes within [`PATIENCE`] of the moment at which it was to be asked for. What the machine
//! could do is measured just before, by hashing on all cores at once and doing nothing else.

mod arrivals;
mod fastapi;
mod signet;

use std::time::{Duration, Instant};

use signet_core::password::Password;
use signet_core::password::hasher::{Algorithm, Hasher};

use crate::issuer::PASSWORD;
use crate::machine::cores;
use crate::report::{Report, Target};
use arrivals::{Arrivals, Outcome, Target as Address};

/// How many people log in, by turns.
const PEOPLE: usize = 100;
/// How long a client waits.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long each load lasts.
const TIME: Duration = Duration::from_secs(15);
/// How often something else is asked for in a second, beside it.
const PROBES: f64 = 50.0;
/// The cost of bcrypt where both are compared.
const COST: u32 = 10;
/// How much more than the machine can bear.
const OVERLOAD: f64 = 10.0;

const ARGON2ID: Algorithm = Algorithm::Argon2id {
    memory_kib: 19_456,
    iterations: 2,
    lanes: 1,
};

/// What is measured of a service at one rate.
struct Measured {
    /// Successes in a second.
    goodput: f64,
    outcome: Outcome,
    probes: Vec<(&'static str, f64)>,
    /// The most that it held in memory, in MiB.
    most_memory: f64,
}

pub(crate) fn run(report: &mut Report) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let quick = std::env::var_os("SIGNET_BENCH_SHORT").is_some();
    let time = if quick { Duration::from_secs(5) } else { TIME };
    let subjects = [
        ("Signet, argon2id 19 MiB", ARGON2ID),
        ("Signet, bcrypt 10", Algorithm::Bcrypt { cost: COST }),
    ];
    for (name, algorithm) in subjects {
        report.heading(&format!("Logins: {name}"));
        let capacity = capacity(algorithm, report);
        runtime.block_on(signet::run(algorithm, capacity, time, report));
    }
    report.heading("Logins: FastAPI, passlib, bcrypt 10, as many workers as cores");
    let capacity = capacity(Algorithm::Bcrypt { cost: COST }, report);
    runtime.block_on(fastapi::run(capacity, time, report));
}

/// How many hashes in a second all cores make, with nothing else to do.
fn capacity(algorithm: Algorithm, report: &mut Report) -> f64 {
    let cores = cores();
    let hasher = Hasher::new(algorithm).unwrap();
    let password = Password::new(PASSWORD.to_owned().into()).unwrap();
    let until = Instant::now() + Duration::from_secs(3);
    let threads: Vec<_> = (0..cores)
        .map(|number| {
            let password = password.clone();
            std::thread::spawn(move || {
                let mut times = Vec::new();
                while Instant::now() < until {
                    let begun = Instant::now();
                    hasher.hash(&password, [number as u8; 16]).unwrap();
                    times.push(begun.elapsed().as_secs_f64());
                }
                times
            })
        })
        .collect();
    let times: Vec<f64> = threads
        .into_iter()
        .flat_map(|thread| thread.join().unwrap())
        .collect();
    let one = times.iter().sum::<f64>() / times.len() as f64;
    report.figure(
        "one hash, on all cores at once",
        one * 1e3,
        "ms",
        Target::None,
    );
    let capacity = cores as f64 / one;
    report.figure("cores ÷ one hash", capacity, "a second", Target::None);
    capacity
}

/// Sends logins at a rate, and probes beside them.
async fn measure(
    logins: Address,
    rate: f64,
    time: Duration,
    probes: &mut [(&'static str, Address)],
    resident: impl Fn() -> f64 + Send + 'static,
) -> Measured {
    let watch = tokio::task::spawn_blocking(move || {
        let until = Instant::now() + time + Duration::from_millis(500);
        let mut most: f64 = 0.0;
        while Instant::now() < until {
            most = most.max(resident());
            std::thread::sleep(Duration::from_millis(50));
        }
        most
    });
    let others: Vec<_> = probes
        .iter()
        .map(|(name, address)| {
            let arrivals = Arrivals::new(PROBES, time);
            (*name, tokio::spawn(arrivals.send(address.clone())))
        })
        .collect();
    let outcome = match rate > 0.0 {
        true => Arrivals::new(rate, time).send(logins).await,
        false => Outcome::default(),
    };
    let mut p99 = Vec::new();
    for (name, probe) in others {
        let probe = probe.await.unwrap();
        assert_eq!(probe.others(&["200"]), 0, "{name}: {:?}", probe.statuses);
        p99.push((name, probe.p99()));
    }
    Measured {
        goodput: outcome.within(PATIENCE) as f64 / time.as_secs_f64(),
        outcome,
        probes: p99,
        most_memory: watch.await.unwrap(),
    }
}

/// Says what was measured at a rate.
fn tell(report: &mut Report, name: &str, measured: &Measured) {
    for (status, count) in &measured.outcome.statuses {
        report.fact(&format!("{name}: answered {status}"), &count.to_string());
    }
    for (probe, p99) in &measured.probes {
        report.figure(&format!("{name}: {probe}, p99"), *p99, "ms", Target::None);
    }
    report.figure(
        &format!("{name}: login, p50 of successes"),
        measured.outcome.p50(),
        "ms",
        Target::None,
    );
}
