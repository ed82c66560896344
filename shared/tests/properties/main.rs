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

#[path = "../inputs/mod.rs"]
mod inputs;

mod json;
mod mint;
mod policy;
mod signatures;
mod times;
mod tokens;

use inputs::inputs;
