//! Times as JSON (RFC 3339) and PostgreSQL write them.

use signet_core::time::UnixTime;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A point in time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Timestamp {
    /// So many seconds after 1970, or before.
    At(i64),
    /// PostgreSQL's `infinity`.
    Never,
}

impl Timestamp {
    /// Reads `2026-11-28T10:00:00Z`, `2026-11-28 10:00:00.123456+00`, or `infinity`.
    pub(super) fn read(text: &str) -> Option<Self> {
        if text == "infinity" {
            return Some(Self::Never);
        }
        let mut text = text.replacen(' ', "T", 1);
        let offset = text.rfind(['+', '-']).and_then(|place| text.get(place..));
        if offset.is_some_and(|offset| offset.len() == 3) && text.len() > 19 {
            text.push_str(":00");
        }
        let time = OffsetDateTime::parse(&text, &Rfc3339).ok()?;
        Some(Self::At(time.unix_timestamp()))
    }

    /// The point in time where it can be the past; `None` for those before 1970 and for never.
    pub(super) fn as_unix_time(self) -> Option<UnixTime> {
        match self {
            Self::At(seconds) => u64::try_from(seconds).ok().map(UnixTime::from_secs),
            Self::Never => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_one_time() {
        for text in [
            "2026-11-28T10:00:00Z",
            "2026-11-28T10:00:00.5Z",
            "2026-11-28 10:00:00.123456+00",
            "2026-11-28 10:00:00+00",
            "2026-11-28 12:00:00+02",
            "2026-11-28 15:30:00+05:30",
            "2026-11-28 06:30:00-03:30",
        ] {
            let read = Timestamp::read(text);
            assert_eq!(read, Some(Timestamp::At(1_795_860_000)), "{text}");
        }
        assert_eq!(Timestamp::read("infinity"), Some(Timestamp::Never));
        for text in [
            "",
            "now",
            "2026-11-28",
            "28.11.2026",
            "1795860000",
            "2026-11-28 10:00:00",
        ] {
            assert_eq!(Timestamp::read(text), None, "{text}");
        }
    }
}
