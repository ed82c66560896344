//! The issuer as a program: it turns requests, commands and settings into calls of
//! [`signet_core`], and what comes back into answers.
//!
//! # The path of a request
//!
//! [`config`] reads what the operator said and stops the start if any of it is wrong. [`serve`]
//! opens the store, the keys and the listener, and hands each connection to the router of
//! [`http`]; an operation there calls one use case of [`signet_core::issuer::Issuer`]. What is to
//! be mailed waits in the store's outbox until the worker of [`serve`] gives it to [`mail`]. The
//! pages that links in mails lead to are [`web`]'s; they are operations like all others.
//!
//! # Where things are
//!
//! - programs talk to [`http`], people to [`web`], operators to [`cli`] and, while it runs, to
//!   `operations`
//! - what goes out: [`mail`], [`logging`]
//! - what is asked of the machine: [`clock`], and [`serve`]'s sockets and signals
//!
//! # Adding something
//!
//! An operation of the API: see [`http::route`]. A page: see [`web`]. A setting: see
//! [`config::keys`]. A command: see [`cli`].

pub mod cli;
pub mod clock;
pub mod config;
pub mod http;
pub mod logging;
pub mod mail;
mod operations;
mod policy_file;
pub mod serve;
pub mod web;
