//! The revocation feed. The issuer has none yet, so a stub signs it.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::origin::Origin;
use super::proxy::Proxy;
use super::stub::{AUDIENCE, Age, ISSUER, Manner, Stub, token};
use super::wire::{get, send};
use super::{CONNECTIONS, policy, until};
use crate::interop::expect;
use crate::process::{Done, Failure};

/// The longest time between the end of a session and the last thread that knows of it: the feed is
/// fetched every 4 to 6 seconds, and read within two ticks. The machine may be busy.
const SECONDS: Duration = Duration::from_secs(10);

pub(super) fn run(folder: &Path, filter: &Path) -> Done {
    let (stub, origin) = (Stub::start()?, Origin::start()?);
    stub.serve_keys(Manner::Good);
    stub.serve_feed(Manner::Good, Age::Fresh);
    let policy = policy(ISSUER, AUDIENCE);
    let mut proxy = Proxy::start(folder, filter, &policy, origin.port(), stub.port())?;
    let port = proxy.port();
    let (ends, stays) = (token("ses_1"), token("ses_2"));
    let are = |path: &str, token: &str, status: u16| -> Done<bool> {
        for _ in 0..CONNECTIONS {
            if get(port, path, Some(token))?.status != status {
                return Ok(false);
            }
        }
        Ok(true)
    };
    until("a strict rule has its feed", || are("/strict", &ends, 200))?;
    expect(stub.keys_served() == 1, "keys are asked for once")?;

    stub.end("ses_1");
    let ended = Instant::now();
    until("all threads refuse the session", || {
        are("/known", &ends, 401)
    })?;
    let took = ended.elapsed();
    expect(took < SECONDS, &format!("within {SECONDS:?}, not {took:?}"))?;
    expect(are("/strict", &stays, 200)?, "others go on")?;

    stub.serve_feed(Manner::Good, Age::Stale);
    until("the fresh feed is over", || are("/strict", &stays, 503))?;
    expect(are("/known", &stays, 200)?, "other rules need no fresh one")?;
    expect(are("/strict", &ends, 401)?, "the stale one still revokes")?;
    patience(&stub, &origin, port, &stays)?;

    stub.serve_feed(Manner::Away, Age::Stale);
    until("nobody waits for what has failed", || {
        let asked = Instant::now();
        let status = get(port, "/strict", Some(&stays))?.status;
        Ok(status != 200 && asked.elapsed() < Duration::from_millis(300))
    })?;
    expect(proxy.is_well()?, "no virtual machine has ended")
}

/// A request that needs a fresh feed waits until it is there, and not for long.
fn patience(stub: &Stub, origin: &Origin, port: u16, token: &str) -> Done {
    // More than Envoy takes in while it holds a request.
    let body = "b".repeat(100_000);
    let head = |method: &str, length: usize| {
        let line = format!("{method} /strict HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n");
        format!("{line}Authorization: Bearer {token}\r\n\r\n")
    };
    let timed = |request: &str| -> Done<(u16, Duration)> {
        let asked = Instant::now();
        let status = send(port, request.as_bytes())?.status;
        Ok((status, asked.elapsed()))
    };
    let gets = head("GET", 0);
    let posts = head("POST", body.len()) + &body;
    let after_a_fetch = || {
        // Those in their own time come every 4 to 6 seconds, those that are wanted once a second.
        thread::sleep(Duration::from_millis(1_200));
        let feeds = stub.feeds_served();
        until("a feed is fetched", || Ok(stub.feeds_served() > feeds))?;
        thread::sleep(Duration::from_millis(1_200));
        Ok::<(), Failure>(())
    };
    after_a_fetch()?;
    let (status, took) = timed(&posts)?;
    let waited = Duration::from_millis(900)..Duration::from_millis(2_500);
    let what = format!("in vain for a second: {status} after {took:?}");
    expect(status == 503 && waited.contains(&took), &what)?;

    after_a_fetch()?;
    let fetches = stub.feeds_served();
    stub.serve_feed(Manner::Good, Age::Fresh);
    let both = thread::scope(|scope| {
        let post = scope.spawn(|| timed(&posts));
        [
            timed(&gets),
            post.join()
                .unwrap_or_else(|_| Err(Failure::new("it panicked"))),
        ]
    });
    for timed in both {
        let (status, took) = timed?;
        let what = format!("until the feed is there: {status} after {took:?}");
        expect(status == 200 && took < Duration::from_secs(1), &what)?;
    }
    expect(stub.feeds_served() > fetches, "it was fetched for that")?;
    let mut arrived = origin.requests();
    arrived.retain(|request| request.starts_with("POST "));
    let [arrived] = &*arrived else {
        return Err(Failure::new(format!("{} of one arrive", arrived.len())));
    };
    let is_whole = arrived
        .split_once("\r\n\r\n")
        .is_some_and(|(_, it)| it == body);
    expect(is_whole, "a body that waited arrives whole")
}
