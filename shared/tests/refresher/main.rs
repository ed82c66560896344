//! The refresher, driven by a simulated host against a simulated issuer, hour by hour in no time:
//! when it fetches, what it refuses, and what the gate has then.
//!
//! `SIGNET_PROVE=100000` tries that many lives of a host for each property; without it there are
//! enough to fail, and few enough to wait for.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../inputs/mod.rs"]
mod inputs;

mod clocks;
mod feed;
mod host;
mod hostile;
mod issuer;
mod keys;
mod lost;
mod model;
mod outages;
mod overdue;
mod thief;
mod wants;

use inputs::inputs;
