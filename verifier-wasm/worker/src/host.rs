//! What only the runtime can do: `host.js`, where texts are packed together with NUL between them.

use std::time::Duration;

use wasm_bindgen::prelude::*;
use worker::js_sys::{Array, Promise, Uint8Array};
use worker::wasm_bindgen_futures::JsFuture;
use worker::worker_sys::web_sys::{Request, Response};
use worker::{Delay, Env};

use signet_verifier::Decision;
use signet_verifier::gate::Answer;
use signet_verifier::refresher::{Fetch, Reply};
use signet_verifier::time::UnixMillis;

/// Between two texts that cross as one.
pub(crate) const SEPARATOR: char = '\0';

#[wasm_bindgen(module = "/src/host.js")]
extern "C" {
    /// Method, URL, and names and values of the headers: see [`Head`](crate::head::Head).
    pub(crate) fn head(request: &Request) -> String;

    #[wasm_bindgen(js_name = now)]
    fn now_in_millis() -> u64;

    #[wasm_bindgen(js_name = forward, catch)]
    fn forward_packed(request: &Request, env: &Env, changes: &str) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_name = answer)]
    fn answer_packed(status: u16, headers: &str, body: &str) -> Response;

    #[wasm_bindgen(js_name = get)]
    fn get_packed(url: &str, headers: &str, most_bytes: usize, timeout: u32) -> Promise;
}

/// The time. It stands still while a request computes.
pub(crate) fn now() -> UnixMillis {
    UnixMillis::from_millis(now_in_millis())
}

/// Comes back after some time, by a timer that belongs to the request that is being served.
pub(crate) async fn pause(duration: Duration) {
    Delay::from(duration).await;
}

/// Hands a request on, with its body as it streams in, and answers the promise of a response. Where
/// there is no `url`, it goes as it is to the service that is bound as `ORIGIN`.
///
/// Headers that the decision doesn't name aren't read and written, so their bytes stay.
pub(crate) fn forward(
    request: &Request,
    env: &Env,
    url: Option<&str>,
    decision: &Decision,
) -> Result<Promise, JsValue> {
    let mut changes = url.unwrap_or_default().to_owned();
    changes.push(SEPARATOR);
    for (position, name) in decision.removed().enumerate() {
        changes.push_str(if position == 0 { "" } else { "," });
        // The runtime has no other names than tokens (RFC 9110, section 5.6.2).
        changes.push_str(&String::from_utf8_lossy(name));
    }
    for (name, value) in decision.set() {
        for text in [name, value] {
            changes.push(SEPARATOR);
            changes.push_str(text);
        }
    }
    forward_packed(request, env, &changes)
}

/// The response in place of one from the origin.
pub(crate) fn answer(answer: &Answer) -> Response {
    let headers = answer.headers.iter();
    let headers = packed(headers.map(|(name, value)| (*name, &**value)));
    answer_packed(answer.status, &headers, &answer.body)
}

/// Asks the issuer, and no cache. Redirects aren't followed, and no more is read than there may be.
pub(crate) async fn get(fetch: &Fetch) -> Reply {
    let headers = packed(fetch.headers());
    let timeout = u32::try_from(fetch.timeout.as_millis()).unwrap_or(u32::MAX);
    let promise = get_packed(&fetch.url, &headers, fetch.most_bytes, timeout);
    let response = JsFuture::from(promise).await.ok();
    response.map_or(Reply::Failed, |response| unpacked(&Array::from(&response)))
}

fn unpacked(response: &Array) -> Reply {
    let [status, etag, body] = [0, 1, 2].map(|index| response.get(index));
    let status = status.as_f64().map(|status| format!("{status}"));
    let Some(status) = status.and_then(|status| status.parse().ok()) else {
        return Reply::Failed;
    };
    match body.dyn_into::<Uint8Array>() {
        Err(_) => Reply::TooLarge,
        Ok(body) => Reply::Response {
            status,
            etag: etag.as_string(),
            body: body.to_vec(),
        },
    }
}

fn packed<'a>(pairs: impl Iterator<Item = (&'static str, &'a str)>) -> String {
    let mut packed = String::new();
    for (position, (name, value)) in pairs.enumerate() {
        if position > 0 {
            packed.push(SEPARATOR);
        }
        packed.push_str(name);
        packed.push(SEPARATOR);
        packed.push_str(value);
    }
    packed
}
