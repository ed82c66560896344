//! Pages for people: what the links in mails lead to, the setup of the first admin, and local
//! mode's mailbox.
//!
//! Opening a page changes nothing, whoever opens it: a mail scanner may follow every link. The
//! token is in the link's fragment, which never leaves the browser; a small script moves it into
//! the form and out of the address bar, and whoever has no script pastes it. What is done is done
//! by the form's button, which posts to the page itself. A form that can't be taken comes back
//! with what is wrong, and with everything but its passwords.
//!
//! The pages are operations of the route table like all others ([`crate::http::route`]), declared
//! with `.page()`, so that their problems are pages too. All HTML is written with maud, which
//! escapes every value; nothing here hands it text as markup.
//!
//! To add a page: give it a file with `routes()` and list it here; lay it out with [`layout`].

mod email_change;
mod form;
mod invite;
mod layout;
mod mailbox;
mod reset;
mod setup;
mod verify;

use axum::body::Body;
use axum::response::Response;
use http::HeaderValue;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER};
use maud::html;

use crate::http::answer::{Script, StyleSheet};
use crate::http::limit;
use crate::http::problem::{Code, Problem};
use crate::http::request_id::RequestId;
use crate::http::route::access::Anyone;
use crate::http::route::call::Call;
use crate::http::route::{Route, get};

/// The operations of all pages, and what they load.
pub(crate) fn routes() -> Vec<Route> {
    let assets = vec![
        get(layout::STYLE, limit::PUBLIC)
            .named("pageStyle", "How pages look")
            .handled_by(style),
        get(layout::SCRIPT, limit::PUBLIC)
            .named(
                "pageScript",
                "Moves a token from the address bar into a form",
            )
            .handled_by(script),
    ];
    [
        verify::routes(),
        reset::routes(),
        email_change::routes(),
        invite::routes(),
        setup::routes(),
        mailbox::routes(),
        assets,
    ]
    .into_iter()
    .flatten()
    .collect()
}

async fn style(_: Call<Anyone>) -> Result<StyleSheet, Problem> {
    Ok(StyleSheet(include_str!("web/style.css")))
}

async fn script(_: Call<Anyone>) -> Result<Script, Problem> {
    Ok(Script(include_str!("web/token.js")))
}

/// A problem as a page, for an operation that people look at.
pub(crate) fn fault_page(
    code: Code,
    detail: &str,
    retry_after: Option<u32>,
    id: RequestId,
) -> Response {
    let page = layout::page(
        code.title(),
        &html! {
            h1 { (code.title()) }
            p { (detail) }
            @if let Some(seconds) = retry_after {
                p { "Go back and try again in " (layout::duration(seconds)) "." }
            }
            p.quiet { "Should you ask for help, name this number: " code { (id.text()) } }
        },
    );
    let mut response = Response::new(Body::from(page.html));
    *response.status_mut() = code.status();
    let headers = response.headers_mut();
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(CONTENT_TYPE, html);
    let policy = HeaderValue::from_static(page.policy);
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    if let Some(seconds) = retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
