//! Redis, where there is one: as an issuer wants it at its start. What is tried leaves a key that names
//! nobody, for seconds.

use super::report::Report;
use crate::config::{Config, SessionsIn};
use crate::serve::opening;

const SUBJECT: &str = "redis";

pub(super) async fn examine(config: &Config, report: &mut Report) {
    let Some(address) = &config.redis else {
        return report.ok(SUBJECT, "none: each process counts its limits for itself");
    };
    let kept = match config.sessions {
        SessionsIn::Database => "the limits",
        SessionsIn::Redis => "the limits and what refreshes write",
    };
    match opening::open_redis(address, config.sessions).await {
        Err(error) => report.stops(SUBJECT, &error),
        Ok(_) if address.is_local() || address.is_encrypted() => {
            report.ok(SUBJECT, format!("{address} keeps {kept} of all processes"));
        }
        Ok(_) => report.warn(
            SUBJECT,
            format!("{address} keeps {kept} of all processes, and is reached without TLS"),
            "write rediss:// in redis_url, unless nobody else can listen in between",
        ),
    }
}
