//! Every host decides alike: two tables, printed, that fail with the first difference.
//!
//! (a) Every head of `vectors/decisions` goes into each host's compiled gate, and what it answers is
//! compared byte by byte.
//!
//! (b) The same heads go over TCP to each host in front of an origin. Either the decision is the
//! case's, or the host has refused the request by itself before. Where a host makes another head of
//! what was sent before its gate sees it, the decision about that head counts, and the table says
//! so. How many of those are let through although their case denies them, or by another rule, is
//! written down for each host: one more is a difference.
//!
//! To add a host, give [`gates`] a gate and [`wire`] a server.

mod corpus;
mod documents;
mod gates;
mod head;
mod origin;
mod wire;

use crate::components::build_programs;
use crate::process::{Done, Failure, TemporaryFolder};
use crate::{npm, setup, wasm};

/// Runs both tables.
pub(crate) fn run() -> Done {
    setup::all()?;
    build_programs()?;
    let worlds = corpus::read()?;
    let folder = TemporaryFolder::new("conformance")?;
    let package = npm::install(&wasm::npm_package()?, folder.path())?;
    let gates = gates::run(&worlds, &package, folder.path());
    let wire = wire::run(&worlds, &package, folder.path());
    let failures: Vec<String> = [gates, wire]
        .into_iter()
        .filter_map(|done| done.err().map(|failure| failure.to_string()))
        .collect();
    match failures.as_slice() {
        [] => Ok(()),
        failures => Err(Failure::new(failures.join("\n"))),
    }
}
