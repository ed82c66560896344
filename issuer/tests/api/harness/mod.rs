//! A service to talk to, and a client that knows the contract.

pub(crate) mod client;
pub(crate) mod contract;
pub(crate) mod database;
pub(crate) mod everybody;
pub(crate) mod exchanged;
pub(crate) mod inbox;
pub(crate) mod limits;
pub(crate) mod log;
pub(crate) mod samples;
pub(crate) mod service;
pub(crate) mod stranger;

pub(crate) use client::{Answer, Client};
pub(crate) use database::Store;
pub(crate) use limits::Limits;
pub(crate) use service::{Service, Setting};

/// A password that the policy takes.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Another one.
pub(crate) const OTHER_PASSWORD: &str = "purple monkey dishwasher lamp";
