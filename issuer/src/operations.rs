//! The operations listener: what whoever runs the issuer asks, at an address that nobody else
//! reaches. It is another socket than the one that clients have, so that no proxy in front of them
//! has to hide anything.
//!
//! | path | answer |
//! |---|---|
//! | `/metrics` | what was counted, as Prometheus reads it ([`report`]) |
//! | `/healthz` | 200 while the process lives |
//! | `/readyz` | whether it can serve, and which part of it can't: JSON, 200 or 503 |
//!
//! None of it tells of a person. A loopback listener answers only who calls it by a name of this
//! machine, so that a web page can't have a browser here ask it (DNS rebinding).
//!
//! To add something that is shown: count it where it happens, show it in [`report`], and give it a
//! row in `docs/OPERATIONS.md`; a test compares the two.

mod exposition;
mod process;
mod report;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use signet_core::limit::counted::CountedLimiter;
use signet_core::ports::{StoreError, StoreResult};
use signet_core::time::UnixTime;
use signet_store_redis::RedisClient;
use url::Host;

use crate::http::App;

/// How long an answer waits for the store.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the media type of Prometheus' text is.
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// What the listener looks at.
pub(crate) struct Operations {
    pub(crate) app: Arc<App>,
    pub(crate) limiter: Arc<CountedLimiter>,
    pub(crate) redis: Option<RedisClient>,
    pub(crate) started_at: UnixTime,
}

/// Everything that is answered at an address.
pub(crate) fn router(operations: Arc<Operations>, listen: SocketAddr) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readiness))
        .with_state(operations)
        .layer(middleware::from_fn_with_state(listen, guard))
}

/// Answers only who calls a loopback listener by a name of this machine.
async fn guard(State(listen): State<SocketAddr>, request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    let mut response = if listen.ip().is_loopback() && !is_of_this_machine(host) {
        let status = StatusCode::MISDIRECTED_REQUEST;
        (status, "ask for localhost or a loopback address\n").into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn is_of_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        // The colons of an address in brackets are its own.
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    match Host::parse(name) {
        Ok(Host::Domain(domain)) => domain == "localhost",
        Ok(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Ok(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        Err(_) => false,
    }
}

async fn metrics(State(operations): State<Arc<Operations>>) -> Response {
    let text = report::of(&operations).await;
    ([(CONTENT_TYPE, TEXT)], text).into_response()
}

/// Which parts can do their work.
#[derive(Serialize)]
struct Readiness {
    ready: bool,
    /// Whether the process is about to end.
    stopping: bool,
    /// Whether the store answers, and where heads of sessions are.
    store: bool,
    /// Whether Redis is asked; without it limits are kept more strictly.
    #[serde(skip_serializing_if = "Option::is_none")]
    redis: Option<bool>,
}

async fn readiness(State(operations): State<Arc<Operations>>) -> Response {
    let stopping = operations.app.is_shutting_down();
    let store = operations.ask(operations.app.issuer.ping()).await.is_some();
    let ready = store && !stopping;
    let told = Readiness {
        ready,
        stopping,
        store,
        redis: operations
            .redis
            .as_ref()
            .map(|redis| !redis.standing().borrow().is_away),
    };
    let status = match ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, axum::Json(told)).into_response()
}

impl Operations {
    /// What the store answers within the time that there is. That it doesn't is counted.
    async fn ask<T>(&self, question: impl Future<Output = StoreResult<T>>) -> Option<T> {
        let answer = tokio::time::timeout(PATIENCE, question).await;
        let answer = answer.unwrap_or_else(|late| Err(StoreError::Unavailable(Box::new(late))));
        answer
            .inspect_err(|error| self.app.tally.store_failed(error))
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_listener_has_the_names_of_this_machine_and_no_others() {
        for own in [
            "localhost",
            "localhost:9090",
            "127.0.0.1",
            "127.0.0.1:9090",
            "127.1.2.3:1",
            "[::1]",
            "[::1]:9090",
        ] {
            assert!(is_of_this_machine(own), "{own}");
        }
        for foreign in [
            "",
            "signet.example.com",
            "localhost.example.com:9090",
            "10.0.0.1:9090",
            "[::2]:9090",
            "0.0.0.0:9090",
            "::1",
            "localhost:9090:1",
        ] {
            assert!(!is_of_this_machine(foreign), "{foreign}");
        }
    }
}
