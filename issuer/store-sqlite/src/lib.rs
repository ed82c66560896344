//! Signet's stores on an embedded SQLite: one file, no server.
//!
//! # The path of an operation
//!
//! A port of [`signet_core::ports`] is implemented in the file of its area. What only reads asks
//! the pool of readers; what writes begins a [`db::Write`] on the one writer, decides with the
//! rules of `signet_core` on what it read there, writes its audit row (`audit`) and commits.
//! Rows are this crate's own types (`rows`) and never leave it.
//!
//! # Adding an operation
//!
//! Add it to the port, write it in the file of its area, put its contract into
//! `signet_core::testing`, and run `cargo xtask sqlx-prepare`: the queries are checked against
//! the migrations when they are compiled.

mod accounts;
mod actor;
mod audit;
mod db;
mod guesses;
mod keys;
mod mail;
mod passwords;
mod roles;
mod rows;
mod sessions;
mod sweep;
mod tokens;

pub use db::{OpenError, SqliteStore};
