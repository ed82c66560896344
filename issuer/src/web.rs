//! Pages for people.

use axum::body::Body;
use axum::response::Response;

use crate::http::problem::Code;
use crate::http::request_id::RequestId;
use crate::http::route::Route;

/// The operations of the pages.
pub(crate) fn routes() -> Vec<Route> {
    Vec::new()
}

/// A problem, as a page.
pub(crate) fn fault_page(code: Code, detail: &str, _retry_after: Option<u32>, _id: RequestId) -> Response {
    let mut response = Response::new(Body::from(detail.to_owned()));
    *response.status_mut() = code.status();
    response
}
