//! A protected service as its callers meet it, over TCP; and its issuer, as it may behave.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and it may look at the clock"
)]

mod issuer;
mod metrics;
mod outages;
mod protect;
mod refreshing;
mod rotation;
mod tricks;
mod upstream;
mod vectors;
mod waiting;
mod wire;
