//! What must hold for every input, tried on many.
//!
//! `SIGNET_PROVE=1000000` tries that many inputs for each property; without it there are enough to
//! fail, and few enough to wait for.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod json;
mod mint;
mod policy;
mod signatures;
mod times;
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
