//! From a request to its answer: the checks that every operation has in common, in one order.
//!
//! 1. Is there such an operation ([`mount`]: 404, 405)?
//! 2. Has the client calls left (429)?
//! 3. May the caller do it (400, 401, 403)?
//! 4. Can its input be read (404, 413, 415, 400, 422)?
//! 5. The handler. What changes state runs to its end even if the client has left.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;
use axum::routing::MethodRouter;
use http::header::{ALLOW, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::access::Access;
use super::call::{Call, Client, Handler};
use super::{Declaration, Refusal, ResponseFuture, Route, Serve};
use crate::http::answer::Answer;
use crate::http::app::App;
use crate::http::client::{Peer, is_forwarded};
use crate::http::input::{Input, Unread, query};
use crate::http::limit::Standing;
use crate::http::problem::{Code, Problem};
use crate::http::request_id::RequestId;
use crate::http::tally::OperationTally;

/// Mounts all operations of one path: `HEAD` is answered as `GET`, other methods with 405.
pub(in crate::http) fn mount(app: &Arc<App>, operations: Vec<Route>) -> MethodRouter {
    let allow = allow(&operations);
    let local_only = operations.iter().all(|route| route.declaration.local_only);
    let counted = operations.into_iter().map(|route| {
        let declaration = &route.declaration;
        let tally = app
            .tally
            .operation(declaration.path, declaration.method.as_str());
        (route, tally)
    });
    let resource = Arc::new(Resource {
        operations: counted.collect(),
        allow,
        local_only,
    });
    let app = Arc::clone(app);
    axum::routing::any(move |request: Request| resource.serve(&app, request))
}

/// Everything at one path.
struct Resource {
    operations: Vec<(Route, Arc<OperationTally>)>,
    allow: HeaderValue,
    local_only: bool,
}

impl Resource {
    fn serve(&self, app: &Arc<App>, request: Request) -> ResponseFuture {
        let wanted = match *request.method() {
            Method::HEAD => &Method::GET,
            ref method => method,
        };
        let mut operations = self.operations.iter();
        let operation = operations.find(|(route, _)| route.declaration.method == *wanted);
        let hidden = |local_only: bool| local_only && !is_local(app, &request);
        let id = request_id(request.extensions());
        let response = match operation {
            Some((route, _)) if hidden(route.declaration.local_only) => {
                refuse(&route.declaration, Code::NotFound.into(), id)
            }
            Some((route, tally)) => {
                let answer = (route.serve)(Arc::clone(app), request);
                let tally = Arc::clone(tally);
                return Box::pin(async move {
                    let mut response = answer.await;
                    response.extensions_mut().insert(tally);
                    response
                });
            }
            None if hidden(self.local_only) => Problem::from(Code::NotFound).respond(id),
            None => {
                let mut response = Problem::from(Code::MethodNotAllowed).respond(id);
                response.headers_mut().insert(ALLOW, self.allow.clone());
                response
            }
        };
        Box::pin(std::future::ready(response))
    }
}

/// The methods of a path, for `Allow`.
fn allow(operations: &[Route]) -> HeaderValue {
    let mut methods: Vec<&str> = operations
        .iter()
        .map(|route| route.declaration.method.as_str())
        .collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.sort_unstable();
    HeaderValue::try_from(methods.join(", ")).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Whether whoever asks sits at this machine: local mode, a loopback peer, and nothing between.
fn is_local(app: &App, request: &Request) -> bool {
    app.is_local()
        && peer(request.extensions()).is_some_and(|peer| peer.ip().to_canonical().is_loopback())
        && !is_forwarded(request.headers())
}

/// Who is at the other end of the connection, whoever it speaks for.
pub(in crate::http) fn peer(extensions: &http::Extensions) -> Option<SocketAddr> {
    extensions.get::<Peer>().map(|Peer(address)| *address)
}

/// The id that [`crate::http::frame`] gave the request.
pub(in crate::http) fn request_id(extensions: &http::Extensions) -> RequestId {
    extensions.get().copied().unwrap_or_else(RequestId::unknown)
}

/// Puts the checks before a handler.
pub(super) fn serve<A, I, R, H>(declaration: Declaration, handler: H) -> Serve
where
    A: Access,
    I: Input,
    R: Answer,
    H: Handler<A, I, R>,
{
    let shared = Arc::new((declaration, handler));
    Box::new(move |app, request| {
        let shared = Arc::clone(&shared);
        Box::pin(async move {
            let (declaration, handler) = &*shared;
            answer(app, declaration, handler, request).await
        })
    })
}

async fn answer<A, I, R, H>(
    app: Arc<App>,
    declaration: &Declaration,
    handler: &H,
    request: Request,
) -> Response
where
    A: Access,
    I: Input,
    R: Answer,
    H: Handler<A, I, R>,
{
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let id = request_id(&parts.extensions);
    let Some(client) = client(&app, &parts, id) else {
        let cause = "the request carries no peer address";
        return Problem::from(Code::InternalError)
            .caused_by(cause)
            .respond(id);
    };
    let gate = declaration.limit.gate(app.settings.limits_scale);
    let standing = gate.take(&*app.limiter, client.address).await;
    let is_over = standing.is_some_and(|standing| standing.retry_after().is_some());
    let answered = if is_over {
        Err(Code::RateLimited.into())
    } else {
        let unread = Unread { app, parts, body };
        perform(declaration, handler, client, unread).await
    };
    let mut response = answered.unwrap_or_else(|problem| refuse(declaration, problem, id));
    // Where a limit of the use case refused, what is left of this one would mislead.
    if is_over || response.status() != StatusCode::TOO_MANY_REQUESTS {
        announce(standing, response.headers_mut());
    }
    tracing::debug!(
        request_id = %id,
        operation = declaration.id,
        status = response.status().as_u16(),
        microseconds = started.elapsed().as_micros(),
        "answered"
    );
    response
}

fn refuse(declaration: &Declaration, problem: Problem, id: RequestId) -> Response {
    match declaration.refusal {
        Refusal::Document => problem.respond(id),
        Refusal::Page => problem.respond_with_page(id),
        Refusal::Proxy => problem.respond_to_proxy(id),
    }
}

/// Steps 3 to 5.
async fn perform<A, I, R, H>(
    declaration: &Declaration,
    handler: &H,
    client: Client,
    mut unread: Unread,
) -> Result<Response, Problem>
where
    A: Access,
    I: Input,
    R: Answer,
    H: Handler<A, I, R>,
{
    let caller = A::admit(&unread.app, declaration, &unread.parts.headers).await?;
    if !I::READS_QUERY && declaration.is_api() {
        query::refuse(unread.parts.uri.query().unwrap_or_default())?;
    }
    let input = I::read(&mut unread).await?;
    let app = unread.app;
    let call = Call {
        app,
        caller,
        input,
        client,
    };
    let work = handler.call(call);
    let answer = if declaration.method == Method::GET {
        work.await?
    } else {
        run_to_end(work).await??
    };
    answer.into_response()
}

/// Runs work that may change state as a task of its own, which goes on when the client leaves.
async fn run_to_end<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Problem> {
    let outcome = tokio::spawn(work).await;
    outcome.map_err(|error| Problem::from(Code::InternalError).caused_by(error))
}

fn client(app: &App, parts: &Parts, id: RequestId) -> Option<Client> {
    let peer = peer(&parts.extensions)?;
    Some(Client {
        id,
        address: app.settings.proxies.client(peer.ip(), &parts.headers),
        user_agent: parts.headers.get(USER_AGENT).cloned(),
    })
}

fn announce(standing: Option<Standing>, headers: &mut HeaderMap) {
    if let Some(standing) = standing {
        standing.announce(headers);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_goes_on_when_the_client_leaves() {
        let (begin, begun) = oneshot::channel();
        let (finish, finished) = oneshot::channel();
        let client = tokio::spawn(run_to_end(async move {
            begun.await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
            finish.send(()).unwrap();
        }));
        tokio::task::yield_now().await;
        client.abort();
        assert!(client.await.unwrap_err().is_cancelled());
        begin.send(()).unwrap();
        finished.await.unwrap();
    }

    #[tokio::test]
    async fn work_that_panics_is_an_internal_error() {
        let outcome = run_to_end(async { panic!("on purpose") }).await;
        assert_eq!(outcome.unwrap_err().code(), Code::InternalError);
    }
}
