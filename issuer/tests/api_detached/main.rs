//! The conversations of `api`, with sessions that are refreshed on Redis; one about its absence, and
//! one about a database that takes no changes.

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
const STORE: harness::Store = harness::Store::SqliteAndRedis;
/// Where they keep budgets.
const LIMITS: harness::Limits = harness::Limits::InProcess;

#[path = "../api/harness/mod.rs"]
mod harness;

mod database_held;
mod redis_away;

#[path = "../api/account.rs"]
mod account;
#[path = "../api/addresses.rs"]
mod addresses;
#[path = "../api/administration.rs"]
mod administration;
#[path = "../api/alike.rs"]
mod alike;
#[path = "../api/bad_input.rs"]
mod bad_input;
#[path = "../api/client_address.rs"]
mod client_address;
#[path = "../api/cookies.rs"]
mod cookies;
#[path = "../api/cross_origin.rs"]
mod cross_origin;
#[path = "../api/documents.rs"]
mod documents;
#[path = "../api/forward_auth.rs"]
mod forward_auth;
#[path = "../api/guessing.rs"]
mod guessing;
#[path = "../api/hosts.rs"]
mod hosts;
#[path = "../api/imported.rs"]
mod imported;
#[path = "../api/invites.rs"]
mod invites;
#[path = "../api/keys.rs"]
mod keys;
#[path = "../api/keys_in_use.rs"]
mod keys_in_use;
#[path = "../api/limits.rs"]
mod limits;
#[path = "../api/local_mode.rs"]
mod local_mode;
#[path = "../api/login.rs"]
mod login;
#[path = "../api/logs.rs"]
mod logs;
#[path = "../api/odd_passwords.rs"]
mod odd_passwords;
#[path = "../api/outbox.rs"]
mod outbox;
#[path = "../api/pages.rs"]
mod pages;
#[path = "../api/password.rs"]
mod password;
#[path = "../api/personal.rs"]
mod personal;
#[path = "../api/refresh.rs"]
mod refresh;
#[path = "../api/refresh_tokens.rs"]
mod refresh_tokens;
#[path = "../api/registration.rs"]
mod registration;
#[path = "../api/revocations.rs"]
mod revocations;
#[path = "../api/roles.rs"]
mod roles;
#[path = "../api/routes.rs"]
mod routes;
#[path = "../api/sessions.rs"]
mod sessions;
#[path = "../api/story.rs"]
mod story;
#[path = "../api/ticking.rs"]
mod ticking;
#[path = "../api/timing.rs"]
mod timing;
#[path = "../api/trail.rs"]
mod trail;
#[path = "../api/unavailable.rs"]
mod unavailable;
#[path = "../api/unverified.rs"]
mod unverified;
#[path = "../api/walk.rs"]
mod walk;
