//! What every request and every answer has in common: an id, a host that is ours, the security
//! headers, an answer even where the program panics, and that it is counted.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt as _;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::app::App;
use super::forward_auth;
use super::problem::{Code, Problem};
use super::request_id::RequestId;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The policy of what isn't a page: it may load nothing and stand in no frame.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";

/// Where balancers and proxies ask by address, not by name. Nothing there follows from the name.
const ASKED_BY_ADDRESS: [&str; 3] = ["/healthz", "/readyz", forward_auth::PATH];

/// Answers a request within the frame.
pub(super) async fn frame(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let _in_flight = app.tally.begin();
    let id = RequestId::generate(&*app.randomness);
    let (mut parts, body) = request.into_parts();
    let for_us = if ASKED_BY_ADDRESS.contains(&parts.uri.path()) {
        Ok(())
    } else {
        app.hosts.check(&parts)
    };
    let respond = match parts.uri.path() {
        forward_auth::PATH => Problem::respond_to_proxy,
        _ => Problem::respond,
    };
    let answered = match for_us {
        Ok(()) => {
            parts.extensions.insert(id);
            unpanicking(next.run(Request::from_parts(parts, body))).await
        }
        Err(problem) => Err(problem),
    };
    let mut response = answered.unwrap_or_else(|problem| respond(problem, id));
    complete(response.headers_mut(), id, app.is_https());
    app.tally.count(&response, started.elapsed());
    response
}

/// The answer, or an apology where there is none. The panic itself is reported by its hook.
async fn unpanicking(answer: impl Future<Output = Response>) -> Result<Response, Problem> {
    let caught = AssertUnwindSafe(answer).catch_unwind().await;
    caught.map_err(|_| Problem::from(Code::InternalError).caused_by("the handler panicked"))
}

fn complete(headers: &mut HeaderMap, id: RequestId, https: bool) {
    headers.insert(X_REQUEST_ID, id.header());
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(X_CONTENT_TYPE_OPTIONS, nosniff);
    let no_referrer = HeaderValue::from_static("no-referrer");
    headers.insert(REFERRER_POLICY, no_referrer);
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(NOTHING));
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    if https {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(STRICT_TRANSPORT_SECURITY, year);
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_internal_error() {
        let answer = async { panic!("on purpose") };
        let problem = unpanicking(answer).await.unwrap_err();
        assert_eq!(problem.code(), Code::InternalError);
        let response = problem.respond_to_proxy(RequestId::unknown());
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
    }

    #[test]
    fn a_policy_that_is_set_stays() {
        let mut headers = HeaderMap::new();
        let own = HeaderValue::from_static("default-src 'none'; style-src 'self'");
        headers.insert(CONTENT_SECURITY_POLICY, own.clone());
        complete(&mut headers, RequestId::unknown(), true);
        assert_eq!(headers.get(CONTENT_SECURITY_POLICY), Some(&own));
        assert_eq!(headers.get(CACHE_CONTROL).unwrap(), "no-store");
        assert_eq!(headers.len(), 6);
    }
}
