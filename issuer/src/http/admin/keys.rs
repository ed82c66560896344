//! The signing keys: what becomes of them, and taking one away.
//!
//! The list has no pages. There is a key a month, one more for each time that somebody rotates, which
//! waits for 15 minutes, or revokes, which needs a reason: 20 years of it are fewer bytes than two
//! pages of accounts. A store reads all of them at each change anyway.

use schemars::{JsonSchema, Schema, json_schema};
use serde::Serialize;
use signet_core::session::LiveSession;
use signet_core::signing::KeyState;
use signet_core::signing::admin::{KeyStanding, Stage};
use signet_core::signing::life::Plan;
use signet_verifier::json::Value;

use crate::http::answer::Json;
use crate::http::input::Path;
use crate::http::input::member::{Faults, Member};
use crate::http::limit;
use crate::http::problem::{Code, Problem};
use crate::http::route::call::Call;
use crate::http::route::{Route, delete, get, post};
use crate::http::wire::Timestamp;

const READ: &str = "keys:read";
const WRITE: &str = "keys:write";

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        get("/v1/admin/keys", limit::ADMIN)
            .named("listKeys", "The signing keys there are and were")
            .permission(READ)
            .handled_by(list),
        post("/v1/admin/keys/rotate", limit::ADMIN)
            .named(
                "rotateKeys",
                "Have the published key sign, and another one published",
            )
            .permission(WRITE)
            .fresh()
            .refuses(&[Code::Conflict])
            .handled_by(rotate),
        delete("/v1/admin/keys/{kid}", limit::ADMIN)
            .named(
                "revokeKey",
                "Take a key away at once, and refuse what it signed",
            )
            .permission(WRITE)
            .fresh()
            .refuses(&[Code::Conflict])
            .handled_by(revoke),
    ]
}

/// A signing key.
#[derive(JsonSchema, Serialize)]
pub(crate) struct SigningKey {
    /// Its RFC 7638 thumbprint.
    kid: String,
    /// Where it is in its life: published and not yet signing, signing, published for what it
    /// signed, or gone.
    state: SigningKeyState,
    /// When it was published.
    published_at: Timestamp,
    /// From when on it signs, or may.
    signs_from: Option<Timestamp>,
    /// When it stopped signing.
    retired_at: Option<Timestamp>,
    /// When it went, or will by itself.
    removed_at: Option<Timestamp>,
    /// Until when its tokens are refused, if they are.
    refused_until: Option<Timestamp>,
}

/// Where a key is in its life.
#[derive(JsonSchema, Serialize)]
#[schemars(inline)]
#[serde(rename_all = "snake_case")]
enum SigningKeyState {
    Next,
    Active,
    Retired,
    Removed,
}

impl From<KeyStanding> for SigningKey {
    fn from(key: KeyStanding) -> Self {
        Self {
            kid: key.kid,
            state: match key.stage {
                Stage::Held(KeyState::Next) => SigningKeyState::Next,
                Stage::Held(KeyState::Active) => SigningKeyState::Active,
                Stage::Held(KeyState::Retired) => SigningKeyState::Retired,
                Stage::Removed => SigningKeyState::Removed,
            },
            published_at: key.published_at.into(),
            signs_from: key.signs_from.map(Into::into),
            retired_at: key.retired_at.map(Into::into),
            removed_at: key.removed_at.map(Into::into),
            refused_until: key.refused_until.map(Into::into),
        }
    }
}

/// The signing keys.
#[derive(JsonSchema, Serialize)]
pub(in crate::http) struct KeyList {
    /// The one that will sign, the one that does, those that did, those that are gone; the newest of
    /// each first, and all of them: there is about one a month.
    keys: Vec<SigningKey>,
}

/// What was done to keys.
#[derive(JsonSchema, Serialize)]
pub(crate) struct KeysChanged {
    /// The key that signs from now on, where that is another one.
    active: Option<String>,
    /// The key that was published, to sign later.
    next: Option<String>,
}

impl From<Plan> for KeysChanged {
    fn from(plan: Plan) -> Self {
        Self {
            active: plan.promoted().map(str::to_owned),
            next: plan.published().map(str::to_owned),
        }
    }
}

async fn list(call: Call<LiveSession>) -> Result<Json<KeyList>, Problem> {
    let keys = call.app.issuer.keys().await?;
    Ok(Json(KeyList {
        keys: keys.into_iter().map(SigningKey::from).collect(),
    }))
}

async fn rotate(call: Call<LiveSession>) -> Result<Json<KeysChanged>, Problem> {
    let origin = call.origin();
    let plan = call.app.issuer.rotate_keys(&origin, &call.caller).await?;
    Ok(Json(plan.into()))
}

async fn revoke(call: Call<LiveSession, Path<KeyName>>) -> Result<Json<KeysChanged>, Problem> {
    let origin = call.origin();
    let Path(KeyName(kid)) = call.input;
    let issuer = &call.app.issuer;
    let plan = issuer.revoke_key(&origin, &call.caller, &kid).await?;
    Ok(Json(plan.into()))
}

/// The kid of a key, whether there is one or not.
pub(in crate::http) struct KeyName(String);

impl Member for KeyName {
    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{43}$" })
    }

    fn read(value: Value<'_>, field: &str, faults: &mut Faults) -> Option<Self> {
        let kid = value.as_str().filter(|text| {
            let mut bytes = text.bytes();
            text.len() == 43
                && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        });
        let kid = kid.map(|text| Self(text.to_string()));
        kid.or_else(|| faults.add(field, "invalid_id", "is no kid"))
    }
}
