//! An issuer that is away, slow or wrong.

use std::path::Path;

use super::origin::Origin;
use super::proxy::Proxy;
use super::stub::{AUDIENCE, Age, ISSUER, Manner, Stub, token, token_of_key};
use super::wire::get;
use super::{CONNECTIONS, all_threads_have_keys, policy, until};
use crate::interop::expect;
use crate::process::Done;

pub(super) fn run(folder: &Path, filter: &Path) -> Done {
    let (stub, origin) = (Stub::start()?, Origin::start()?);
    stub.serve_feed(Manner::Good, Age::Fresh);
    let policy = policy(ISSUER, AUDIENCE);
    let mut proxy = Proxy::start(folder, filter, &policy, origin.port(), stub.port())?;
    let good = token("ses_1");
    until("the issuer is asked", || Ok(stub.keys_served() > 0))?;
    let answer = get(proxy.port(), "/known", Some(&good))?;
    let is_told = answer.status == 503
        && answer.body.contains("keys_unavailable")
        && answer.head.contains("retry-after: 1\r\n");
    expect(is_told, "without keys it is 503")?;
    let status = get(proxy.port(), "/open", None)?.status;
    expect(status == 200, "what needs no keys goes on")?;

    stub.serve_keys(Manner::Good);
    all_threads_have_keys(&proxy, &good)?;
    // Wanting keys has them fetched again, once; from then on it is failures that do.
    let unknown = token_of_key("ses_1", "unknown");
    let mut asked = stub.keys_served();
    for manner in [
        Manner::Rubbish,
        Manner::Huge,
        Manner::Redirect,
        Manner::Slow,
        Manner::Away,
    ] {
        stub.serve_keys(manner);
        until("keys are asked for again", || {
            let status = get(proxy.port(), "/known", Some(&unknown))?.status;
            expect(status == 401, "an unknown key is no good one")?;
            Ok(stub.keys_served() > asked)
        })?;
        asked = stub.keys_served();
        for _ in 0..CONNECTIONS {
            let answer = get(proxy.port(), "/known", Some(&good))?;
            let what = format!("{manner:?} leaves the last good keys: {}", answer.text());
            expect(answer.status == 200, &what)?;
        }
    }
    // So far it was good, so it is asked for every few seconds: not as rarely as what keeps failing.
    stub.serve_feed(Manner::Huge, Age::Fresh);
    let feeds = stub.feeds_served();
    until("the feed is asked for", || Ok(stub.feeds_served() > feeds))?;
    for fault in ["malformed", "too_large", "redirect"] {
        let name = format!("wasmcustom.signet.fetch_faults.keys.{fault}");
        expect(proxy.count(&name)? == 1, &format!("{fault} is counted"))?;
    }
    expect(proxy.is_well()?, "no virtual machine has ended")
}
