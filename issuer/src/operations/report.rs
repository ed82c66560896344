//! Everything that is shown at `/metrics`. What it means to an operator, and what to be woken for,
//! is in `docs/OPERATIONS.md`.

use std::time::Duration;

use signet_core::names::Named;
use signet_core::ports::operations::OutboxCounts;
use signet_core::tally::Counts;
use signet_store_redis::RedisClient;

use super::Operations;
use super::exposition::Exposition;
use super::process;
use crate::http::App;
use crate::http::tally::StoreTrouble;

/// How old a feed may be that is served to nobody but the report.
const FEED_AGE: Duration = Duration::from_secs(1);

pub(super) async fn of(operations: &Operations) -> String {
    let Operations {
        app,
        limiter,
        redis,
        started_at,
    } = operations;
    let issuer = &app.issuer;
    let (outbox, feed) = tokio::join!(
        operations.ask(issuer.outbox_counts()),
        issuer.recent_feed(FEED_AGE),
    );
    let mut text = Exposition::default();
    let mut family = text.gauge("signet_build_info", "Always 1, with what is running.");
    family.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    http(&mut text, app);
    use_cases(&mut text, app);
    hashes(&mut text, app);
    let name = "signet_rate_limited_total";
    let mut family = text.counter(name, "Units of a budget that were refused.");
    for (class, count) in limiter.refused() {
        family.sample(&[("class", class)], count);
    }
    store(&mut text, app, outbox.is_some());
    let name = "signet_feed_signed";
    text.gauge(name, "Whether there is a revocation feed to be fetched.")
        .sample(&[], u8::from(feed.is_ok()));
    let name = "signet_clock_plausible";
    text.gauge(name, "Whether the clock is right, for all that is known.")
        .sample(&[], u8::from(issuer.clock_is_plausible()));
    if let Some(outbox) = outbox {
        self::outbox(&mut text, app, outbox);
    }
    if let Some(redis) = redis {
        self::redis(&mut text, redis);
    }
    text.append(app.trust.metrics());
    process::show(&mut text, *started_at);
    text.finish()
}

fn http(text: &mut Exposition, app: &App) {
    let asked = app.tally.operations();
    let name = "signet_http_requests_total";
    let mut family = text.counter(name, "Requests answered, by template of the path.");
    for operation in &asked {
        let (route, method) = (operation.route, operation.method.as_str());
        for (status, count) in operation.by_class() {
            let labels = [("route", route), ("method", method), ("status", status)];
            family.sample(&labels, count);
        }
    }
    let name = "signet_http_request_duration_seconds";
    let mut family = text.histogram(name, "Time until an answer was ready.");
    for operation in &asked {
        let labels = [
            ("route", operation.route),
            ("method", operation.method.as_str()),
        ];
        family.observed(&labels, &operation.took());
    }
    let name = "signet_http_requests_in_flight";
    let mut family = text.gauge(name, "Requests that are being answered.");
    family.sample(&[], app.tally.in_flight());
    let name = "signet_http_problems_total";
    let mut family = text.counter(name, "Problem documents and pages sent, by code.");
    for (code, count) in app.tally.problems() {
        family.sample(&[("code", code)], count);
    }
}

fn use_cases(text: &mut Exposition, app: &App) {
    let tally = app.issuer.tally();
    let (name, help) = ("signet_logins_total", "Logins, by what came of them.");
    counted(text, name, help, "outcome", &tally.logins);
    let (name, help) = (
        "signet_refreshes_total",
        "Refresh tokens, by what came of them.",
    );
    counted(text, name, help, "outcome", &tally.refreshes);
    let (name, help) = (
        "signet_registrations_total",
        "Registrations that came so far.",
    );
    counted(text, name, help, "step", &tally.registrations);
    let (name, help) = (
        "signet_resets_total",
        "Forgotten passwords that came so far.",
    );
    counted(text, name, help, "step", &tally.resets);
    let name = "signet_mails_total";
    let mut family = text.counter(name, "Tries to hand a message over, by what came of them.");
    for ((kind, outcome), count) in tally.mails() {
        family.sample(&[("kind", kind), ("outcome", outcome)], count);
    }
}

fn counted<T: Named>(
    text: &mut Exposition,
    name: &'static str,
    help: &str,
    label: &'static str,
    counts: &Counts<T>,
) {
    let mut family = text.counter(name, help);
    for (outcome, count) in counts.read() {
        family.sample(&[(label, outcome.name())], count);
    }
}

fn hashes(text: &mut Exposition, app: &App) {
    let (load, times) = (app.issuer.hashing().load(), app.issuer.hashing().times());
    let name = "signet_hashes_running";
    text.gauge(name, "Passwords that are being hashed or checked.")
        .sample(&[], load.running);
    let name = "signet_hashes_waiting";
    text.gauge(name, "Passwords that wait for that.")
        .sample(&[], load.waiting);
    let name = "signet_hashes_total";
    let mut family = text.counter(name, "Passwords that were to be hashed or checked.");
    for (outcome, count) in [
        ("done", load.done),
        ("refused", load.refused),
        ("late", load.late),
    ] {
        family.sample(&[("outcome", outcome)], count);
    }
    let name = "signet_hash_duration_seconds";
    text.histogram(name, "Time of one hash.")
        .observed(&[], &times.hashing);
    let name = "signet_hash_wait_seconds";
    text.histogram(name, "Wait for a hash to begin.")
        .observed(&[], &times.waiting);
}

fn store(text: &mut Exposition, app: &App, is_up: bool) {
    let name = "signet_store_up";
    text.gauge(name, "Whether the database answered just now.")
        .sample(&[], u8::from(is_up));
    let name = "signet_store_errors_total";
    let mut family = text.counter(
        name,
        "Questions that the database or Redis failed to answer.",
    );
    for trouble in StoreTrouble::ALL {
        family.sample(
            &[("kind", trouble.as_str())],
            app.tally.store_errors(trouble),
        );
    }
}

fn outbox(text: &mut Exposition, app: &App, outbox: OutboxCounts) {
    let name = "signet_outbox_messages";
    let mut family = text.gauge(name, "Messages in the outbox.");
    let OutboxCounts {
        due,
        waiting,
        dead,
        oldest,
    } = outbox;
    for (state, count) in [("due", due), ("waiting", waiting), ("dead", dead)] {
        family.sample(&[("state", state)], count);
    }
    let age = oldest.map_or(0, |then| {
        app.issuer.now().as_secs().saturating_sub(then.as_secs())
    });
    let name = "signet_outbox_oldest_seconds";
    text.gauge(name, "Age of the oldest message that isn't dead.")
        .sample(&[], age);
}

fn redis(text: &mut Exposition, redis: &RedisClient) {
    let standing = *redis.standing().borrow();
    let name = "signet_redis_up";
    let is_asked = u8::from(!standing.is_away);
    text.gauge(name, "Whether Redis is asked; 0 while it is left alone.")
        .sample(&[], is_asked);
    let name = "signet_redis_outages_total";
    let mut family = text.counter(name, "How often Redis was given up.");
    family.sample(&[], standing.outages);
}
