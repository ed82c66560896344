//! The clock as a parameter. Every use case and every rule is told what time it is; only the
//! issuer's wiring reads the machine's clock.

use std::time::Duration;

pub use signet_verifier::time::UnixTime;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A time as people read it: RFC 3339, UTC, whole seconds. `None` beyond the year 9999.
#[must_use]
pub fn rfc3339(time: UnixTime) -> Option<String> {
    let seconds = i64::try_from(time.as_secs()).ok()?;
    let time = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
    time.format(&Rfc3339).ok()
}

/// Before this no Signet was released, 2026-01-01: it rises with the version.
pub const EARLIEST: UnixTime = UnixTime::from_secs(1_767_225_600);

/// How far a clock may be behind what was written down last, in seconds.
pub const BACK: u64 = 300;

/// A time for people to read: in RFC 3339, or in seconds where that has no such year.
pub(crate) fn readable(time: UnixTime) -> String {
    rfc3339(time).unwrap_or_else(|| time.as_secs().to_string())
}

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Whole seconds since 1970, leap seconds not counted. Somebody may set it.
    fn now(&self) -> UnixTime;

    /// How long it has gone since some moment, which stays the same: nobody can set this.
    fn running(&self) -> Duration;
}
