//! A service that remembers what reached it, behind whatever layer it is given.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{OriginalUri, Request};
use axum::response::IntoResponse as _;
use axum::routing::{MethodRouter, any};
use signet_tower::{Principal, SignetLayer, Trust, read_policy};
use tokio::task::JoinHandle;

/// A request that reached the service.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) subject: Option<String>,
}

impl Seen {
    pub(crate) fn values(&self, name: &str) -> Vec<&[u8]> {
        let named = self.headers.iter().filter(|(own, _)| own == name);
        named.map(|(_, value)| &value[..]).collect()
    }
}

/// A server on a port of its own, for as long as this lives.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Option<Seen>>>,
    server: JoinHandle<()>,
}

impl Upstream {
    /// Serves the router that `around` makes around this service.
    pub(crate) async fn serve(around: impl FnOnce(MethodRouter) -> Router) -> Self {
        let seen = Arc::new(Mutex::new(None));
        let note = Arc::clone(&seen);
        let service = move |request: Request| async move {
            *note.lock().unwrap() = Some(see(&request));
            "reached".into_response()
        };
        let app = around(any(service));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self {
            address: listener.local_addr().unwrap(),
            seen,
            server: tokio::spawn(async move { axum::serve(listener, app).await.unwrap() }),
        }
    }

    /// Behind a policy.
    pub(crate) async fn with_policy(trust: &Trust, policy: &str) -> Self {
        let layer = SignetLayer::new(trust.clone(), read_policy(policy).unwrap()).unwrap();
        Self::serve(|service| Router::new().fallback(service).layer(layer)).await
    }

    /// What reached it since the last time.
    pub(crate) fn take(&self) -> Option<Seen> {
        self.seen.lock().unwrap().take()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn see(request: &Request) -> Seen {
    let original = request.extensions().get();
    let uri = original.map_or(request.uri(), |OriginalUri(uri)| uri);
    let headers = request.headers().iter();
    let principal = request.extensions().get::<Principal>();
    Seen {
        method: request.method().to_string(),
        target: uri.to_string(),
        headers: headers
            .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
            .collect(),
        subject: principal.map(|who| who.subject().to_owned()),
    }
}
