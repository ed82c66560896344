//! The verifier as a Cloudflare Worker in front of an origin.
//!
//! # The path of a request
//!
//! 1. [`head`]: what the runtime tells of a request becomes what the gate reads.
//! 2. [`isolate`]: the gate decides with what the isolate knows, and what is due is fetched behind
//!    the answer.
//! 3. [`fetch`]: the request goes to the origin without what the decision takes away and with what
//!    it sets, and the origin's response to the client as it is. Or the gate's own answer goes, and
//!    the origin never sees the request.
//!
//! Where all is there, this happens in one go, without a future: a request that is let through costs
//! two crossings between JavaScript and Wasm, in [`host`]. Only where keys or a required feed are
//! missing altogether, or somebody would be let through by old ones, and newer may come, it waits, for
//! [`PATIENCE`] at most.
//!
//! Nothing here lets a request through but an allowing decision. A configuration that can't be used
//! is 500 for every request, and so is a panic; the runtime then begins anew with a fresh instance.
//!
//! # Adding something
//!
//! A setting belongs to [`configuration`] and `deploy/worker/wrangler.toml`. What only the runtime can
//! do belongs to `host.js`, and no decision does.

mod configuration;
mod head;
mod host;
mod isolate;
mod line;
mod log;

use std::time::Duration;

use signet_verifier::gate::Answer;
use signet_verifier::refresher::config::FEED_PATIENCE;
use wasm_bindgen::prelude::*;
use worker::wasm_bindgen_futures::{JsFuture, future_to_promise};
use worker::worker_sys::web_sys::Request;
use worker::{Context, Env, console_error, worker_sys};

use crate::configuration::Misconfigured;
use crate::head::Head;
use crate::isolate::Ruling;

pub use line::decide_line;

/// How long a request waits for what must be there before it is decided about.
const PATIENCE: Duration = FEED_PATIENCE;

/// How often it looks meanwhile: so many times in [`PATIENCE`]. Counted, since the clock of a Worker
/// stands still at times.
const LOOKS: u32 = 100;

/// Answers a request: with a response, or with the promise of one.
#[wasm_bindgen]
pub fn fetch(request: Request, env: Env, context: worker_sys::Context) -> Result<JsValue, JsValue> {
    let context = Context::new(context);
    let head = host::head(&request);
    match isolate::decide(&Head::unpack(&head), &env, &context) {
        Ok(ruling) if ruling.is_worth_waiting => Ok(future_to_promise(async move {
            let ruling = decide_patiently(&head, &env, &context).await;
            let response = carry_out(&request, &env, ruling)?;
            JsFuture::from(worker::js_sys::Promise::resolve(&response)).await
        })
        .into()),
        ruling => carry_out(&request, &env, ruling),
    }
}

/// Decides anew, by a timer of its own, until it isn't worth waiting any more.
async fn decide_patiently(
    head: &str,
    env: &Env,
    context: &Context,
) -> Result<Ruling, Misconfigured> {
    let pause = PATIENCE.checked_div(LOOKS).unwrap_or(PATIENCE);
    for _ in 1..LOOKS {
        host::pause(pause).await;
        let ruling = isolate::decide(&Head::unpack(head), env, context)?;
        if !ruling.is_worth_waiting {
            return Ok(ruling);
        }
    }
    host::pause(pause).await;
    isolate::decide(&Head::unpack(head), env, context)
}

fn carry_out(
    request: &Request,
    env: &Env,
    ruling: Result<Ruling, Misconfigured>,
) -> Result<JsValue, JsValue> {
    match ruling {
        Ok(Ruling { decision, url, .. }) => match decision.answer() {
            None => host::forward(request, env, url.as_deref(), &decision).map(JsValue::from),
            Some(answer) => Ok(host::answer(&answer).into()),
        },
        Err(fault) => {
            console_error!("signet: nothing is let through: {fault}");
            Ok(host::answer(&internal_error()).into())
        }
    }
}

/// The issuer's own answer where something is wrong with it.
fn internal_error() -> Answer {
    Answer {
        status: 500,
        headers: vec![
            ("content-type", "application/problem+json".into()),
            ("cache-control", "no-store".into()),
        ],
        body: r#"{"type":"urn:signet:problem:internal_error","title":"Internal error","status":500,"code":"internal_error"}"#.into(),
    }
}
