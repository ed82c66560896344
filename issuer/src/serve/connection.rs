//! Connections: HTTP/1.1, as many as there are places for, none of them for nothing.
//!
//! TLS and HTTP/2 are the proxy's business. A connection must bring its first request soon; after
//! that it may be idle for longer than proxies usually keep theirs, so that it isn't closed under
//! a request. None lives for ever: a client that doesn't read its answers can't keep its place.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower_service::Service as _;

use super::{Phase, closed};
use crate::http::client::Peer;

/// How many connections of clients there may be at once; more wait in the system's queue.
pub(super) const CLIENTS: usize = 4_096;
/// How many of operators.
pub(super) const OPERATORS: usize = 64;
/// How long the first request may take to arrive, its body excepted.
const FIRST_REQUEST: Duration = Duration::from_secs(10);
/// How long the next request may take, the idle time before it included.
const NEXT_REQUEST: Duration = Duration::from_secs(75);
/// How long a connection may be used.
const LIFE: Duration = Duration::from_secs(3_600);
/// How long the last answer of a connection may take.
const FAREWELL: Duration = Duration::from_secs(30);
/// The most that is read before it is looked at: the longest request line with all its headers.
const LARGEST_HEAD: usize = 32 * 1024;
/// How long to wait when the system has no more connections to give.
const OUT_OF_SOCKETS: Duration = Duration::from_millis(100);

/// Takes connections, so many at once, until the process closes, and then waits for the last of
/// them.
pub(super) async fn accept(
    listener: TcpListener,
    most: usize,
    router: Router,
    phase: watch::Receiver<Phase>,
) {
    let mut closing = phase.clone();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = closed(&mut closing) => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < most => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(converse(stream, peer, router.clone(), phase.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(OUT_OF_SOCKETS).await;
                }
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// What a connection is given time for.
#[derive(Clone, Copy, Debug)]
enum Stage {
    FirstRequest,
    Life,
    Farewell,
}

async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    mut phase: watch::Receiver<Phase>,
) {
    // Small answers shall not wait for more to send.
    let _only_slower = stream.set_nodelay(true);
    let began = Arc::new(AtomicBool::new(false));
    let service = service_fn({
        let began = Arc::clone(&began);
        move |request| {
            began.store(true, Ordering::Relaxed);
            respond(router.clone(), peer, request)
        }
    });
    let is_serving = *phase.borrow_and_update() == Phase::Serving;
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(NEXT_REQUEST)
        .max_buf_size(LARGEST_HEAD)
        .keep_alive(is_serving)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let mut stage = Stage::FirstRequest;
    let mut deadline = std::pin::pin!(tokio::time::sleep(FIRST_REQUEST));
    loop {
        let more = tokio::select! {
            // A client that leaves in the middle is its own business.
            _ = connection.as_mut() => return,
            () = deadline.as_mut() => match stage {
                Stage::FirstRequest if began.load(Ordering::Relaxed) => {
                    stage = Stage::Life;
                    LIFE
                }
                Stage::Life => {
                    connection.as_mut().graceful_shutdown();
                    stage = Stage::Farewell;
                    FAREWELL
                }
                Stage::FirstRequest | Stage::Farewell => return,
            },
            Ok(()) = phase.changed() => {
                connection.as_mut().graceful_shutdown();
                stage = Stage::Farewell;
                FAREWELL
            }
        };
        if let Some(at) = tokio::time::Instant::now().checked_add(more) {
            deadline.as_mut().reset(at);
        }
    }
}

fn respond(
    mut router: Router,
    peer: SocketAddr,
    mut request: Request<Incoming>,
) -> impl Future<Output = Result<Response, Infallible>> {
    request.extensions_mut().insert(Peer(peer));
    router.call(request.map(Body::new))
}
