//! The servers that Signet's tests run against: the real ones, started for a test in a folder of
//! their own on a port of their own, and gone with the test's process, however that ends.
//!
//! - [`postgres`] is one server for all tests of a process; each takes a [`Database`] of its own
//!   from it. A test that stops its server starts one with [`Postgres::start`].
//! - [`PgBouncer::start`] puts a transaction pooler before a server.
//! - [`redis()`] is one server for all tests of a process, and [`Redis::start`] is one of a test's own.
//! - [`MailServer::start`] is an SMTP server with TLS that misbehaves when it is told to.
//! - [`Certificates::make`] makes an authority and a certificate of `localhost`.
//!
//! What is missing is a panic that says how to install it, and never a test less.
//!
//! To add a server, give it a file with a type that holds a `Server`, and its package to the setup
//! of `cargo xtask`.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test whose server doesn't start should stop"
)]

mod certificates;
mod mail_server;
mod pgbouncer;
mod postgres;
mod redis;
mod server;

pub use certificates::{Certificates, NAME};
pub use mail_server::{MailServer, Transport};
pub use pgbouncer::{PgBouncer, Pooling};
pub use postgres::{Database, Postgres, postgres};
pub use redis::{Redis, redis};
