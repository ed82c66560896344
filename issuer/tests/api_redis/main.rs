//! The conversations of `api` in which budgets matter, with the budgets on Redis; and what clients
//! see when that goes away.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "a test that meets the unexpected ends"
)]

/// Where applications keep everything.
const STORE: harness::Store = harness::Store::Sqlite;
/// Where they keep budgets.
const LIMITS: harness::Limits = harness::Limits::Redis;

#[path = "../api/harness/mod.rs"]
#[allow(dead_code, reason = "some of it is for the other conversations")]
mod harness;

mod outages;

#[path = "../api/alike.rs"]
mod alike;
#[path = "../api/client_address.rs"]
mod client_address;
#[path = "../api/guessing.rs"]
mod guessing;
#[path = "../api/limits.rs"]
mod limits;
#[path = "../api/login.rs"]
mod login;
#[path = "../api/password.rs"]
mod password;
#[path = "../api/refresh.rs"]
mod refresh;
#[path = "../api/registration.rs"]
mod registration;
#[path = "../api/story.rs"]
mod story;
#[path = "../api/unavailable.rs"]
mod unavailable;
