//! Keys: fetched once for many requests, and kept while the issuer is away or talks nonsense.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use super::gate::Gate;
use super::stub::Stub;
use super::{expect, expect_status, wire};
use crate::process::Done;

pub(super) fn one_fetch(folder: &Path, built: &Path) -> Done {
    let gate = Gate::start(folder, built)?;
    gate.stub.control(&json!({ "keys": "slow" }))?;
    let bearer = gate.stub.bearer(&json!({}))?;
    let statuses = std::thread::scope(|scope| {
        let ask = || gate.status("/profile", &bearer).unwrap_or(0);
        let asked: Vec<_> = (0..20).map(|_| scope.spawn(ask)).collect();
        let statuses = asked.into_iter().map(|it| it.join().unwrap_or(0));
        statuses.collect::<Vec<u16>>()
    });
    expect(
        statuses.iter().all(|status| *status == 200),
        format!("whoever comes while keys are fetched gets its turn: {statuses:?}"),
    )?;
    for _ in 0..50 {
        expect_status(gate.status("/profile", &bearer)?, 200, "the next")?;
    }
    let (keys, feed) = gate.stub.counts()?;
    expect(
        keys == 1,
        format!("keys are fetched once, not {keys} times"),
    )?;
    // A feed that came before the keys is fetched once more.
    expect(
        feed <= 2,
        format!("and the feed once or twice, not {feed} times"),
    )
}

pub(super) fn outage(folder: &Path, built: &Path) -> Done {
    let stub = Stub::start(folder)?;
    stub.control(&json!({ "keys": "down", "feed": "down" }))?;
    let gate = Gate::start_beside(stub, folder, built)?;
    let bearer = gate.stub.bearer(&json!({}))?;
    let without = wire::get(gate.port, "/profile", &[&bearer])?;
    expect_status(without.status, 503, "a token without keys")?;
    expect(
        without.code() == "keys_unavailable" && without.has("retry-after: 1"),
        "it says why",
    )?;
    expect_status(gate.status("/files/a", &bearer)?, 200, "what needs no keys")?;
    gate.stub
        .control(&json!({ "keys": "good", "feed": "good" }))?;
    gate.becomes(200, "with keys", || gate.status("/profile", &bearer))?;
    let asked_while = |mode: &str, ahead: u64| -> Done<Duration> {
        gate.stub.control(&json!({ "keys": mode, "feed": mode }))?;
        gate.stub.go_ahead(ahead)?;
        let bearer = gate.stub.bearer(&json!({}))?;
        let started = Instant::now();
        let status = gate.status("/profile", &bearer)?;
        expect_status(status, 200, &format!("with keys from before, {mode}"))?;
        Ok(started.elapsed())
    };
    let at_once = Duration::from_millis(400);
    for (mode, ahead) in [("down", 400), ("slow", 1_000)] {
        let took = asked_while(mode, ahead)?;
        expect(
            took < at_once,
            format!("nobody waits behind a failure while the issuer is {mode}, not even {took:?}"),
        )?;
        // What was begun ends before the next.
        std::thread::sleep(Duration::from_millis(800));
    }
    let took = asked_while("hanging", 1_600)?;
    expect(
        (Duration::from_millis(900)..Duration::from_secs(3)).contains(&took),
        format!("who finds old keys waits for others for a second, not {took:?}"),
    )?;
    let took = asked_while("hanging", 1_600)?;
    expect(
        took < at_once,
        format!("and then nobody does, not even {took:?}"),
    )?;
    gate.stub.go_ahead(100_000)?;
    let bearer = gate.stub.bearer(&json!({}))?;
    expect_status(gate.status("/profile", &bearer)?, 503, "keys a day old")
}

pub(super) fn bad_answers(folder: &Path, built: &Path) -> Done {
    let gate = Gate::start(folder, built)?;
    let bearer = gate.stub.bearer(&json!({}))?;
    expect_status(gate.status("/profile", &bearer)?, 200, "at first")?;
    let mut ahead = 0_u64;
    for mode in [
        "rubbish", "huge", "endless", "redirect", "error", "absent", "down",
    ] {
        ahead = ahead.saturating_add(400);
        gate.stub.control(&json!({ "keys": mode, "feed": mode }))?;
        gate.stub.go_ahead(ahead)?;
        let (before, _) = gate.stub.counts()?;
        let bearer = gate.stub.bearer(&json!({}))?;
        expect_status(gate.status("/profile", &bearer)?, 200, mode)?;
        std::thread::sleep(Duration::from_millis(300));
        expect_status(
            gate.status("/profile", &bearer)?,
            200,
            &format!("after {mode}"),
        )?;
        let (after, _) = gate.stub.counts()?;
        expect(after > before, format!("keys were asked for while {mode}"))?;
    }
    Ok(())
}

pub(super) fn abandoned(folder: &Path, built: &Path) -> Done {
    let gate = Gate::start(folder, built)?;
    gate.stub.control(&json!({ "keys": "slow" }))?;
    let bearer = gate.stub.bearer(&json!({}))?;
    wire::abandon(gate.port, &wire::head("GET", "/profile", &[&bearer]))?;
    gate.becomes(200, "after the first has hung up", || {
        gate.status("/profile", &bearer)
    })?;
    let (keys, _) = gate.stub.counts()?;
    expect(keys == 1, format!("by its fetch, not by {keys}"))
}

/// A key is withdrawn while nobody asks: what it signed isn't let through once more.
pub(super) fn withdrawn(folder: &Path, built: &Path) -> Done {
    let gate = Gate::start(folder, built)?;
    let bearer = gate.stub.bearer(&json!({}))?;
    expect_status(
        gate.status("/profile", &bearer)?,
        200,
        "while its key is there",
    )?;
    gate.stub.control(&json!({ "keys": "withdrawn" }))?;
    gate.stub.go_ahead(400)?;
    let bearer = gate.stub.bearer(&json!({}))?;
    expect_status(
        gate.status("/profile", &bearer)?,
        401,
        "the first after that",
    )
}
