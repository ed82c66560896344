//! Answers to requests that aren't let through, as HTTP types. What they say is the gate's.

use axum_core::body::Body;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use signet_verifier::Refusal;

/// The whole answer.
pub(crate) fn answer(refusal: Refusal) -> Response<Body> {
    let answer = refusal.answer();
    let mut response = Response::new(Body::from(answer.body));
    // Every status, name and value is a constant of the verifier or a number in one.
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::FORBIDDEN);
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response
                .headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
    }
    response
}
