//! What is asked of Envoy about a request, where the library can't be used: it panics where the name
//! of a header isn't UTF-8 and where a call fails, copies every name and value, and can't tell
//! Envoy why a request is answered.
//!
//! The calls are those of the proxy-wasm ABI 0.2.1. Whoever makes one that fails refuses the request.

mod abi;
mod pairs;

use std::borrow::Cow;
use std::time::{Duration, UNIX_EPOCH};

use proxy_wasm::hostcalls;
use proxy_wasm::types::{LogLevel, MapType};
use signet_verifier::gate::Answer;
use signet_verifier::time::UnixMillis;

pub(crate) use abi::Failed;
pub(crate) use pairs::Pairs;

/// The header lines of a request, or its trailers.
pub(crate) fn lines(of: MapType) -> Result<Pairs, Failed> {
    abi::header_map_pairs(of).map(Pairs::new)
}

/// Takes away every line of that name.
pub(crate) fn remove(of: MapType, name: &[u8]) -> Result<(), Failed> {
    abi::remove_header_map_value(of, name)
}

/// Leaves one line of that name, with this value.
pub(crate) fn set_request_header(name: &str, value: &str) -> Result<(), Failed> {
    let headers = MapType::HttpRequestHeaders;
    abi::replace_header_map_value(headers, name.as_bytes(), value.as_bytes())
}

/// Answers the request. Access logs find `details` in `%RESPONSE_CODE_DETAILS%`.
pub(crate) fn answer(answer: &Answer, details: &str) -> Result<(), Failed> {
    let headers = answer.headers.iter();
    let headers = headers.map(|(name, value)| (*name, Cow::as_ref(value)));
    let headers = pairs::serialized(&headers.collect::<Vec<_>>());
    abi::send_local_response(answer.status, details, &answer.body, &headers)
}

/// What Envoy's clock shows.
pub(crate) fn now() -> UnixMillis {
    let millis = since_1970().as_millis();
    UnixMillis::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

/// A number that is most likely no other thread's.
pub(crate) fn now_in_nanoseconds() -> u64 {
    u64::try_from(since_1970().as_nanos()).unwrap_or(u64::MAX)
}

fn since_1970() -> Duration {
    let now = hostcalls::get_current_time().unwrap_or(UNIX_EPOCH);
    now.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Writes into Envoy's log.
pub(crate) fn log(level: LogLevel, text: &str) {
    let _there_is_no_other_place_to_say_it = hostcalls::log(level, text);
}

/// Whether somebody reads what is logged about every single request.
pub(crate) fn logs_debug() -> bool {
    let level = hostcalls::get_log_level();
    level.is_ok_and(|level| matches!(level, LogLevel::Trace | LogLevel::Debug))
}
