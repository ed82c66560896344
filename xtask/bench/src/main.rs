//! `cargo xtask bench`: every figure of Signet beside its peers, in one run on one machine.
//!
//! Figures are the fastest of many runs (`measure`); what matters is their ratio.
//! To add a figure, write it into the file of its area and hand it to [`report::Report`], with its
//! target if it has one.
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

fn main() {
    let wanted: Vec<String> = env::args().skip(1).collect();
    let is_wanted = |area: &str| wanted.is_empty() || wanted.iter().any(|name| name == area);
    let mut report = report::Report::default();
    machine::describe(&mut report);
    if is_wanted("verify") {
        verify::run(&mut report);
    }
    if is_wanted("agreement") {
        agreement::run(&mut report);
    }
    if is_wanted("gate") {
        gate::run(&mut report);
    }
    if is_wanted("node") {
        node::run(&mut report);
    }
    if is_wanted("store") {
        store::run(&mut report);
    }
    if is_wanted("issuer") {
        issuer::run(&mut report);
    }
    if is_wanted("login") {
        login::run(&mut report);
    }
    if is_wanted("refresh") {
        refresh::run(&mut report);
    }
    if is_wanted("feed") {
        feed::run(&mut report);
    }
    if is_wanted("envoy") {
        envoy::run(&mut report);
    }
    if is_wanted("worker") {
        worker::run(&mut report);
    }
    report.conclude();
}
