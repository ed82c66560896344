//! What several answers are made of, as it stands on the wire.

use std::collections::BTreeSet;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use signet_core::issuer::TokenPair;
use signet_core::role::{Permission, RoleName};
use signet_core::time::{UnixTime, rfc3339};
use uuid::Uuid;
use zeroize::Zeroizing;

/// A secret on its way to who it is for.
pub(super) struct Revealed(Zeroizing<String>);

impl From<Zeroizing<String>> for Revealed {
    fn from(secret: Zeroizing<String>) -> Self {
        Self(secret)
    }
}

impl Serialize for Revealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl JsonSchema for Revealed {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// A point in time: RFC 3339, UTC, whole seconds.
pub(crate) struct Timestamp(UnixTime);

impl From<UnixTime> for Timestamp {
    fn from(time: UnixTime) -> Self {
        Self(time)
    }
}

impl fmt::Display for Timestamp {
    /// Fails for times beyond the year 9999.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&rfc3339(self.0).ok_or(fmt::Error)?)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// How an access token is to be sent.
#[derive(JsonSchema, Serialize)]
#[schemars(inline)]
pub(super) enum TokenType {
    Bearer,
}

/// The tokens of a session.
#[derive(JsonSchema, Serialize)]
pub(super) struct SessionAnswer {
    /// The access token, to be sent as `Authorization: Bearer`.
    access_token: Revealed,
    /// Always `Bearer`.
    token_type: TokenType,
    /// How long the access token is good, in seconds.
    expires_in: u64,
    /// The refresh token, good once. Not here where it goes into a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Revealed")]
    refresh_token: Option<Revealed>,
    /// How long the refresh token is good, in seconds.
    refresh_expires_in: u64,
    /// The session.
    session_id: Uuid,
    /// After a login: what the next login from this device may send along.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Revealed")]
    device: Option<Revealed>,
}

impl SessionAnswer {
    /// The answer without the refresh token, which travels otherwise.
    pub(super) fn without_refresh_token(self) -> Self {
        Self {
            refresh_token: None,
            ..self
        }
    }

    /// The answer to a login.
    pub(super) fn with_device(self, device: Zeroizing<String>) -> Self {
        Self {
            device: Some(device.into()),
            ..self
        }
    }
}

impl From<TokenPair> for SessionAnswer {
    fn from(tokens: TokenPair) -> Self {
        Self {
            access_token: tokens.access_token.into(),
            token_type: TokenType::Bearer,
            expires_in: tokens.expires_in,
            refresh_token: Some(tokens.refresh_token.into()),
            refresh_expires_in: tokens.refresh_expires_in,
            session_id: tokens.session_id.0,
            device: None,
        }
    }
}

/// The names of roles, sorted.
pub(super) fn role_names<'a>(roles: impl IntoIterator<Item = &'a RoleName>) -> Vec<String> {
    roles.into_iter().map(RoleName::to_string).collect()
}

/// The names of permissions, sorted.
pub(super) fn permission_names(permissions: &BTreeSet<Permission>) -> Vec<String> {
    permissions.iter().map(Permission::to_string).collect()
}
