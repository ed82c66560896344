//! The clock as a parameter. Every use case and every rule is told what time it is; only the
//! issuer's wiring reads the machine's clock.

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

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Whole seconds since 1970, leap seconds not counted.
    fn now(&self) -> UnixTime;
}
