//! `/dev/mailbox`: the mail that local mode sends to nobody, for people and for programs.
//!
//! What was queued a moment ago is there: who looks at the mailbox has the outbox emptied first.

use std::sync::Arc;

use maud::{Markup, html};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::layout;
use crate::http::App;
use crate::http::answer::{Json, Page};
use crate::http::limit;
use crate::http::problem::{Code, Problem};
use crate::http::route::access::Anyone;
use crate::http::route::call::Call;
use crate::http::route::{Route, get};
use crate::http::wire::Timestamp;
use crate::mail::mailbox::Letter;

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/dev/mailbox", limit::PAGE)
            .named("mailboxPage", "The mail of local mode, for people")
            .local_only()
            .page()
            .handled_by(show),
        get("/dev/mailbox.json", limit::PAGE)
            .named("mailbox", "The mail of local mode")
            .local_only()
            .handled_by(list),
    ]
}

/// The mail of local mode.
#[derive(JsonSchema, Serialize)]
pub(crate) struct MailboxDocument {
    /// Newest first.
    messages: Vec<MailboxMessage>,
}

/// A mail that nobody sent.
#[derive(JsonSchema, Serialize)]
pub(crate) struct MailboxMessage {
    /// Its id.
    id: Uuid,
    /// Whom it is to.
    to: String,
    /// Its subject.
    subject: String,
    /// What it is about.
    kind: &'static str,
    /// Its text part.
    text: String,
    /// Its HTML part.
    html: String,
    /// The link in it.
    link: Option<String>,
    /// The token in it.
    token: Option<String>,
    /// When it was queued.
    created_at: Timestamp,
}

impl From<Letter> for MailboxMessage {
    fn from(letter: Letter) -> Self {
        let message = letter.message;
        Self {
            id: letter.id,
            to: message.to,
            subject: message.subject,
            kind: message.kind.as_str(),
            text: message.text,
            html: message.html,
            link: message.link,
            token: message.token,
            created_at: letter.created_at.into(),
        }
    }
}

/// The letters, newest first.
async fn letters(app: &App) -> Result<Vec<Letter>, Problem> {
    let mailbox = app.mailbox.as_ref().map(Arc::clone).ok_or(Code::NotFound)?;
    while app.issuer.deliver_batch(&*mailbox).await?.taken > 0 {}
    Ok(mailbox.letters())
}

async fn list(call: Call<Anyone>) -> Result<Json<MailboxDocument>, Problem> {
    let letters = letters(&call.app).await?;
    Ok(Json(MailboxDocument {
        messages: letters.into_iter().map(MailboxMessage::from).collect(),
    }))
}

async fn show(call: Call<Anyone>) -> Result<Page, Problem> {
    let letters = letters(&call.app).await?;
    Ok(layout::page(
        "Mailbox",
        &html! {
            h1 { "Mailbox" }
            p { "Mail that would have been sent, newest first. Only local mode has this page." }
            @if letters.is_empty() { p.quiet { "There is no mail yet." } }
            @for letter in &letters { (entry(letter)) }
        },
    ))
}

fn entry(letter: &Letter) -> Markup {
    let message = &letter.message;
    let time = Timestamp::from(letter.created_at);
    html! {
        article {
            h2 { (message.subject) }
            p.quiet { "to " (message.to) " · " time datetime=(time) { (time) } }
            pre { (message.text) }
            @if let Some(link) = &message.link {
                p { a href=(link) rel="noreferrer" { "Open the link" } }
            }
            @if let Some(token) = &message.token { p { "Code: " code { (token) } } }
        }
    }
}
