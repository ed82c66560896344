//! Feeds: fetched before they are required, and what is in them is over.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use super::gate::Gate;
use super::{expect, expect_status};
use crate::process::Done;

pub(super) fn required_feed(folder: &Path, built: &Path) -> Done {
    let gate = Gate::start(folder, built)?;
    let bearer = gate.stub.bearer(&json!({}))?;
    let (status, code) = gate.rotate(&bearer)?;
    expect_status(status, 200, &format!("the first request, with {code:?},"))?;
    gate.stub.go_ahead(60)?;
    let (status, _) = gate.rotate(&bearer)?;
    expect_status(status, 200, "one after an idle minute")?;
    gate.stub.control(&json!({ "feed": "hanging" }))?;
    gate.stub.go_ahead(120)?;
    let started = Instant::now();
    let (status, code) = gate.rotate(&bearer)?;
    let took = started.elapsed();
    expect(
        status == 503 && code == "revocation_unavailable",
        format!("a stale feed is 503, not {status} {code}"),
    )?;
    expect(
        (Duration::from_millis(900)..Duration::from_secs(3)).contains(&took),
        format!("after a second, not {took:?}"),
    )?;
    expect_status(gate.status("/profile", &bearer)?, 200, "what requires none")?;
    gate.stub.control(&json!({ "feed": "good" }))?;
    gate.stub.go_ahead(180)?;
    gate.becomes(200, "with a feed again", || Ok(gate.rotate(&bearer)?.0))
}

pub(super) fn revoked(folder: &Path, built: &Path) -> Done {
    let gate = Gate::start(folder, built)?;
    let bearer = gate.stub.bearer(&json!({ "sid": "ses_over" }))?;
    let other = gate.stub.bearer(&json!({ "sid": "ses_other" }))?;
    expect_status(gate.rotate(&bearer)?.0, 200, "before it ends")?;
    gate.stub.control(&json!({ "revoked": ["ses_over"] }))?;
    gate.stub.go_ahead(7)?;
    gate.becomes(401, "seconds after", || gate.status("/profile", &bearer))?;
    expect_status(gate.status("/profile", &other)?, 200, "another session")?;
    gate.stub.control(&json!({ "feed": "down" }))?;
    gate.stub.go_ahead(100)?;
    expect_status(gate.status("/profile", &bearer)?, 401, "without the issuer")?;
    expect_status(
        gate.rotate(&bearer)?.0,
        401,
        "even where a fresh feed is missing",
    )
}

/// Sessions end while nobody asks. Whoever comes then is decided about by the feed of now, of which one
/// fetch is enough for all.
pub(super) fn after_a_pause(folder: &Path, built: &Path) -> Done {
    let gate = Gate::start(folder, built)?;
    let over = gate.stub.bearer(&json!({ "sid": "ses_over" }))?;
    let other = gate.stub.bearer(&json!({ "sid": "ses_other" }))?;
    gate.becomes(200, "with a feed", || Ok(gate.rotate(&other)?.0))?;
    expect_status(gate.status("/profile", &over)?, 200, "before it ends")?;
    let (_, before) = gate.stub.counts()?;
    gate.stub.control(&json!({ "revoked": ["ses_over"] }))?;
    gate.stub.go_ahead(60)?;
    let statuses = std::thread::scope(|scope| {
        let bearers = [&over, &other].repeat(10);
        let ask = |bearer: &String| gate.status("/profile", bearer).unwrap_or(0);
        let asked: Vec<_> = bearers
            .into_iter()
            .map(|bearer| scope.spawn(move || ask(bearer)))
            .collect();
        let statuses = asked.into_iter().map(|it| it.join().unwrap_or(0));
        statuses.collect::<Vec<u16>>()
    });
    expect(
        statuses == [401, 200].repeat(10),
        format!("one session is over, and the other isn't: {statuses:?}"),
    )?;
    let (_, after) = gate.stub.counts()?;
    expect(
        after == before.saturating_add(1),
        format!("one fetch is enough, of {before} and then {after}"),
    )
}
