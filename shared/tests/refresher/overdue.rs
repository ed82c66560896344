//! What is old after a pause, and for how long that is worth waiting.

use signet_verifier::refresher::{Config, Document, Next, Refresher, Reply};
use signet_verifier::{Gate, KeySet};

use crate::host::{HOUR, Host, SECOND, START, gate, millis};
use crate::issuer::{Feed, ISSUER, jwks, ok};

const DOCUMENTS: [Document; 2] = [Document::Keys, Document::Feed];

/// A host that nobody has asked for so long; nothing of what is due has begun.
fn after_a_pause(duration: u64) -> Host {
    let mut host = Host::settled();
    host.now += duration;
    host
}

/// Which documents are overdue.
fn overdue(host: &mut Host) -> [bool; 2] {
    DOCUMENTS.map(|document| host.is_overdue(document))
}

#[test]
fn nothing_is_overdue_while_a_host_runs() {
    let mut host = Host::settled();
    for _ in 0..3_600 {
        host.run(SECOND);
        assert_eq!(overdue(&mut host), [false, false], "at {}", host.now);
    }
}

#[test]
fn keys_are_old_after_300_seconds_and_a_feed_when_it_is_over() {
    // Settled for a minute, with keys from its beginning and a feed that was signed at most 15
    // seconds ago.
    for (pause, is_old) in [
        (0, [false, false]),
        (14_000, [false, false]),
        (31_000, [false, true]),
        (240_000, [false, true]),
        (240_001, [true, true]),
        (10 * HOUR, [true, true]),
    ] {
        let mut host = after_a_pause(pause);
        assert_eq!(overdue(&mut host), is_old, "{pause} ms");
    }
}

#[test]
fn what_is_overdue_is_so_until_it_comes() {
    let mut host = after_a_pause(HOUR);
    host.run(host.latency - 1);
    assert_eq!(overdue(&mut host), [true, true]);
    host.run(1);
    assert_eq!(overdue(&mut host), [false, false]);
    assert_eq!(host.fetches.len(), 2, "however often that was asked");
}

#[test]
fn a_fetch_that_takes_longer_is_not_waited_for() {
    let mut host = after_a_pause(HOUR);
    host.latency = 3 * SECOND;
    host.run(SECOND - 1);
    assert_eq!(overdue(&mut host), [true, true]);
    host.run(1);
    assert_eq!(overdue(&mut host), [false, false]);
    host.run(2 * SECOND);
    assert!(host.has_fresh_feed());
    assert_eq!(overdue(&mut host), [false, false]);
}

#[test]
fn behind_a_failure_nothing_is_waited_for() {
    let mut host = after_a_pause(HOUR);
    host.issuer.instead = Some(|_| Reply::Failed);
    host.run(host.latency);
    for _ in 0..600 {
        host.run(SECOND);
        assert_eq!(overdue(&mut host), [false, false], "at {}", host.now);
    }
    host.issuer.instead = None;
    host.run(60 * SECOND + host.latency);
    host.now += HOUR;
    assert_eq!(overdue(&mut host), [true, true], "all was well again");
}

#[test]
fn a_source_of_old_feeds_delays_nobody() {
    let mut host = Host::settled();
    host.issuer.instead = Some(|document| match document {
        Document::Keys => ok(jwks(&["k1"])),
        Document::Feed => ok(Feed::snapshot(0, START / SECOND).signed_by("k1")),
    });
    host.run(60 * SECOND);
    assert!(!host.has_fresh_feed());
    for _ in 0..600 {
        host.run(100);
        assert_eq!(overdue(&mut host), [false, false], "at {}", host.now);
    }
}

#[test]
fn at_the_start_everything_is_overdue_and_a_feed_that_came_before_its_key_too() {
    let mut refresher = Refresher::new(Config::of_issuer(ISSUER), 1);
    let mut gate = gate();
    // Pinned, and fetched by nobody.
    gate.install_keys(KeySet::from_jwks(jwks(&["k0"]).as_bytes()).unwrap().key_set);
    let now = millis(START);
    let overdue = |refresher: &mut Refresher, gate: &Gate| {
        DOCUMENTS.map(|document| refresher.is_overdue(document, gate, now))
    };
    assert_eq!(overdue(&mut refresher, &gate), [true, true]);
    let tickets = DOCUMENTS.map(|_| match refresher.poll(now) {
        Next::Fetch(fetch) => fetch.ticket,
        Next::Wait(until) => panic!("waits until {until}"),
    });
    assert_eq!(overdue(&mut refresher, &gate), [true, true]);
    let [keys, feed] = tickets;
    let early = ok(Feed::snapshot(3, START / SECOND).signed_by("k1"));
    let outcome = refresher.on_response(now, feed, early.answer(), &mut gate);
    assert!(outcome.is_err());
    assert_eq!(overdue(&mut refresher, &gate), [true, false]);
    let jwks = ok(jwks(&["k1"]));
    let outcome = refresher.on_response(now, keys, jwks.answer(), &mut gate);
    assert!(outcome.is_ok());
    assert_eq!(overdue(&mut refresher, &gate), [false, true]);
    let Next::Fetch(fetch) = refresher.poll(now) else {
        panic!("the feed can be read now");
    };
    let outcome = refresher.on_response(now, fetch.ticket, early.answer(), &mut gate);
    assert!(outcome.is_ok());
    assert_eq!(overdue(&mut refresher, &gate), [false, false]);
}

#[test]
fn without_a_feed_none_is_overdue() {
    let mut host = Host::with(Config::of_issuer(ISSUER).without_feed(), 1);
    host.run(SECOND);
    host.now += HOUR;
    assert_eq!(overdue(&mut host), [true, false]);
}
