//! The audit trail: a page of it, and all of it to take away.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use schemars::{JsonSchema, Schema, json_schema};
use serde::Serialize;
use signet_core::account::AccountId;
use signet_core::audit::Recorded;
use signet_core::audit::chain::{Binding, hex};
use signet_core::audit::read::TrailFilter;
use signet_core::audit::verification::TrailHead;
use signet_core::ports::StoreError;
use signet_core::session::LiveSession;
use signet_core::time::UnixTime;
use signet_verifier::json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::http::answer::{Json, Lines};
use crate::http::app::App;
use crate::http::input::Query;
use crate::http::input::fields::members;
use crate::http::input::member::{Faults, Member};
use crate::http::input::query::PageSize;
use crate::http::limit;
use crate::http::problem::Problem;
use crate::http::route::call::Call;
use crate::http::route::{Route, get};
use crate::http::wire::Timestamp;

const READ: &str = "audit:read";

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        get("/v1/admin/audit", limit::ADMIN)
            .named("listEvents", "The audit trail, newest first")
            .permission(READ)
            .handled_by(list),
        get("/v1/admin/audit/export", limit::ADMIN)
            .named(
                "exportEvents",
                "The whole audit trail, oldest first, a line for each event",
            )
            .permission(READ)
            .fresh()
            .handled_by(export),
    ]
}

/// An event of the trail.
#[derive(JsonSchema, Serialize)]
pub(crate) struct AuditEvent {
    /// Its place, from 1, without gaps.
    sequence: u64,
    /// When it happened.
    at: Timestamp,
    /// Who asked for it: an account's id, `anonymous`, `operator` or `system`.
    actor: String,
    /// What happened.
    action: String,
    /// The id of the account it happened to.
    subject: Option<String>,
    /// More.
    detail: serde_json::Value,
    /// The client's address, as long as it is kept.
    ip: Option<String>,
    /// The id of the request.
    request_id: Option<String>,
    /// What ties it to the event before it, in hexadecimal.
    hash: String,
}

/// An event with what its hash is made of.
#[derive(Serialize)]
pub(crate) struct BoundEvent {
    #[serde(flatten)]
    event: AuditEvent,
    /// The event's detail, letter by letter as the hash covers it.
    detail_text: String,
    /// 1: the hash covers the client's address; 2: a commitment to it.
    format: u8,
    /// The commitment, and what opens it.
    address_commitment: Option<String>,
    address_salt: Option<String>,
    /// The event that vouches for this one, whose address was taken out.
    taken_out_by: Option<u64>,
}

/// The end of the trail.
#[derive(JsonSchema, Serialize)]
pub(crate) struct AuditHead {
    /// The place of its last event.
    sequence: u64,
    /// That event's hash. Whoever notes it elsewhere sees later whether the trail was cut.
    hash: String,
}

/// A page of the trail.
#[derive(JsonSchema, Serialize)]
pub(in crate::http) struct AuditPage {
    /// Newest first.
    events: Vec<AuditEvent>,
    /// The `cursor` of the next page; `null` on the last.
    next_cursor: Option<String>,
    /// The end of the whole trail at that moment.
    head: AuditHead,
}

impl From<Recorded> for AuditEvent {
    fn from(row: Recorded) -> Self {
        Self {
            sequence: row.sequence,
            at: row.event.at.into(),
            actor: row.event.actor,
            action: row.event.action,
            subject: row.event.subject,
            detail: serde_json::from_str(&row.event.detail).unwrap_or_default(),
            ip: row.event.ip,
            request_id: row.event.request_id,
            hash: hex(&row.hash),
        }
    }
}

impl From<Recorded> for BoundEvent {
    fn from(row: Recorded) -> Self {
        let (format, commitment, salt, by) = match &row.binding {
            Binding::Plain => (1, None, None, None),
            Binding::TakenOut { by } => (1, None, None, Some(*by)),
            Binding::Committed { commitment, salt } => (2, *commitment, *salt, None),
        };
        Self {
            detail_text: row.event.detail.clone(),
            event: row.into(),
            format,
            address_commitment: commitment.map(|bytes| hex(&bytes)),
            address_salt: salt.map(|bytes| hex(&bytes)),
            taken_out_by: by,
        }
    }
}

impl From<TrailHead> for AuditHead {
    fn from(head: TrailHead) -> Self {
        Self {
            sequence: head.sequence,
            hash: hex(&head.hash),
        }
    }
}

