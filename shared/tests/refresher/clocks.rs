//! Clocks that are set, leap, and are read by several threads.

use signet_verifier::refresher::{Config, Document, Next, Refresher, Reply};

use crate::host::{HOUR, Host, SECOND, START, gate, millis};
use crate::issuer::{ISSUER, jwks, ok};

#[test]
fn a_clock_set_back_delays_nothing_beyond_its_interval() {
    for back in [1, 500, SECOND, 2 * SECOND, HOUR, 1_000 * HOUR, START] {
        let mut host = Host::settled();
        host.clock_behind = back;
        // A second of it looks like threads that read the clock out of order.
        host.run(7 * SECOND);
        assert!(!host.times(Document::Feed).is_empty(), "{back}");
        host.run(264 * SECOND);
        assert!(!host.times(Document::Keys).is_empty(), "{back}");
    }
}

#[test]
fn a_clock_set_back_again_and_again_stops_nothing() {
    let mut host = Host::with(Config::of_issuer(ISSUER).without_feed(), 1);
    for _ in 0..600 {
        host.run(2 * SECOND);
        host.clock_behind += 2 * SECOND;
    }
    let gaps = host.gaps(Document::Keys);
    assert!(
        gaps.len() >= 4 && gaps.iter().all(|gap| *gap <= 264_000),
        "{gaps:?}"
    );
}

#[test]
fn a_clock_set_back_during_an_outage_keeps_the_back_off() {
    let mut host = Host::settled();
    host.issuer.instead = Some(|_| Reply::Failed);
    host.run(HOUR);
    host.clock_behind = HOUR / 2;
    host.issuer.instead = None;
    host.issuer.published = vec!["k2"];
    host.run(60 * SECOND + host.latency);
    assert!(host.trusts("k2"));
}

#[test]
fn after_a_sleep_everything_is_fetched_at_once() {
    let mut host = Host::settled();
    host.now += 8 * HOUR;
    host.run(host.latency);
    assert_eq!(host.fetches.len(), 2);
    assert!(host.has_fresh_feed());
}

#[test]
fn a_clock_that_starts_in_1970_and_is_set_then_has_keys_again_at_once() {
    let mut host = Host::with(Config::of_issuer(ISSUER).without_feed(), 1);
    host.clock_behind = START;
    host.run(SECOND);
    assert!(host.trusts("k1"));
    host.clock_behind = 0;
    assert!(!host.trusts("k1"), "they seem to be very old");
    host.run(host.latency);
    assert!(host.trusts("k1"));
}

#[test]
fn a_clock_set_back_during_a_fetch_doesnt_make_keys_younger() {
    let mut host = Host::with(Config::of_issuer(ISSUER).without_feed(), 1);
    host.loses = true;
    host.run(0);
    let ticket = host.fetches[0].1.ticket;
    host.clock_behind = 10 * HOUR;
    let reply = ok(jwks(&["k1"]));
    host.deliver(ticket, reply.answer()).expect("good keys");
    host.now += 24 * HOUR - 1;
    assert!(host.trusts("k1"));
    host.now += 1;
    assert!(!host.trusts("k1"));
}

#[test]
fn threads_that_read_the_clock_out_of_order_make_it_no_faster() {
    let mut host = Host::settled();
    for round in 0..10_000 {
        host.run(1);
        let late_by = round * 7 % 900;
        let read_earlier = millis(host.now - late_by);
        host.refresher.want(Document::Keys, read_earlier);
        host.refresher.want(Document::Feed, read_earlier);
    }
    assert!(host.times(Document::Keys).len() <= 2);
    assert!(host.times(Document::Feed).len() <= 11);
}

#[test]
fn both_ends_of_time_are_times() {
    for seed in 0..100 {
        let mut refresher = Refresher::new(Config::of_issuer(ISSUER), seed);
        let mut gate = gate();
        let mut handed_out = 0;
        for now in [u64::MAX, 0, u64::MAX, u64::MAX - 1, 0, START, START + 1] {
            for _ in 0..2 {
                refresher.want(Document::Keys, millis(now));
                if let Next::Fetch(fetch) = refresher.poll(millis(now)) {
                    handed_out += 1;
                    let reply = match seed % 2 {
                        0 => Reply::Failed,
                        _ => ok(jwks(&["k1"])),
                    };
                    let _ =
                        refresher.on_response(millis(now), fetch.ticket, reply.answer(), &mut gate);
                }
            }
        }
        assert!(handed_out >= 4);
        assert!(matches!(refresher.poll(millis(START + 1)), Next::Wait(_)));
    }
}
