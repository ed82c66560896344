//! Mail that waits, or that will never be sent, and having it tried again.

use schemars::{JsonSchema, Schema, json_schema};
use serde::Serialize;
use signet_core::account::AccountId;
use signet_core::mail::MailKind;
use signet_core::mail::outbox::{OutboxEntry, OutboxFilter, OutboxPlace, OutboxState};
use signet_core::session::LiveSession;
use signet_core::time::UnixTime;
use signet_verifier::json::Value;
use uuid::Uuid;

use crate::http::answer::{Json, NoContent};
use crate::http::input::fields::members;
use crate::http::input::member::{Faults, Member};
use crate::http::input::query::PageSize;
use crate::http::input::{Path, Query};
use crate::http::limit;
use crate::http::problem::{Code, Problem};
use crate::http::route::call::Call;
use crate::http::route::{Route, get, post};
use crate::http::wire::Timestamp;

const WRITE: &str = "mail:write";

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        get("/v1/admin/outbox", limit::ADMIN)
            .named(
                "listOutbox",
                "Mail that waits or will never be sent, newest first",
            )
            .permission(WRITE)
            .handled_by(list),
        post("/v1/admin/outbox/{id}/retry", limit::ADMIN)
            .named("retryMail", "Try a mail again now")
            .permission(WRITE)
            .refuses(&[Code::Conflict])
            .handled_by(retry),
    ]
}

/// A mail in the outbox. Whom it is for and what it says stays sealed.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "OutboxMail")]
pub(crate) struct OutboxMail {
    /// Its id; also in its `Message-ID`.
    id: Uuid,
    /// The account it is for; `null` where it is for an address that has none.
    user_id: Option<Uuid>,
    /// What it is about.
    kind: String,
    /// Whether it will be tried again by itself.
    state: MailState,
    /// When it was put into the outbox.
    created_at: Timestamp,
    /// When it is tried next; of a dead one, when it would have been.
    due_at: Timestamp,
    /// When there is no use in sending it any more.
    expires_at: Option<Timestamp>,
    /// How often the mail server was told of it.
    attempts: u32,
    /// What went wrong the last time.
    last_error: Option<String>,
}

/// Whether a mail will be tried again by itself.
#[derive(JsonSchema, Serialize)]
#[schemars(inline)]
#[serde(rename_all = "snake_case")]
enum MailState {
    Waiting,
    Dead,
}

impl From<OutboxEntry> for OutboxMail {
    fn from(entry: OutboxEntry) -> Self {
        Self {
            id: entry.id,
            user_id: entry.account.map(|AccountId(id)| id),
            kind: entry.kind,
            state: match entry.state {
                OutboxState::Waiting => MailState::Waiting,
                OutboxState::Dead => MailState::Dead,
            },
            created_at: entry.created_at.into(),
            due_at: entry.due_at.into(),
            expires_at: entry.expires_at.map(Timestamp::from),
            attempts: entry.attempts,
            last_error: entry.last_error,
        }
    }
}

/// A page of the outbox.
#[derive(JsonSchema, Serialize)]
pub(in crate::http) struct Outbox {
    /// Newest first.
    mails: Vec<OutboxMail>,
    /// The `cursor` of the next page; `null` on the last.
    next_cursor: Option<String>,
}

members! {
    /// Which mails to list.
    pub(in crate::http) struct OutboxQuery {
        /// Only mails of this state.
        state: Option<OutboxState>,
        /// Only mails of this kind.
        kind: Option<MailKind>,
        /// How many at most.
        limit: PageSize,
        /// The `next_cursor` of the page before.
        cursor: Option<Place>,
    }
}

async fn list(call: Call<LiveSession, Query<OutboxQuery>>) -> Result<Json<Outbox>, Problem> {
    let Query(query) = call.input;
    let filter = OutboxFilter {
        state: query.state,
        kind: query.kind,
    };
    let after = query.cursor.map(|Place(place)| place);
    let issuer = &call.app.issuer;
    let found = issuer.outbox(&filter, after, query.limit.to_ask()).await?;
    let (shown, has_more) = query.limit.cut(found);
    let last = shown.last().filter(|_| has_more);
    Ok(Json(Outbox {
        next_cursor: last.map(|entry| Place(entry.place()).to_text()),
        mails: shown.into_iter().map(OutboxMail::from).collect(),
    }))
}

async fn retry(call: Call<LiveSession, Path<MailId>>) -> Result<NoContent, Problem> {
    let origin = call.origin();
    let Path(MailId(id)) = call.input;
    let issuer = &call.app.issuer;
    issuer.retry_mail(&origin, &call.caller, id).await?;
    Ok(NoContent)
}

/// The id of a mail.
pub(in crate::http) struct MailId(Uuid);

impl Member for MailId {
    fn schema() -> Schema {
        AccountId::schema()
    }

    fn read(value: Value<'_>, field: &str, faults: &mut Faults) -> Option<Self> {
        AccountId::read(value, field, faults).map(|AccountId(id)| Self(id))
    }
}

/// Where a page ended: seconds, a full stop, an id.
pub(in crate::http) struct Place(OutboxPlace);

impl Place {
    fn to_text(&self) -> String {
        let OutboxPlace { created_at, id } = self.0;
        format!("{}.{id}", created_at.as_secs())
    }

    fn parse(text: &str) -> Option<Self> {
        let (seconds, id) = text.split_once('.')?;
        let place = Self(OutboxPlace {
            created_at: UnixTime::from_secs(seconds.parse().ok()?),
            id: id.parse().ok()?,
        });
        // One spelling: nothing else was ever answered.
        (place.to_text() == text).then_some(place)
    }
}

impl Member for Place {
    fn schema() -> Schema {
        json_schema!({ "type": "string", "maxLength": 255 })
    }

    fn read(value: Value<'_>, field: &str, faults: &mut Faults) -> Option<Self> {
        let place = value.as_str().and_then(Self::parse);
        place.or_else(|| {
            faults.add(
                field,
                "invalid_cursor",
                "is no next_cursor of an earlier answer",
            )
        })
    }
}

impl Member for OutboxState {
    fn schema() -> Schema {
        json_schema!({ "type": "string", "enum": ["waiting", "dead"] })
    }

    fn read(value: Value<'_>, field: &str, faults: &mut Faults) -> Option<Self> {
        let state = value.as_str().and_then(Self::parse);
        state.or_else(|| faults.add(field, "unknown_value", "must be waiting or dead"))
    }
}

impl Member for MailKind {
    fn schema() -> Schema {
        json_schema!({ "type": "string", "maxLength": 64 })
    }

    fn read(value: Value<'_>, field: &str, faults: &mut Faults) -> Option<Self> {
        let kind = value.as_str().and_then(Self::parse);
        kind.or_else(|| faults.add(field, "unknown_value", "is no kind of mail"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_one_spelling() {
        let id = Uuid::from_u128(7);
        let text = format!("1800000000.{id}");
        assert_eq!(Place::parse(&text).unwrap().to_text(), text);
        for wrong in [
            String::new(),
            format!("01800000000.{id}"),
            format!("+1800000000.{id}"),
            format!("1800000000.{}", id.simple()),
            format!("1800000000.{id} "),
            format!("-1.{id}"),
            format!("99999999999999999999.{id}"),
            "1800000000.".to_owned(),
            id.to_string(),
        ] {
            assert!(Place::parse(&wrong).is_none(), "{wrong}");
        }
    }
}
