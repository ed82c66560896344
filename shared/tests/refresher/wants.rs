//! What decisions lack, ten thousand times.

use signet_verifier::refresher::{Document, Reply};

use crate::host::{HOUR, Host, SECOND};
use crate::issuer::{Feed, ok};

#[test]
fn ten_thousand_unknown_kids_are_two_fetches_at_most() {
    for started in [0, 3 * SECOND, 60 * SECOND] {
        let mut host = Host::new();
        host.run(started);
        host.fetches.clear();
        for _ in 0..10_000 {
            host.run(1);
            host.want(Document::Keys);
        }
        let fetches = host.times(Document::Keys).len();
        assert!((1..=2).contains(&fetches), "{fetches} after {started} ms");
    }
}

#[test]
fn a_flood_of_unknown_kids_fetches_keys_every_10_seconds_and_no_more() {
    let mut host = Host::settled();
    while host.fetches.len() < 1_000 {
        host.run(100);
        host.want(Document::Keys);
    }
    let gaps = host.gaps(Document::Keys);
    assert!(
        gaps.iter().all(|gap| (10_000..=10_100).contains(gap)),
        "{gaps:?}"
    );
}

#[test]
fn the_first_token_of_a_new_key_fetches_it() {
    let mut host = Host::settled();
    host.issuer.published = vec!["k1", "k2"];
    assert!(!host.trusts("k2"));
    host.want(Document::Keys);
    host.run(host.latency);
    assert!(host.trusts("k2"));
}

#[test]
fn a_key_published_right_after_a_fetch_is_here_10_seconds_after_it() {
    let mut host = Host::settled();
    host.want(Document::Keys);
    host.run(host.latency);
    host.issuer.published = vec!["k1", "k2"];
    host.want(Document::Keys);
    host.run(10 * SECOND);
    assert!(host.trusts("k2"));
}

#[test]
fn wanting_keys_of_an_issuer_that_is_down_doesnt_help() {
    let fetches = |wanted: bool| {
        let mut host = Host::settled();
        host.issuer.instead = Some(|_| Reply::Failed);
        host.want(Document::Keys);
        for _ in 0..6_000 {
            host.run(100);
            if wanted {
                host.want(Document::Keys);
                host.want(Document::Feed);
            }
        }
        host.fetches.len()
    };
    assert!(fetches(true).abs_diff(fetches(false)) <= 3);
}

#[test]
fn a_required_feed_is_fetched_at_once_after_a_sleep() {
    let mut host = Host::settled();
    host.now += HOUR;
    assert!(!host.has_fresh_feed());
    host.want(Document::Feed);
    host.run(host.latency);
    assert!(host.has_fresh_feed());
}

#[test]
fn a_feed_that_stays_stale_is_fetched_once_a_second_however_many_rules_require_it() {
    let mut host = Host::settled();
    host.issuer.instead = Some(|document| match document {
        Document::Keys => Reply::Failed,
        Document::Feed => ok(Feed::snapshot(0, 1_700_000_000).signed_by("k1")),
    });
    host.run(60 * SECOND);
    assert!(!host.has_fresh_feed());
    host.fetches.clear();
    for _ in 0..1_000 {
        host.run(10);
        host.want(Document::Feed);
    }
    let fetches = host.times(Document::Feed).len();
    assert!((9..=11).contains(&fetches), "{fetches} in ten seconds");
}

#[test]
fn what_is_wanted_while_it_is_on_its_way_is_fetched_once() {
    let mut host = Host::new();
    host.latency = 3_000;
    for _ in 0..29 {
        host.run(100);
        host.want(Document::Keys);
        host.want(Document::Feed);
    }
    assert_eq!(host.fetches.len(), 2);
}
