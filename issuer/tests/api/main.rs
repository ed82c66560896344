//! The issuer as its clients see it: the real router on a real listener and a real database, one
//! application per test. Each file is a conversation about one subject, and is held on every store:
//! here on SQLite, in `api_postgres` on PostgreSQL, and in `api_detached` on SQLite with sessions that are
//! refreshed on Redis. Those in which budgets matter are held in
//! `api_redis` once more, with the budgets on Redis.
//!
//! [`harness::client::Client`] holds every answer against `openapi.json` and fails on what the
//! document doesn't declare. To add a test, start an application with [`harness::Service::start`]
//! and talk to it. To add a file, name it here and in the other two; a test sees to it.

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
const LIMITS: harness::Limits = harness::Limits::InProcess;

mod harness;

mod account;
mod addresses;
mod administration;
mod alike;
mod bad_input;
mod client_address;
mod cookies;
mod cross_origin;
mod documents;
mod forward_auth;
mod guessing;
mod hosts;
mod imported;
mod invites;
mod keys;
mod keys_in_use;
mod limits;
mod local_mode;
mod login;
mod logs;
mod odd_passwords;
mod outbox;
mod pages;
mod password;
mod personal;
mod refresh;
mod refresh_tokens;
mod registration;
mod revocations;
mod roles;
mod routes;
mod sessions;
mod story;
mod ticking;
mod timing;
mod trail;
mod unavailable;
mod unverified;
mod walk;

#[test]
fn every_conversation_is_held_on_every_store() {
    let here = include_str!("main.rs");
    for there in [
        include_str!("../api_postgres/main.rs"),
        include_str!("../api_detached/main.rs"),
    ] {
        for line in here.lines().filter(|line| line.starts_with("mod ")) {
            assert!(there.lines().any(|other| other == line), "{line}");
        }
    }
}
