//! The feed: what is asked for, how soon a revocation is here, and what a doubtful answer leads to.

use core::time::Duration;

use signet_verifier::Rejection;
use signet_verifier::refresher::{
    Answer, Config, Document, Fetch, Next, RefreshFault, Refreshed, Refresher, Reply,
};
use signet_verifier::revocation::{Applied, FeedFault};

use crate::host::{HOUR, Host, SECOND, START, gate, millis};
use crate::issuer::{Feed, ISSUER, jwks, ok, with_status};

const URL: &str = "https://auth.example.com/.well-known/signet-revocations";

/// The fetches of feeds there were, without the keys'.
fn feeds(host: &Host) -> Vec<&Fetch> {
    let fetches = host.fetches.iter().map(|(_, fetch)| fetch);
    fetches
        .filter(|fetch| fetch.ticket.document == Document::Feed)
        .collect()
}

/// The next fetch of a feed, which then has no answer yet.
fn next_feed(host: &mut Host) -> Fetch {
    host.loses = true;
    host.fetches.clear();
    while feeds(host).is_empty() {
        host.run(100);
    }
    feeds(host)[0].clone()
}

#[test]
fn the_feed_is_fetched_every_4_to_6_seconds() {
    let mut host = Host::new();
    host.run(HOUR);
    let gaps = host.gaps(Document::Feed);
    let [least, most] = [gaps.iter().min().unwrap(), gaps.iter().max().unwrap()];
    assert!((4_000..4_100).contains(least), "{least}");
    assert!((5_900..=6_000).contains(most), "{most}");
    assert!(host.faults(Document::Feed).is_empty());
}

#[test]
fn a_fetch_of_the_feed_says_what_the_host_has_to_do() {
    let mut host = Host::new();
    host.issuer.end_session(START);
    host.run(20 * SECOND);
    let [first, second, ..] = feeds(&host)[..] else {
        panic!("two feeds were due");
    };
    assert_eq!(first.url, URL);
    assert!(first.headers().eq([("cache-control", "no-cache")]));
    assert_eq!(second.url, format!("{URL}?since=1.1"));
    assert!(second.headers().eq([
        ("cache-control", "no-cache"),
        ("if-none-match", "W/\"1.1.1800000000\"")
    ]));
    for fetch in [first, second] {
        assert_eq!(fetch.most_bytes, 262_144);
        assert_eq!(fetch.timeout, Duration::from_secs(4));
    }
}

#[test]
fn a_host_that_wants_no_deltas_asks_for_everything_that_is_new() {
    let mut host = Host::with(Config::of_issuer(ISSUER).without_deltas(), 1);
    host.issuer.end_session(START);
    host.run(SECOND);
    let next = next_feed(&mut host);
    assert_eq!(next.url, URL);
    assert_eq!(next.if_none_match.as_deref(), Some("W/\"1.1.1800000000\""));
}

#[test]
fn since_comes_behind_what_the_url_already_asks() {
    let mut host = Host::with(Config::of_issuer(ISSUER).feed_url("https://a/feed?of=b"), 1);
    host.issuer.end_session(START);
    host.run(SECOND);
    assert_eq!(next_feed(&mut host).url, "https://a/feed?of=b&since=1.1");
}

#[test]
fn a_revocation_is_seen_within_6_seconds_and_the_way_here() {
    let mut host = Host::settled();
    for round in 0..500 {
        host.run(1_000 + round * 37 % 4_000);
        host.issuer.end_session(host.now);
        let published_at = host.now;
        while host.seq() != Some(host.issuer.seq()) {
            host.run(20);
            let waited = host.now - published_at;
            assert!(waited <= 6_000 + host.latency + 20, "{waited} ms");
        }
    }
    assert!(host.faults(Document::Feed).is_empty());
    assert!(feeds(&host).iter().all(|fetch| fetch.url.contains("since")));
}

#[test]
fn the_feed_is_always_fresh_when_all_is_well() {
    let mut host = Host::settled();
    for _ in 0..3_600 {
        host.run(SECOND);
        assert!(host.has_fresh_feed(), "at {}", host.now);
    }
    let not_modified = |(_, _, outcome): &&(_, _, Result<Refreshed, _>)| {
        matches!(outcome, Ok(Refreshed::FeedNotModified))
    };
    assert!(host.outcomes.iter().filter(not_modified).count() > 100);
}

