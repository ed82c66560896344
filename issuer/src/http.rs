//! The HTTP side: from a request to a use case and back.
//!
//! # The path of a request
//!
//! [`frame`] gives it an id and refuses what isn't for this host. The router finds the path,
//! [`route`] runs the checks that the operation's declaration asks for (limit, caller, permission)
//! and reads its [`input`]. The handler turns the input into the values of a use case, calls it,
//! and turns what comes back into an [`answer`]; or it ends with a [`problem`]. On the way out,
//! [`frame`] adds what every answer carries.
//!
//! # Where things are
//!
//! - what operations exist: one file per area ([`account`], [`address`], [`personal`], [`invite`],
//!   [`session`], [`password`], [`setup`], [`admin`], [`forward_auth`], [`well_known`], [`feed`],
//!   [`health`], [`tick`]), each with its `routes()` on top
//! - what is the same for all: [`app`], [`limit`], [`client`], [`host`], [`cors`], [`cookie`],
//!   [`transport`]
//! - what is said of them: [`openapi`], [`docs`]; what is counted: [`tally`]
//!
//! # Adding an operation
//!
//! See [`route`].

mod account;
mod address;
pub(crate) mod admin;
pub mod answer;
pub mod app;
pub mod client;
pub mod cookie;
pub mod cors;
mod docs;
mod feed;
pub mod forward_auth;
mod frame;
mod health;
mod host;
pub mod input;
mod invite;
pub mod limit;
pub mod openapi;
mod password;
pub(crate) mod personal;
pub mod problem;
pub(crate) mod request_id;
pub mod route;
mod session;
mod setup;
pub(crate) mod tally;
pub mod tick;
mod transport;
mod well_known;
pub(crate) mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware;

pub use app::App;
pub(crate) use feed::FEED_KEPT;
pub(crate) use well_known::JWKS_KEPT;

use problem::{Code, Problem};
use route::{Route, mount, request_id};

/// The route table.
fn routes() -> Vec<Route> {
    [
        account::routes(),
        address::routes(),
        personal::routes(),
        session::routes(),
        password::routes(),
        setup::routes(),
        invite::routes(),
        admin::users::routes(),
        admin::sessions::routes(),
        admin::invites::routes(),
        admin::roles::routes(),
        admin::outbox::routes(),
        admin::audit::routes(),
        admin::keys::routes(),
        forward_auth::routes(),
        well_known::routes(),
        feed::routes(),
        health::routes(),
        tick::routes(),
        openapi::routes(),
        docs::routes(),
        crate::web::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Everything the issuer answers, ready to be served. Requests must carry a [`client::Peer`].
pub fn router(app: Arc<App>) -> Router {
    let mut resources: BTreeMap<&'static str, Vec<Route>> = BTreeMap::new();
    for route in routes() {
        resources
            .entry(route.declaration.path)
            .or_default()
            .push(route);
    }
    let mut api = Router::new();
    let mut others = Router::new();
    for (path, operations) in resources {
        let is_api = operations.iter().all(|route| route.declaration.is_api());
        let resource = mount(&app, operations);
        if is_api {
            api = api.route(path, resource);
        } else {
            others = others.route(path, resource);
        }
    }
    if let Some(cors) = app.settings.cors_origins.layer() {
        api = api.layer(cors);
    }
    api.merge(others)
        .fallback(|request: Request| async move {
            Problem::from(Code::NotFound).respond(request_id(request.extensions()))
        })
        .layer(middleware::from_fn_with_state(app, frame::frame))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_is_in_the_table_once_and_says_what_it_is() {
        let mut places = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for route in routes() {
            let declaration = route.declaration;
            let place = (declaration.path, declaration.method.to_string());
            assert!(places.insert(place.clone()), "{place:?} stands there twice");
            assert!(ids.insert(declaration.id), "{place:?} has another's id");
            assert_ne!(declaration.id, "", "{place:?} has no id");
            assert_ne!(declaration.summary, "", "{place:?} has no summary");
        }
    }

    #[test]
    fn only_what_is_served_from_memory_to_programs_or_to_our_proxies_has_no_limit() {
        for route in routes() {
            let declaration = route.declaration;
            let is_for_programs =
                declaration.method == ::http::Method::GET && !declaration.is_api();
            let may_be_public = is_for_programs || declaration.refusal == route::Refusal::Proxy;
            let is_limited = declaration.limit.is_limited();
            assert!(
                is_limited || may_be_public,
                "{} has no limit",
                declaration.id
            );
        }
    }
}
