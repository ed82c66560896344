//! Everything that is held about oneself: taking it along, and having it erased.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use signet_core::account::export::{Held, HeldMail, HeldRegistration, HeldSession, HeldToken};
use signet_core::audit::Recorded;
use signet_core::password::Password;
use signet_core::session::LiveSession;
use uuid::Uuid;

use super::admin::users::User;
use super::answer::{Attachment, NoContent};
use super::input::Body;
use super::input::fields::members;
use super::limit;
use super::problem::{Code, Problem};
use super::route::call::Call;
use super::route::{Route, get, post};
use super::wire::Timestamp;

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/v1/me/export", limit::PASSWORD)
            .named("exportMe", "Everything that is held about oneself")
            .bearer()
            .fresh()
            .handled_by(export),
        post("/v1/me/erase", limit::PASSWORD)
            .named(
                "eraseMe",
                "Have one's account erased, and all that is held with it",
            )
            .bearer()
            .refuses(&[Code::Conflict, Code::Overloaded])
            .handled_by(erase),
    ]
}

/// Everything that is held about a person. Passwords, tokens and keys are kept as hashes or under
/// seals, which say nothing about anybody and would help a thief.
#[derive(JsonSchema, Serialize)]
pub(crate) struct PersonalData {
    /// The account.
    account: User,
    /// How its password is kept; `null` where it has none.
    password: Option<String>,
    /// Its sessions, those that ended included, as long as they are kept.
    sessions: Vec<PersonalSession>,
    /// What waits for its address to be proven, whoever asked for it.
    registrations: Vec<PersonalRegistration>,
    /// Tokens that were mailed and not used.
    mailed_tokens: Vec<PersonalToken>,
    /// Mail to it that wasn't sent.
    mail: Vec<PersonalMail>,
    /// How many wrong passwords for its address are remembered, for a day.
    failed_guesses: u64,
    /// What the audit trail says it did, and what happened to it.
    audit: Vec<PersonalEvent>,
}

/// A session.
#[derive(JsonSchema, Serialize)]
struct PersonalSession {
    id: Uuid,
    created_at: Timestamp,
    last_seen_at: Timestamp,
    authenticated_at: Timestamp,
    ended_at: Option<Timestamp>,
    audience: String,
    client: String,
    user_agent: Option<String>,
    ip: Option<IpAddr>,
    /// How often it was refreshed, where the database counts that.
    refreshes: Option<u32>,
    /// How often a used refresh token was answered once more, within its grace.
    repeats: u64,
    repeated_at: Option<Timestamp>,
}

/// A registration that nobody has proven.
#[derive(JsonSchema, Serialize)]
struct PersonalRegistration {
    email: String,
    name: Option<String>,
    created_at: Timestamp,
    expires_at: Timestamp,
}

/// A mailed token.
#[derive(JsonSchema, Serialize)]
struct PersonalToken {
    /// What it allows.
    purpose: String,
    /// The address that a change of address, or its undo, leads to.
    leads_to: Option<String>,
    expires_at: Timestamp,
}

/// A message that wasn't sent.
#[derive(JsonSchema, Serialize)]
struct PersonalMail {
    kind: String,
    created_at: Timestamp,
    due_at: Timestamp,
    expires_at: Option<Timestamp>,
    attempts: u32,
    abandoned_at: Option<Timestamp>,
    last_error: Option<String>,
}

/// A row of the audit trail.
#[derive(JsonSchema, Serialize)]
struct PersonalEvent {
    at: Timestamp,
    /// `account` for the account itself, `another account`, `anonymous`, `operator` or `system`.
    actor: String,
    action: String,
    detail: Value,
    ip: Option<String>,
}

impl From<Held> for PersonalData {
    fn from(held: Held) -> Self {
        let audit = held.trail.iter().map(|row| event(&held, row)).collect();
        Self {
            audit,
            password: held.password.algorithm().map(str::to_owned),
            account: held.account.into(),
            sessions: held.sessions.into_iter().map(Into::into).collect(),
            registrations: held.registrations.into_iter().map(Into::into).collect(),
            mailed_tokens: held.mailed_tokens.into_iter().map(Into::into).collect(),
            mail: held.mail.into_iter().map(Into::into).collect(),
            failed_guesses: held.failed_guesses,
        }
    }
}

fn event(held: &Held, row: &Recorded) -> PersonalEvent {
    PersonalEvent {
        at: row.event.at.into(),
        actor: held.actor_of(row).to_owned(),
        action: row.event.action.clone(),
        detail: serde_json::from_str(&row.event.detail).unwrap_or_default(),
        ip: held.address_of(row).map(str::to_owned),
    }
}

impl From<HeldSession> for PersonalSession {
    fn from(held: HeldSession) -> Self {
        Self {
            id: held.session.id.0,
            created_at: held.session.created_at.into(),
            last_seen_at: held.session.last_seen_at.into(),
            authenticated_at: held.authenticated_at.into(),
            ended_at: held.ended_at.map(Into::into),
            audience: held.audience,
            client: held.client,
            user_agent: held.session.user_agent,
            ip: held.session.ip,
            refreshes: held.refreshes,
            repeats: held.session.repeats,
            repeated_at: held.session.repeated_at.map(Into::into),
        }
    }
}

impl From<HeldRegistration> for PersonalRegistration {
    fn from(held: HeldRegistration) -> Self {
        Self {
            email: held.email,
            name: held.name,
            created_at: held.created_at.into(),
            expires_at: held.expires_at.into(),
        }
    }
}

impl From<HeldToken> for PersonalToken {
    fn from(held: HeldToken) -> Self {
        Self {
            purpose: held.purpose,
            leads_to: held.leads_to,
            expires_at: held.expires_at.into(),
        }
    }
}

impl From<HeldMail> for PersonalMail {
    fn from(held: HeldMail) -> Self {
        Self {
            kind: held.kind,
            created_at: held.created_at.into(),
            due_at: held.due_at.into(),
            expires_at: held.expires_at.map(Into::into),
            attempts: held.attempts,
            abandoned_at: held.abandoned_at.map(Into::into),
            last_error: held.last_error,
        }
    }
}

async fn export(call: Call<LiveSession>) -> Result<Attachment<PersonalData>, Problem> {
    let origin = call.origin();
    let held = call.app.issuer.export(&origin, &call.caller).await?;
    Ok(Attachment {
        document: held.into(),
        name: "signet-export.json",
    })
}

members! {
    /// Has one's account erased.
    pub(super) struct EraseBody {
        /// The account's password.
        password: Password,
    }
}

async fn erase(call: Call<LiveSession, Body<EraseBody>>) -> Result<NoContent, Problem> {
    let origin = call.origin();
    let Body(body) = call.input;
    let issuer = &call.app.issuer;
    issuer
        .erase_oneself(&origin, &call.caller, body.password)
        .await?;
    Ok(NoContent)
}
