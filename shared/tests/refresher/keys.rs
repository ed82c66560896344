//! The key set when all is well, when it changes, and when it gets old.

use core::time::Duration;

use signet_verifier::refresher::{Config, Document, Next, RefreshFault, Refresher, Reply};
use signet_verifier::revocation::FeedFault;

use crate::host::{HOUR, Host, SECOND, START, millis};
use crate::issuer::ISSUER;

fn without_feed() -> Host {
    Host::with(Config::of_issuer(ISSUER).without_feed(), 1)
}

#[test]
fn everything_is_fetched_at_the_first_poll_and_nothing_twice() {
    let mut refresher = Refresher::new(Config::of_issuer(ISSUER), 1);
    let mut fetched = Vec::new();
    while let Next::Fetch(fetch) = refresher.poll(millis(START)) {
        fetched.push(fetch.ticket.document);
    }
    assert_eq!(fetched, [Document::Keys, Document::Feed]);
}

#[test]
fn a_fetch_of_keys_says_what_the_host_has_to_do() {
    let mut host = without_feed();
    host.run(600 * SECOND);
    assert!(host.fetches.len() > 1);
    for (_, fetch) in host.fetches {
        assert_eq!(fetch.url, "https://auth.example.com/.well-known/jwks.json");
        assert!(fetch.headers().eq([("cache-control", "no-cache")]));
        assert_eq!(fetch.most_bytes, 65_536);
        assert_eq!(fetch.timeout, Duration::from_secs(5));
    }
}

#[test]
fn keys_come_from_where_the_host_says() {
    for (config, url) in [
        (
            Config::of_issuer("https://a.example/"),
            "https://a.example/.well-known/jwks.json",
        ),
        (
            Config::of_issuer(ISSUER).keys_url("http://10.0.0.1/keys"),
            "http://10.0.0.1/keys",
        ),
    ] {
        let mut refresher = Refresher::new(config, 1);
        let Next::Fetch(fetch) = refresher.poll(millis(START)) else {
            panic!("there are no keys yet");
        };
        assert_eq!(fetch.url, url);
    }
}

#[test]
fn keys_are_fetched_anew_before_they_are_300_seconds_old() {
    let mut host = without_feed();
    host.run(24 * HOUR);
    let gaps = host.gaps(Document::Keys);
    let [least, most] = [gaps.iter().min().unwrap(), gaps.iter().max().unwrap()];
    assert!((216_000..222_000).contains(least), "{least}");
    assert!((258_000..=264_000).contains(most), "{most}");
    assert_eq!(host.faults(Document::Keys), []);
}

#[test]
fn hosts_that_begin_together_drift_apart() {
    let next = |seed| {
        let mut host = Host::with(Config::of_issuer(ISSUER).without_feed(), seed);
        host.run(300 * SECOND);
        host.times(Document::Keys)[1]
    };
    let mut times: Vec<u64> = (0..100).map(next).collect();
    times.sort_unstable();
    times.dedup();
    assert!(times.len() > 90, "{} different times", times.len());
}

#[test]
fn a_rotation_that_publishes_before_it_signs_is_never_noticed() {
    let mut host = Host::new();
    host.run(SECOND);
    for (old, new) in [("k1", "k2"), ("k2", "k3"), ("k3", "k4")] {
        for (published, signer, minutes) in [
            (vec![old, new], old, 10),
            (vec![old, new], new, 10),
            (vec![new], new, 10),
        ] {
            host.issuer.published = published;
            host.issuer.signer = signer;
            for _ in 0..minutes * 60 {
                host.run(SECOND);
                assert!(host.trusts(signer), "{signer}, {}", host.now);
                assert!(host.has_fresh_feed(), "{signer}, {}", host.now);
            }
        }
    }
    // The first delta of another key has the whole feed fetched, at once.
    let gap = RefreshFault::Feed(FeedFault::Gap);
    assert_eq!(host.faults(Document::Feed), [gap; 3]);
}

#[test]
fn a_withdrawn_key_is_gone_with_the_next_fetch() {
    let mut host = Host::new();
    host.issuer.published = vec!["k1", "k2"];
    host.run(100 * SECOND);
    assert!(host.trusts("k2"));
    host.issuer.published = vec!["k1"];
    host.run(264 * SECOND + host.latency);
    assert!(!host.trusts("k2"));
    assert!(host.trusts("k1"));
}

#[test]
fn without_an_issuer_keys_are_good_for_24_hours_and_no_longer() {
    let mut host = without_feed();
    host.latency = 2_000;
    host.run(3 * SECOND);
    host.issuer.instead = Some(|_| Reply::Failed);
    host.now = START + 24 * HOUR - 1;
    assert!(host.trusts("k1"));
    host.now = START + 24 * HOUR;
    assert!(!host.trusts("k1"), "they were asked for 24 hours ago");
}

#[test]
fn an_issuer_that_comes_back_opens_the_gate_again() {
    let mut host = without_feed();
    host.run(SECOND);
    host.issuer.instead = Some(|_| Reply::Failed);
    host.run(25 * HOUR);
    assert!(!host.trusts("k1"));
    host.issuer.instead = None;
    host.run(61 * SECOND);
    assert!(host.trusts("k1"));
}

#[test]
fn keys_that_may_not_get_old_are_fetched_in_time() {
    for (max_stale, least, most) in [
        (60, 43_200, 52_800),
        (299, 215_280, 263_120),
        (3_600, 216_000, 264_000),
        (0, 10_000, 10_000),
    ] {
        let config = Config::of_issuer(ISSUER).without_feed();
        let mut host = Host::with(config.max_stale(Duration::from_secs(max_stale)), 1);
        host.run(SECOND);
        for _ in 0..1_000 {
            host.run(3 * SECOND);
            assert_eq!(host.trusts("k1"), max_stale != 0);
        }
        for gap in host.gaps(Document::Keys) {
            assert!((least..=most).contains(&gap), "{max_stale}: {gap}");
        }
    }
}
