//! Between columns and values. What a column holds that no value can be is a corrupt store.

use std::collections::BTreeSet;
use std::net::IpAddr;

use signet_core::account::{Account, AccountId, AccountStatus, DisplayName};
use signet_core::email::EmailAddress;
use signet_core::ports::{StoreError, StoreResult};
use signet_core::role::RoleName;
use signet_core::session::Session;
use signet_core::session::SessionId;
use signet_core::time::UnixTime;
use uuid::Uuid;

/// An account with its roles, joined by commas, which no name contains.
pub(crate) struct AccountRow {
    pub(crate) id: Vec<u8>,
    pub(crate) email_canonical: String,
    pub(crate) email_original: String,
    pub(crate) email_verified: i64,
    pub(crate) name: Option<String>,
    pub(crate) status: String,
    pub(crate) invited_at: Option<i64>,
    pub(crate) version: i64,
    pub(crate) device_epoch: i64,
    pub(crate) created_at: i64,
    pub(crate) last_login_at: Option<i64>,
    pub(crate) roles: Option<String>,
}

impl TryFrom<AccountRow> for Account {
    type Error = StoreError;

    fn try_from(row: AccountRow) -> StoreResult<Self> {
        let status = AccountStatus::from_stored(&row.status, row.invited_at.is_some())
            .ok_or_else(|| corrupt("accounts.status", &row.status))?;
        Ok(Self {
            id: AccountId(uuid(&row.id)?),
            email: EmailAddress::from_stored(row.email_canonical, row.email_original),
            email_verified: row.email_verified != 0,
            name: row.name.as_deref().map(display_name).transpose()?,
            status,
            version: unsigned(row.version)?,
            device_epoch: unsigned(row.device_epoch)?,
            roles: role_names(row.roles.as_deref())?,
            created_at: time(row.created_at),
            last_login_at: row.last_login_at.map(time),
        })
    }
}

/// A session as the list shows it.
pub(crate) struct SessionRow {
    pub(crate) id: Vec<u8>,
    pub(crate) created_at: i64,
    pub(crate) advanced_at: i64,
    pub(crate) user_agent: Option<String>,
    pub(crate) ip: Option<String>,
    pub(crate) repeats: i64,
    pub(crate) repeated_at: Option<i64>,
}

impl TryFrom<SessionRow> for Session {
    type Error = StoreError;

    fn try_from(row: SessionRow) -> StoreResult<Self> {
        Ok(Self {
            id: SessionId(uuid(&row.id)?),
            created_at: time(row.created_at),
            last_seen_at: time(row.advanced_at),
            user_agent: row.user_agent,
            ip: row.ip.and_then(|ip| ip.parse::<IpAddr>().ok()),
            repeats: unsigned(row.repeats)?,
            repeated_at: row.repeated_at.map(time),
        })
    }
}

pub(crate) fn corrupt(column: &str, value: &str) -> StoreError {
    StoreError::Corrupt(format!("{column} holds {value:?}"))
}

pub(crate) fn uuid(bytes: &[u8]) -> StoreResult<Uuid> {
    Uuid::from_slice(bytes).map_err(|_| StoreError::Corrupt("an id is not 16 bytes".to_owned()))
}

pub(crate) fn array<const N: usize>(bytes: &[u8]) -> StoreResult<[u8; N]> {
    bytes
        .try_into()
        .map_err(|_| StoreError::Corrupt(format!("a value is not {N} bytes")))
}

pub(crate) fn display_name(text: &str) -> StoreResult<DisplayName> {
    DisplayName::parse(text).map_err(|_| corrupt("name", text))
}

pub(crate) fn role_name(text: &str) -> StoreResult<RoleName> {
    RoleName::parse(text).map_err(|_| corrupt("role", text))
}

pub(crate) fn role_names(joined: Option<&str>) -> StoreResult<BTreeSet<RoleName>> {
    joined
        .unwrap_or_default()
        .split(',')
        .filter(|name| !name.is_empty())
        .map(role_name)
        .collect()
}

/// A point in time as SQLite keeps it.
pub(crate) fn seconds(time: UnixTime) -> i64 {
    signed(time.as_secs())
}

/// A point in time; before 1970 nothing was stored.
pub(crate) fn time(seconds: i64) -> UnixTime {
    UnixTime::from_secs(u64::try_from(seconds).unwrap_or(0))
}

/// A count as SQLite keeps it.
pub(crate) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(count: i64) -> StoreResult<u64> {
    u64::try_from(count).map_err(|_| corrupt("a count", &count.to_string()))
}

pub(crate) fn small(count: i64) -> StoreResult<u32> {
    u32::try_from(count).map_err(|_| corrupt("a count", &count.to_string()))
}