members! {
    /// Which events to list.
    pub(in crate::http) struct AuditQuery {
        /// Only what this one asked for: an account's id, `anonymous`, `operator` or `system`.
        actor: Option<String>,
        /// Only what happened to this account.
        subject: Option<AccountId>,
        /// Only events of this name, such as `password.reset`.
        action: Option<String>,
        /// Only events of this time or later.
        from: Option<UnixTime>,
        /// Only events of before this time.
        until: Option<UnixTime>,
        /// How many at most.
        limit: PageSize,
        /// The `next_cursor` of the page before.
        cursor: Option<Place>,
    }
}

/// The place where a page ended.
pub(in crate::http) struct Place(u64);

impl Member for Place {
    fn schema() -> Schema {
        json_schema!({ "type": "string", "maxLength": 20 })
    }

    fn read(value: Value<'_>, field: &str, faults: &mut Faults) -> Option<Self> {
        let place = value.as_str().and_then(|text| {
            let place: u64 = text.parse().ok()?;
            (place.to_string() == *text).then_some(Self(place))
        });
        place.or_else(|| {
            let message = "is no next_cursor of an earlier answer";
            faults.add(field, "invalid_cursor", message)
        })
    }
}

impl Member for UnixTime {
    fn schema() -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }

    fn read(value: Value<'_>, field: &str, faults: &mut Faults) -> Option<Self> {
        let seconds = value.as_str().and_then(|text| {
            let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
            u64::try_from(time.unix_timestamp()).ok()
        });
        seconds.map(Self::from_secs).or_else(|| {
            let message = "must be a time such as 2027-01-15T08:00:00Z";
            faults.add(field, "invalid_time", message)
        })
    }
}

async fn list(call: Call<LiveSession, Query<AuditQuery>>) -> Result<Json<AuditPage>, Problem> {
    let Query(query) = call.input;
    let filter = TrailFilter {
        actor: query.actor,
        subject: query.subject,
        action: query.action,
        from: query.from,
        until: query.until,
    };
    let before = query.cursor.map(|Place(place)| place);
    let issuer = &call.app.issuer;
    let page = issuer.trail(&filter, before, query.limit.to_ask()).await?;
    let (shown, has_more) = query.limit.cut(page.rows);
    let last = shown.last().filter(|_| has_more);
    Ok(Json(AuditPage {
        next_cursor: last.map(|row| row.sequence.to_string()),
        events: shown.into_iter().map(AuditEvent::from).collect(),
        head: page.head.into(),
    }))
}

async fn export(call: Call<LiveSession>) -> Result<Lines, Problem> {
    let origin = call.origin();
    let issuer = &call.app.issuer;
    let head = issuer.begin_trail_export(&origin, &call.caller).await?;
    let pages = Pages {
        app: Arc::clone(&call.app),
        head,
        after: Some(0),
    };
    let stream = stream::try_unfold(pages, Pages::next);
    Ok(Lines {
        body: Body::from_stream(stream),
        name: "signet-audit.ndjson",
    })
}

/// What of the trail is still to be sent: everything up to its own row, which is the last.
struct Pages {
    app: Arc<App>,
    head: TrailHead,
    /// `None` once the end was said.
    after: Option<u64>,
}

impl Pages {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, StoreError> {
        let Some(after) = self.after else {
            return Ok(None);
        };
        let rows = self.app.issuer.trail_after(after).await?;
        let rows = rows
            .into_iter()
            .filter(|row| row.sequence <= self.head.sequence);
        let (lines, last) = lines(rows);
        self.after = last;
        let text = match last {
            Some(_) => lines,
            None => end(self.head),
        };
        Ok(Some((text.into(), self)))
    }
}

/// A line for each row, and the place of the last one.
pub(crate) fn lines(rows: impl Iterator<Item = Recorded>) -> (String, Option<u64>) {
    let (mut text, mut last) = (String::new(), None);
    for row in rows {
        last = Some(row.sequence);
        let event = serde_json::to_string(&BoundEvent::from(row)).unwrap_or_default();
        text.push_str(&event);
        text.push('\n');
    }
    (text, last)
}

/// The last line: whoever doesn't find it has a part only.
pub(crate) fn end(head: TrailHead) -> String {
    format!("{}\n", serde_json::json!({ "head": AuditHead::from(head) }))
}
