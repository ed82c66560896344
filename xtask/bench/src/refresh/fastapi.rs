//! FastAPI with as many workers as cores, and a Redis that keeps nothing on the disk.

use serde_json::json;
use signet_testbed::Redis;

use super::Service;
use super::clients::{Dialect, log_in};
use crate::issuer::email;
use crate::request::post;
use crate::uvicorn::Uvicorn;

const DIALECT: Dialect = Dialect {
    login: |port, number| post(port, "/login", &json!({ "email": email(number) })),
    refresh: |port, token| post(port, "/refresh", &json!({ "refresh_token": token })),
    rotates: true,
};

pub(super) async fn start() -> Service {
    let redis = Redis::start();
    let environment = vec![("REDIS_URL", redis.url()), ("SIGNING_KEY", "5e".repeat(32))];
    let service = Uvicorn::start("refresh", environment);
    Service {
        name: "FastAPI, Redis",
        port: service.port,
        processes: vec![service.process(), redis.process()],
        dialect: DIALECT,
        tokens: log_in(service.port, &DIALECT).await,
        _running: Box::new((service, redis)),
    }
}
