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

#[path = "../inputs/mod.rs"]
mod inputs;

mod faults;
mod feed;
mod history;
mod keys;
mod memory;
mod model;
mod order;
mod tokens;

use inputs::inputs;
