//! How many inputs the property tests try.

use proptest::test_runner::Config;

/// Tries `usually` inputs, or as many as `SIGNET_PROVE` says.
pub(crate) fn inputs(usually: u32) -> Config {
    let asked = std::env::var("SIGNET_PROVE").ok();
    let cases = asked.map_or(usually, |count| {
        count.parse().expect("SIGNET_PROVE must be a number")
    });
    Config {
        failure_persistence: None,
        ..Config::with_cases(cases)
    }
}
