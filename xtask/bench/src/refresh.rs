//! Refreshes over HTTP, beside PocketBase and beside FastAPI with Redis, under one load: each of
//! [`CONNECTIONS`] clients has a session of its own, and refreshes it again and again with the token of
//! the last answer.
//!
//! | | each refresh | is durable |
//! |---|---|---|
//! | Signet | rotates the token in SQLite, reads account and roles anew, signs with Ed25519 | before its answer |
//! | PocketBase | reads the account from SQLite, signs with HMAC; the last token stays good | nothing is written |
//! | FastAPI | rotates the token in Redis, signs with Ed25519 | no |
//!
//! They all run all the time, and are asked in turns; every figure is the median of all turns, and
//! every ratio that of the ratios of each round. Load and services share the processors, so what is
//! served in a second is less than a service could do alone; the processor time of a refresh, with
//! all processes that take part in it, tells them apart on a machine that has other work.
//!
//! # Where the time goes
//!
//! Found with `perf` at the release build of Signet on a machine that had other work (3,700 samples of
//! a millisecond). A third is the kernel's: a tenth of all to wake threads and to put them to sleep,
//! since each statement goes to SQLite's thread and back, and seven hundredths to send answers. SQLite
//! is a tenth, and its thread with all that it does a fifth; the signature is an eighth, and memory that
//! is taken and given back a tenth. `fsync` is a hundredth: many wait for one.
//!
//! To add a service, start it in a file like the others', and tell of its [`Dialect`].

mod clients;
mod fastapi;
mod pocketbase;
mod signet;

use std::any::Any;
use std::time::Duration;

use crate::machine;
use crate::measure::median;
use crate::processes::memory;
use crate::report::{Report, Target};
use clients::{Dialect, Turn};

/// How many clients there are.
const CONNECTIONS: usize = 64;
/// How often each service has its turn, beside the first, which only warms it up.
const ROUNDS: usize = 9;
const TURN: Duration = Duration::from_secs(3);

/// A service that refreshes.
struct Service {
    name: &'static str,
    port: u16,
    /// The numbers of its processes, but for their children.
    processes: Vec<u32>,
    dialect: Dialect,
    /// What each client refreshes with next.
    tokens: Vec<String>,
    /// Ends it.
    _running: Box<dyn Any>,
}

pub(crate) fn run(report: &mut Report) {
    report.heading(&format!("Refreshes over HTTP, {CONNECTIONS} connections"));
    let folder = tempfile::tempdir().unwrap();
    machine::describe_disk(report, folder.path());
    report.fact(
        "the load",
        &format!(
            "from one thread, on the {} cores that the services have too",
            machine::cores()
        ),
    );
    report.fact("PocketBase is set to", pocketbase::SETTINGS);
    let quick = std::env::var_os("SIGNET_BENCH_SHORT").is_some();
    let rounds = if quick { 3 } else { ROUNDS };
    // One thread: what the load takes of the processors is told apart, and never more than one.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut services = runtime.block_on(async {
        [
            signet::start().await,
            pocketbase::start().await,
            fastapi::start().await,
        ]
    });
    let mut turns = services.each_ref().map(|_| Vec::new());
    for round in 0..=rounds {
        for (service, turns) in services.iter_mut().zip(&mut turns) {
            let turn = runtime.block_on(clients::refresh(service, TURN));
            if round > 0 {
                turns.push(turn);
            }
        }
    }
    for (service, turns) in services.iter().zip(&turns) {
        tell(report, service, turns);
    }
    let [ours, pocketbase, fastapi] = &turns;
    compare(report, ours, "PocketBase", pocketbase, 1.2);
    compare(report, ours, "FastAPI", fastapi, 2.0);
}

fn tell(report: &mut Report, service: &Service, turns: &[Turn]) {
    let mut figure = |what: &str, unit: &str, target: Target, of: fn(&Turn) -> f64| {
        let value = median(turns.iter().map(of).collect());
        report.figure(&format!("{}, {what}", service.name), value, unit, target);
    };
    figure("per second", "", Target::None, |turn| turn.load.per_second);
    figure("p50", "ms", Target::None, |turn| turn.load.p50);
    figure("p99", "ms", Target::None, |turn| turn.load.p99);
    figure("processor time of one", "µs", Target::None, |turn| {
        turn.served
    });
    figure(
        "processor time of the load, for one",
        "µs",
        Target::None,
        |turn| turn.asked,
    );
    let most = Target::AtMost(0.8);
    figure("the load, of its thread", "", most, |turn| turn.thread);
    figure("processors, idle", "", Target::None, |turn| turn.idle);
    let name = format!("{}, resident memory after the load", service.name);
    report.figure(&name, memory(&service.processes), "MiB", Target::None);
}

/// The ratio of what was served, which has a target, and that of what it took.
fn compare(report: &mut Report, ours: &[Turn], name: &str, theirs: &[Turn], least: f64) {
    let mut ratio = |what: &str, target: Target, of: fn(&Turn) -> f64| {
        let ratios = ours
            .iter()
            .zip(theirs)
            .map(|(ours, theirs)| of(ours) / of(theirs));
        report.figure(what, median(ratios.collect()), "times", target);
    };
    let what = format!("Signet / {name}, per second");
    ratio(&what, Target::AtLeast(least), |turn| turn.load.per_second);
    let what = format!("Signet / {name}, processor time of one");
    ratio(&what, Target::None, |turn| turn.served);
}
