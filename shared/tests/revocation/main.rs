//! Revocation feeds: what is taken, what is ignored, and what is in force then.
//!
//! `SIGNET_PROVE=100000` tries that many sequences of feeds for each property; without it there are
//! enough to fail, and few enough to wait for.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod faults;
mod feed;
mod history;
mod memory;
mod model;
mod order;
mod tokens;

use proptest::test_runner::Config;

/// Tries `usually` inputs, or as many as `SIGNET_PROVE` says.
fn inputs(usually: u32) -> Config {
    let asked = std::env::var("SIGNET_PROVE").ok();
    let cases = asked.map_or(usually, |count| {
        count.parse().expect("SIGNET_PROVE must be a number")
    });
    Config {
        failure_persistence: None,
        ..Config::with_cases(cases)
    }
}
