//! The head of a request, between HTTP's types and the gate's bytes.

use axum::extract::OriginalUri;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri, Version};
use signet_verifier::Decision;
use signet_verifier::gate::Answer;

use crate::principal::Principal;

/// The target as it came: not as a router that nests another leaves it.
///
/// Empty, which no gate takes, where the client sent no path: HTTP/1 knows a whole URL and a bare
/// authority as well (RFC 9112, section 3.2). HTTP/2 sends scheme and authority beside each path.
pub(crate) fn target<B>(request: &Request<B>) -> &[u8] {
    let original = request.extensions().get();
    let uri = original.map_or_else(|| request.uri(), |OriginalUri(uri)| uri);
    let is_whole_url = |uri: &Uri| uri.authority().is_some() || uri.scheme().is_some();
    match uri.path_and_query() {
        Some(target) if request.version() >= Version::HTTP_2 || !is_whole_url(uri) => bytes(target),
        Some(_) | None => &[],
    }
}

fn bytes(target: &PathAndQuery) -> &[u8] {
    target.as_str().as_bytes()
}

/// Each header line, in their order where a name comes twice.
pub(crate) fn lines(headers: &HeaderMap) -> Vec<(&[u8], &[u8])> {
    let lines = headers.iter();
    lines
        .map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()))
        .collect()
}

/// Makes of a request what its decision says that the service sees.
pub(crate) fn prepare<B>(request: &mut Request<B>, decision: &Decision) {
    let headers = request.headers_mut();
    for name in decision.removed() {
        if let Ok(name) = HeaderName::from_bytes(name) {
            headers.remove(name);
        }
    }
    for (name, value) in decision.set() {
        // The gate's values are visible ASCII. One that weren't would be missing, not forged.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    let extensions = request.extensions_mut();
    extensions.remove::<Principal>();
    if let Some(identity) = decision.identity() {
        extensions.insert(Principal::new(identity));
    }
}

/// The answer to a client whose request goes no further.
pub(crate) fn response<B: From<String>>(answer: Answer) -> Response<B> {
    let mut response = Response::new(B::from(answer.body));
    // Every status, name and value is a constant of the verifier or a number in one.
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::FORBIDDEN);
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            let name = HeaderName::from_static(name);
            response.headers_mut().insert(name, value);
        }
    }
    response
}
