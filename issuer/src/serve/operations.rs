//! The operations listener of this process. One that the operator asked for is there, or nothing
//! starts; the one that nobody asked for isn't worth that: two issuers on one machine, or a
//! Prometheus at its own usual port, are no fault of anybody.

use std::sync::Arc;

use signet_core::limit::counted::CountedLimiter;
use signet_store_redis::RedisClient;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Phase;
use super::connection::{OPERATORS, accept};
use super::port::{ListenError, Port};
use crate::config::OperationsSettings;
use crate::http::App;
use crate::operations::{Operations, router};

const KEY: &str = "operations_listen";

/// Takes the port, if there is to be one and it can be had.
pub(super) fn reserve(settings: Option<OperationsSettings>) -> Result<Option<Port>, ListenError> {
    let Some(settings) = settings else {
        return Ok(None);
    };
    forgive(settings, Port::reserve(KEY, settings.listen))
}

/// Lets connections come.
pub(super) fn listen(
    port: Option<Port>,
    settings: Option<OperationsSettings>,
) -> Result<Option<TcpListener>, ListenError> {
    match (port, settings) {
        (Some(port), Some(settings)) => forgive(settings, port.listen()),
        (None, _) | (_, None) => Ok(None),
    }
}

fn forgive<T>(
    settings: OperationsSettings,
    had: Result<T, ListenError>,
) -> Result<Option<T>, ListenError> {
    match had {
        Ok(had) => Ok(Some(had)),
        Err(error) if settings.is_asked_for => Err(error),
        Err(error) => {
            tracing::warn!(%error, "there are no metrics of this process");
            Ok(None)
        }
    }
}

/// What it shows.
pub(super) fn shown(
    app: &Arc<App>,
    limiter: Arc<CountedLimiter>,
    redis: Option<RedisClient>,
) -> Arc<Operations> {
    Arc::new(Operations {
        app: Arc::clone(app),
        limiter,
        redis,
        started_at: app.issuer.now(),
    })
}

/// Answers until the process closes.
pub(super) fn serve(
    listener: TcpListener,
    shown: Arc<Operations>,
    phase: &watch::Sender<Phase>,
) -> JoinHandle<()> {
    let listen = listener.local_addr();
    let phase = phase.subscribe();
    tokio::spawn(async move {
        // The system knows where its own sockets are.
        if let Ok(listen) = listen {
            accept(listener, OPERATORS, router(shown, listen), phase).await;
        }
    })
}