#[test]
fn a_304_doesnt_make_a_feed_fresh() {
    let mut host = Host::settled();
    host.issuer.instead = Some(|_| with_status(304, ""));
    host.run(31 * SECOND);
    assert!(!host.has_fresh_feed());
    let asked: Vec<bool> = feeds(&host).iter().map(|fetch| fetch.url == URL).collect();
    let first = asked
        .iter()
        .position(|asks_for_everything| *asks_for_everything);
    assert!(first.is_some_and(|first| first >= 2), "{asked:?}");
    assert_eq!(host.faults(Document::Feed)[0], RefreshFault::NotModified);
}

#[test]
fn a_304_that_nobody_asked_for_is_refused() {
    let mut host = Host::new();
    host.issuer.instead = Some(|_| with_status(304, ""));
    host.run(SECOND);
    assert_eq!(host.faults(Document::Feed), [RefreshFault::NotModified]);
    assert_eq!(host.faults(Document::Keys), [RefreshFault::NotModified]);
}

#[test]
fn a_304_to_a_fetch_without_a_tag_is_refused_however_fresh_the_feed_is() {
    let mut host = Host::settled();
    let fetch = next_feed(&mut host);
    let untagged = ok(Feed::snapshot(1, host.now / SECOND).signed_by("k1"));
    host.deliver(fetch.ticket, untagged.answer())
        .expect("a good feed");
    let fetch = next_feed(&mut host);
    assert_eq!(fetch.if_none_match, None);
    let outcome = host.deliver(fetch.ticket, with_status(304, "").answer());
    assert!(host.has_fresh_feed());
    assert_eq!(outcome, Err(RefreshFault::NotModified));
}

#[test]
fn whether_a_stale_feed_was_modified_isnt_asked() {
    let mut host = Host::settled();
    let fetch = next_feed(&mut host);
    let body = Feed::snapshot(1, host.now / SECOND - 40).signed_by("k1");
    let answer = Answer::Response {
        status: 200,
        etag: Some("\"a\""),
        body: &body,
    };
    host.deliver(fetch.ticket, answer).expect("a good feed");
    let fetch = next_feed(&mut host);
    assert_eq!(fetch.url, format!("{URL}?since=1.1"));
    assert_eq!(fetch.if_none_match, None);
}

#[test]
fn after_a_delta_that_cant_be_taken_everything_is_asked_for_at_once() {
    let now = START / SECOND + 60;
    let gap = Feed {
        since: Some(7),
        ..Feed::snapshot(8, now)
    };
    let too_many = Feed {
        since: Some(0),
        refused: 1_025,
        ..Feed::snapshot(8, now)
    };
    for (delta, fault) in [(gap, FeedFault::Gap), (too_many, FeedFault::TooManyEntries)] {
        let mut host = Host::settled();
        let fetch = next_feed(&mut host);
        assert_eq!(fetch.url, format!("{URL}?since=1.0"));
        let reply = ok(delta.signed_by("k1"));
        let outcome = host.deliver(fetch.ticket, reply.answer());
        assert_eq!(outcome, Err(RefreshFault::Feed(fault)));
        // Wanting it meanwhile makes it no later.
        host.refresher.want(Document::Feed, host.clock());
        let Next::Fetch(fetch) = host.refresher.poll(host.clock()) else {
            panic!("a snapshot is needed");
        };
        assert_eq!((fetch.url.as_str(), fetch.if_none_match), (URL, None));
        let reply = ok(Feed::snapshot(8, now).signed_by("k1"));
        let taken = host.deliver(fetch.ticket, reply.answer());
        assert_eq!(taken, Ok(Refreshed::Feed(Applied::Extended)));
        assert_eq!(next_feed(&mut host).url, format!("{URL}?since=1.8"));
    }
}

#[test]
fn a_server_that_has_only_nonsense_isnt_asked_in_haste() {
    let mut host = Host::settled();
    host.issuer.instead = Some(|document| match document {
        Document::Keys => Reply::Failed,
        Document::Feed => ok(Feed {
            since: Some(7),
            ..Feed::snapshot(8, START / SECOND)
        }
        .signed_by("k1")),
    });
    host.run(120 * SECOND);
    let faults = host.faults(Document::Feed);
    assert!(
        faults
            .iter()
            .all(|fault| *fault == RefreshFault::Feed(FeedFault::Gap))
    );
    assert!((6..=9).contains(&faults.len()), "{}", faults.len());
    assert_eq!(host.seq(), Some(0));
}

