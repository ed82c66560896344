//! Signet, as `cargo run` starts it: everything in SQLite, and on the disk before it is answered. Its
//! limits are looked at, and let everybody through.

use serde_json::json;

use super::clients::{Dialect, log_in};
use super::{CONNECTIONS, Service};
use crate::issuer::{Issuer, PASSWORD, email};
use crate::request::post;

const DIALECT: Dialect = Dialect {
    login: |port, number| {
        let body = json!({ "email": email(number), "password": PASSWORD });
        post(port, "/v1/login", &body)
    },
    refresh: |port, token| {
        let body = json!({ "refresh_token": token });
        post(port, "/v1/token/refresh", &body)
    },
    rotates: true,
};

pub(super) async fn start() -> Service {
    let issuer = Issuer::start("refresh");
    issuer.import(CONNECTIONS);
    Service {
        name: "Signet, SQLite",
        port: issuer.port,
        processes: vec![issuer.process()],
        dialect: DIALECT,
        tokens: log_in(issuer.port, &DIALECT).await,
        _running: Box::new(issuer),
    }
}
