//! The gate beyond single decisions, which `vectors/decisions` has: what it remembers, what a host
//! gets, and that nothing a client sends gets past it unseen.
//!
//! `SIGNET_PROVE=1000000` tries that many inputs for each property; without it there are enough to
//! fail, and few enough to wait for.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

#[path = "../inputs/mod.rs"]
mod inputs;

mod answers;
mod heads;
mod hosts;
mod memory;
mod model;
mod remembering;
mod threads;
mod world;

use inputs::inputs;
