//! Logins: how many of what the machine could hash are answered, at what it can bear and at ten times
//! that, and what becomes meanwhile of those who ask for something else.
//!
//! Requests come at a constant rate whatever becomes of those before (`arrivals`), from this program on
//! the same machine, which takes its share of the processors. An answer counts if it is a success
//! that comes within [`PATIENCE`] of the moment at which it was to be asked for. What the machine
//! could do is measured before and after, by hashing on all cores at once and doing nothing else: it
//! varies by a fifth within minutes where machines are shared.

mod arrivals;
mod fastapi;
mod signet;

use std::time::{Duration, Instant};

use signet_core::password::Password;
use signet_core::password::hasher::{Algorithm, Hasher};

use crate::issuer::PASSWORD;
use crate::machine::cores;
use crate::processes::own_processor_time;
use crate::report::{Report, Target};
use arrivals::{Arrivals, Outcome, Target as Address};

/// How many people log in, by turns.
const PEOPLE: usize = 100;
/// How long a client waits.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long each load lasts, after the queue has filled.
const TIME: Duration = Duration::from_secs(15);
/// How long that takes.
const FILLING: Duration = Duration::from_secs(3);
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

/// The memory of a hash with argon2id, in MiB.
const HASH_MEMORY: f64 = 19.0;

/// What is measured of a service at one rate.
struct Measured {
    /// Successes in a second.
    goodput: f64,
    outcome: Outcome,
    probes: Vec<(&'static str, Outcome)>,
    /// How many cores this program took for asking.
    asking: f64,
    /// The most that it held in memory, in MiB.
    most_memory: f64,
}

pub(crate) fn run(report: &mut Report) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let quick = std::env::var_os("SIGNET_BENCH_SHORT").is_some();
    let time = if quick { Duration::from_secs(5) } else { TIME };
    let mut signet = |name: &str, algorithm| {
        report.heading(&format!("Logins: Signet, {name}"));
        signet::run(&runtime, algorithm, time, report)
    };
    let with_argon2id = signet("argon2id 19 MiB", ARGON2ID);
    let with_bcrypt = signet(&format!("bcrypt {COST}"), Algorithm::Bcrypt { cost: COST });
    // Connections, what waits, and what the database keeps of what it read are the same in both.
    report.figure(
        "10×: memory with argon2id beyond that with bcrypt",
        with_argon2id - with_bcrypt,
        "MiB",
        Target::None,
    );
    report.heading("Logins: FastAPI, passlib, bcrypt 10, as many workers as cores");
    fastapi::run(&runtime, time, report);
}

/// How many hashes in a second all cores make, with nothing else to do.
fn capacity(algorithm: Algorithm) -> f64 {
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
    cores as f64 * times.len() as f64 / times.iter().sum::<f64>()
}

/// Says what was measured at each load, beside what the machine could do before and after.
fn tell_goodput(
    report: &mut Report,
    capacities: [f64; 2],
    loads: &[(&str, Measured)],
    wanted: Target,
) {
    let capacity = capacities.iter().sum::<f64>() / 2.0;
    for (name, capacity) in ["before", "after"].into_iter().zip(capacities) {
        let name = format!("cores ÷ one hash on each of them, {name}");
        report.figure(&name, capacity, "a second", Target::None);
    }
    for (name, measured) in loads {
        let ratio = measured.goodput / capacity;
        let left = 1.0 - measured.asking / cores() as f64;
        let name = |of: &str| format!("{name}: goodput, of {of}");
        report.figure(&name("cores ÷ one hash"), ratio, "", wanted);
        report.figure(&name("what asking left"), ratio / left, "", Target::None);
    }
}

/// Sends logins at a rate, and probes beside them.
async fn measure(
    logins: Address,
    rate: f64,
    time: Duration,
    probes: &mut [(&'static str, Address)],
    resident: impl Fn() -> f64 + Send + 'static,
) -> Measured {
    let whole = FILLING + time;
    let watch = tokio::task::spawn_blocking(move || {
        let until = Instant::now() + whole + Duration::from_millis(500);
        let mut most: f64 = 0.0;
        while Instant::now() < until {
            most = most.max(resident());
            std::thread::sleep(Duration::from_millis(50));
        }
        most
    });
    let (begun, used) = (Instant::now(), own_processor_time());
    let others: Vec<_> = probes
        .iter()
        .map(|(name, address)| {
            let arrivals = Arrivals::new(PROBES, whole);
            (*name, tokio::spawn(arrivals.send(address.clone())))
        })
        .collect();
    let outcome = match rate > 0.0 {
        true => Arrivals::new(rate, whole).send(logins).await,
        false => Outcome::default(),
    };
    let mut probes = Vec::new();
    for (name, probe) in others {
        probes.push((name, probe.await.unwrap()));
    }
    let used = own_processor_time() - used;
    Measured {
        goodput: outcome.goodput(PATIENCE, FILLING..whole),
        outcome,
        probes,
        asking: used.as_secs_f64() / begun.elapsed().as_secs_f64(),
        most_memory: watch.await.unwrap(),
    }
}

/// Says what was measured at a rate.
fn tell(report: &mut Report, name: &str, measured: &Measured) {
    for (status, count) in &measured.outcome.statuses {
        report.fact(&format!("{name}: answered {status}"), &count.to_string());
    }
    for (probe, outcome) in &measured.probes {
        let name = format!("{name}: {probe}");
        report.figure(&format!("{name}, p99"), outcome.p99(), "ms", Target::None);
        if let others @ 1.. = outcome.others(&["200"]) {
            report.fact(&format!("{name}, not answered 200"), &others.to_string());
        }
    }
    if measured.goodput > 0.0 {
        let p50 = measured.outcome.p50();
        let name = |what: &str| format!("{name}: {what}");
        report.figure(&name("login, p50 of successes"), p50, "ms", Target::None);
        let asking = measured.asking;
        report.figure(&name("taken for asking"), asking, "cores", Target::None);
    }
}