#[test]
fn an_old_copy_is_refused_and_the_newer_feed_kept() {
    let mut host = Host::settled();
    host.issuer.end_session(host.now);
    host.run(7 * SECOND);
    let fetch = next_feed(&mut host);
    let reply = ok(Feed::snapshot(0, host.now / SECOND).signed_by("k1"));
    let outcome = host.deliver(fetch.ticket, reply.answer());
    assert_eq!(outcome, Err(RefreshFault::Feed(FeedFault::Rollback)));
    assert_eq!(host.seq(), Some(1));
}

#[test]
fn a_feed_of_a_new_key_fetches_the_keys_and_then_the_feed_again() {
    let mut host = Host::settled();
    host.issuer.published = vec!["k2"];
    host.issuer.signer = "k2";
    host.issuer.end_session(host.now);
    host.run(6 * SECOND + 3 * host.latency);
    let unknown = RefreshFault::Feed(FeedFault::Envelope(Rejection::UnknownKid));
    assert_eq!(host.faults(Document::Feed), [unknown]);
    assert_eq!(host.times(Document::Keys).len(), 1);
    assert_eq!(host.seq(), Some(1));
}

#[test]
fn a_feed_of_a_key_that_never_comes_fetches_keys_every_10_seconds_at_most() {
    let mut host = Host::settled();
    host.issuer.signer = "k2";
    host.run(HOUR);
    let gaps = host.gaps(Document::Keys);
    assert!(gaps.iter().all(|gap| *gap >= 10_000), "{gaps:?}");
    assert!(host.times(Document::Feed).len() < 800);
}

#[test]
fn at_the_start_a_feed_may_come_before_the_keys() {
    let mut refresher = Refresher::new(Config::of_issuer(ISSUER), 1);
    let mut gate = gate();
    let tickets = [(); 2].map(|()| match refresher.poll(millis(START)) {
        Next::Fetch(fetch) => fetch.ticket,
        Next::Wait(until) => panic!("waits until {until}"),
    });
    let [keys, feed] = tickets;
    let reply = ok(Feed::snapshot(3, START / SECOND).signed_by("k1"));
    let later = millis(START + 50);
    let early = refresher.on_response(later, feed, reply.answer(), &mut gate);
    assert_eq!(early.unwrap_err().code(), "unknown_kid");
    assert!(matches!(refresher.poll(later), Next::Wait(_)));
    let jwks = ok(jwks(&["k1"]));
    let installed = refresher.on_response(later, keys, jwks.answer(), &mut gate);
    assert!(installed.is_ok());
    let Next::Fetch(fetch) = refresher.poll(later) else {
        panic!("the feed can be read now");
    };
    let outcome = refresher.on_response(later, fetch.ticket, reply.answer(), &mut gate);
    assert_eq!(outcome, Ok(Refreshed::Feed(Applied::Changed)));
}

#[test]
fn only_an_entity_tag_is_sent_back() {
    for (etag, is_good) in [
        ("W/\"1.3.1800000000\"", true),
        ("\"\"", true),
        ("\"a!#~\"", true),
        ("", false),
        ("\"", false),
        ("W/", false),
        ("w/\"a\"", false),
        ("a", false),
        ("\"a\"\r\nhost: b", false),
        ("\"a\r\nhost: b\"", false),
        ("\"a b\"", false),
        ("\"a\", \"b\"", false),
        ("\"ä\"", false),
        (&format!("\"{}\"", "a".repeat(126)), true),
        (&format!("\"{}\"", "a".repeat(127)), false),
    ] {
        let mut host = Host::settled();
        let fetch = next_feed(&mut host);
        let body = Feed::snapshot(1, host.now / SECOND).signed_by("k1");
        let answer = Answer::Response {
            status: 200,
            etag: Some(etag),
            body: &body,
        };
        host.deliver(fetch.ticket, answer).expect("a good feed");
        let sent = next_feed(&mut host).if_none_match;
        assert_eq!(sent.as_deref(), is_good.then_some(etag), "{etag}");
    }
}

#[test]
fn without_a_feed_none_is_fetched_however_much_it_is_wanted() {
    let mut host = Host::with(Config::of_issuer(ISSUER).without_feed(), 1);
    for _ in 0..100 {
        host.run(SECOND);
        host.want(Document::Feed);
    }
    assert!(host.times(Document::Feed).is_empty());
    assert_eq!(host.refresher.status().feed, None);
}
