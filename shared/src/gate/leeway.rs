//! For how long after its time a token is still taken: as far as the issuer's feed goes along.

use core::fmt;
use core::str::FromStr;

/// How many seconds are granted to clocks that differ: 30, or what a host says, up to 60.
///
/// The issuer lists an ended session until no gate takes a token of it, and counts on no more than
/// [`Leeway::MOST`] for that. A gate with more patience would take the token again as soon as the
/// feed is silent about it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Leeway(u64);

/// It isn't a number of whole seconds that the feed goes along with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LeewayError;

impl Leeway {
    /// The most there is.
    pub const MOST: Self = Self(60);
    /// All clocks are taken to be the same.
    pub const NONE: Self = Self(0);

    /// So many seconds.
    ///
    /// # Errors
    /// When they are more than [`Leeway::MOST`].
    pub const fn from_secs(seconds: u64) -> Result<Self, LeewayError> {
        match seconds <= Self::MOST.0 {
            true => Ok(Self(seconds)),
            false => Err(LeewayError),
        }
    }

    /// Its seconds.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0
    }
}

impl Default for Leeway {
    fn default() -> Self {
        Self(30)
    }
}

/// From digits, as configurations have them.
impl FromStr for Leeway {
    type Err = LeewayError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_secs(text.parse().map_err(|_| LeewayError)?)
    }
}

impl fmt::Display for LeewayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "must be whole seconds, at most {}: the revocation feed names ended sessions no longer",
            Leeway::MOST.0
        )
    }
}

impl core::error::Error for LeewayError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_gate_is_more_patient_than_the_feed() {
        assert_eq!(Leeway::default().as_secs(), 30);
        assert_eq!("0".parse(), Ok(Leeway::NONE));
        assert_eq!("60".parse(), Ok(Leeway::MOST));
        for text in ["61", "300", "18446744073709551616", "-1", "1.5", " 1", ""] {
            assert_eq!(text.parse::<Leeway>(), Err(LeewayError), "{text:?}");
        }
        let told = alloc::format!("{LeewayError}");
        assert!(told.contains("at most 60"), "{told}");
    }
}
