//! The program as its operator sees it: the real binary, its arguments, its environment, its exit
//! codes, its signals, and what it says.
//!
//! [`harness::Signet`] runs it in a folder and an environment of its own. Only loopback addresses
//! are used.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that meets the unexpected ends"
)]

#[path = "../api/harness/exchanged.rs"]
#[allow(dead_code, reason = "some of it is for conversations")]
mod exchanged;
mod harness;

mod command_line;
mod configuration;
mod crashing;
mod database;
mod database_faults;
mod decide;
mod deployment;
mod detached;
mod doctor;
mod forward_auth;
mod health;
mod importing;
mod keys;
mod mail;
mod master_keys;
mod operating;
mod operations;
mod overload;
mod pages;
mod passwords;
mod picture;
mod policy;
mod readme;
mod redis;
mod restoring;
mod serving;
mod starting;
mod stopping;
mod terminal;
mod ticking;
mod token;
