//! A decision about everything that it depends on, as text: how other hosts are compared with this
//! one.
//!
//! `xtask/conformance/decide-worker.mjs` puts each head of `vectors/` to the very module that is
//! deployed, in the runtime it is deployed to. What the runtime makes of a head on its way to the
//! gate is another question, which requests over a wire answer.
//!
//! It is part of every build, rather than of a build for tests, because then it says nothing of the
//! build that serves. What is exported beside `fetch` is a method that Workers of the same account
//! may call if they are bound to this one, and no request can. It reads its argument, and touches
//! nothing: neither what the isolate knows nor a clock. It makes the bundle 3 % larger, by 11 kB.

use signet_verifier::json::{Limits, Value};
use signet_verifier::policy::Policy;
use signet_verifier::time::UnixTime;
use signet_verifier::{Gate, KeySet, Leeway, RequestHead};
use wasm_bindgen::prelude::*;

/// Decides about a line of JSON, `{"policy", "keys", "feeds", "now", "leeway", "request"}`, as
/// `signet decide` does, and answers its line.
///
/// `policy` and `keys` are texts of JSON, `keys` perhaps null; `now` and `leeway` are digits; the
/// `request` has `method`, `path` and `headers`, each character of which is one byte (Latin-1).
///
/// # Errors
/// The name of what can't be used.
#[wasm_bindgen(js_name = decideLine)]
pub fn decide_line(line: &str) -> Result<String, JsError> {
    decide(line).map_err(|what| JsError::new(&format!("{what} can't be used")))
}

fn decide(line: &str) -> Result<String, &'static str> {
    let line = Value::parse(line.as_bytes(), &Limits::DOCUMENT).map_err(|_| "the line")?;
    let member = |name: &'static str| line.get(name).ok_or(name);
    let text = |name: &'static str| member(name)?.as_str().ok_or(name);
    let seconds = |name: &'static str| text(name)?.parse::<u64>().map_err(|_| name);
    let policy = Policy::from_json(text("policy")?.as_bytes()).map_err(|_| "policy")?;
    let now = UnixTime::from_secs(seconds("now")?);
    let leeway = Leeway::from_secs(seconds("leeway")?).map_err(|_| "leeway")?;
    let mut gate = Gate::new(policy).leeway(leeway);
    if member("keys")? != &Value::Null {
        let loaded = KeySet::from_jwks(text("keys")?.as_bytes()).map_err(|_| "keys")?;
        gate.install_keys(loaded.key_set);
    }
    for feed in member("feeds")?.as_array().ok_or("feeds")? {
        let feed = feed.as_str().ok_or("feeds")?;
        // A feed that is ignored is part of the question.
        let _ignored = gate.apply_feed(feed.as_bytes(), now);
    }
    decide_request(&gate, member("request")?, now).ok_or("request")
}

fn decide_request(gate: &Gate, request: &Value<'_>, now: UnixTime) -> Option<String> {
    let pair = |pair: &Value<'_>| match pair.as_array()? {
        [name, value] => Some((bytes(name)?, bytes(value)?)),
        _ => None,
    };
    let headers = request.get("headers")?.as_array()?.iter().map(pair);
    let headers: Vec<(Vec<u8>, Vec<u8>)> = headers.collect::<Option<_>>()?;
    let headers: Vec<(&[u8], &[u8])> = headers
        .iter()
        .map(|(name, value)| (name.as_slice(), value.as_slice()))
        .collect();
    let head = RequestHead {
        method: &bytes(request.get("method")?)?,
        target: &bytes(request.get("path")?)?,
        headers: &headers,
    };
    Some(gate.decide(&head, now).to_json())
}

/// One byte for each character.
fn bytes(text: &Value<'_>) -> Option<Vec<u8>> {
    let byte = |character| u8::try_from(u32::from(character)).ok();
    text.as_str()?.chars().map(byte).collect()
}
