//! The clock as a parameter. Every use case and every rule is told what time it is; only the
//! issuer's wiring reads the machine's clock.

pub use signet_verifier::time::UnixTime;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Whole seconds since 1970, leap seconds not counted.
    fn now(&self) -> UnixTime;
}
