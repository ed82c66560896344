//! How long something takes, in words that are as short as they are exact.

use std::fmt;
use std::time::Duration;

use maud::{Markup, Render, html};

/// A whole number of seconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Length(u64);

/// The units, each with its seconds, longest first.
const UNITS: [(u64, &str); 3] = [(3_600, "h"), (60, "min"), (1, "s")];
const DAY: u64 = 86_400;

impl Length {
    pub(super) const fn seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Nothing at all.
    pub(super) const fn is_none(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// As it is shown where it follows from the configuration.
    pub(super) fn set(self) -> Markup {
        html! { tspan.set { (self) } }
    }
}

impl From<Duration> for Length {
    fn from(duration: Duration) -> Self {
        Self(duration.as_secs())
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.checked_div(DAY), self.0.checked_rem(DAY)) {
            (Some(1), Some(0)) => return f.write_str("1 day"),
            (Some(days @ 2..), Some(0)) => return write!(f, "{days} days"),
            _ if self.0 == 0 => return f.write_str("0 s"),
            _ => {}
        }
        let mut rest = self.0;
        let mut gap = "";
        for (seconds, unit) in UNITS {
            let count = rest.checked_div(seconds).unwrap_or(0);
            if count > 0 {
                write!(f, "{gap}{count} {unit}")?;
                gap = " ";
            }
            rest = rest.saturating_sub(count.saturating_mul(seconds));
        }
        Ok(())
    }
}

impl Render for Length {
    fn render_to(&self, buffer: &mut String) {
        self.to_string().render_to(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_told_in_full() {
        for (seconds, told) in [
            (0, "0 s"),
            (1, "1 s"),
            (59, "59 s"),
            (60, "1 min"),
            (285, "4 min 45 s"),
            (3_600, "1 h"),
            (3_719, "1 h 1 min 59 s"),
            (86_399, "23 h 59 min 59 s"),
            (86_400, "1 day"),
            (86_401, "24 h 1 s"),
            (365 * 86_400, "365 days"),
        ] {
            assert_eq!(Length::seconds(seconds).to_string(), told);
        }
    }
}
