//! `cargo xtask bench`: every figure of Signet beside its peers, in one run on one machine.
//!
//! Figures are the fastest of many runs (`measure`); what matters is their ratio.
//! To add a figure, write it into the file of its area and hand it to [`report::Report`], with its
//! target if it has one; to add an area, add it to [`AREAS`].
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::panic,
    reason = "a benchmark that can't go on should stop, and rounds what it prints"
)]

mod agreement;
mod envoy;
mod feed;
mod gate;
mod issuer;
mod load;
mod login;
mod machine;
mod measure;
mod node;
mod processes;
mod refresh;
mod report;
mod request;
mod store;
mod uvicorn;
mod verify;
mod worker;

use std::env;
use std::process::ExitCode;

use report::Report;

/// An area: its name, and what measures it.
type Area = (&'static str, fn(&mut Report));

/// All areas, in the order in which they are measured.
const AREAS: &[Area] = &[
    ("verify", verify::run),
    ("agreement", agreement::run),
    ("gate", gate::run),
    ("node", node::run),
    ("store", store::run),
    ("issuer", issuer::run),
    ("login", login::run),
    ("refresh", refresh::run),
    ("feed", feed::run),
    ("envoy", envoy::run),
    ("worker", worker::run),
];

fn main() -> ExitCode {
    let wanted: Vec<String> = env::args().skip(1).collect();
    let is_known = |name: &str| AREAS.iter().any(|(area, _)| *area == name);
    if let Some(unknown) = wanted.iter().find(|name| !is_known(name)) {
        let all: Vec<&str> = AREAS.iter().map(|(area, _)| *area).collect();
        eprintln!("no area {unknown}; there are {}", all.join(", "));
        return ExitCode::FAILURE;
    }
    let mut report = Report::default();
    machine::describe(&mut report);
    for (area, measure) in AREAS {
        if wanted.is_empty() || wanted.iter().any(|name| name == area) {
            measure(&mut report);
        }
    }
    report.conclude();
    ExitCode::SUCCESS
}
