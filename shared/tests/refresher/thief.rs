//! Somebody else has a signing key, and has numbered a feed so that no other counts; then the key is
//! withdrawn.

use signet_verifier::refresher::{Document, RefreshFault};
use signet_verifier::revocation::FeedFault;

use crate::host::{HOUR, Host, SECOND, START};
use crate::issuer::{Feed, jwks, ok};

const FORGED: u64 = 1_000_000;

/// A host that knows the next key, and then takes what a thief has signed with the first.
fn deceived() -> Host {
    let mut host = Host::new();
    host.has_thief = true;
    host.issuer.published = vec!["k1", "k2"];
    host.run(60 * SECOND);
    host.issuer.instead = Some(|document| match document {
        Document::Keys => ok(jwks(&["k1", "k2"])),
        Document::Feed => ok(Feed::snapshot(FORGED, START / SECOND + 60).signed_by("k1")),
    });
    host.run(6 * SECOND + host.latency);
    host.issuer.instead = None;
    assert_eq!(host.seq(), Some(FORGED));
    host.fetches.clear();
    host.outcomes.clear();
    host
}

/// What the issuer's people do about it.
fn withdraw(host: &mut Host) {
    host.issuer.published = vec!["k2"];
    host.issuer.signer = "k2";
    host.issuer.end_session(host.now);
}

#[test]
fn a_forged_feed_is_done_with_a_minute_after_its_key_was_withdrawn() {
    for minutes in [0, 1, 10] {
        let mut host = deceived();
        host.run(minutes * 60 * SECOND);
        assert_eq!(host.seq(), Some(FORGED), "while its key is there");
        let faults = host.faults(Document::Feed);
        let rollback = RefreshFault::Feed(FeedFault::Rollback);
        assert!(faults.iter().all(|fault| *fault == rollback), "{faults:?}");
        withdraw(&mut host);
        host.run(60 * SECOND + 3 * host.latency);
        assert_eq!(host.seq(), Some(1), "{minutes} minutes later");
        assert!(host.has_fresh_feed());
        host.issuer.end_session(host.now);
        host.run(6 * SECOND + host.latency);
        assert_eq!(host.seq(), Some(2), "and all goes on");
    }
}

#[test]
fn a_feed_whose_key_is_gone_is_not_fresh_and_its_successor_is_fetched_at_once() {
    let mut host = Host::settled();
    host.issuer.published = vec!["k1", "k2"];
    host.want(Document::Keys);
    host.run(20 * SECOND);
    // Right after a fetch of the feed, the next one is seconds away.
    host.fetches.clear();
    while host.times(Document::Feed).is_empty() {
        host.run(100);
    }
    host.run(host.latency);
    withdraw(&mut host);
    host.want(Document::Keys);
    host.run(host.latency);
    assert!(!host.trusts("k1") && host.trusts("k2"));
    assert!(!host.has_fresh_feed());
    host.run(2 * host.latency);
    assert_eq!(host.seq(), Some(1));
    assert!(host.has_fresh_feed());
}

#[test]
fn an_old_copy_that_stays_has_keys_fetched_as_seldom_as_itself() {
    let mut host = Host::settled();
    host.issuer.end_session(host.now);
    host.run(7 * SECOND);
    host.issuer.instead = Some(|document| match document {
        Document::Keys => ok(jwks(&["k1"])),
        Document::Feed => ok(Feed::snapshot(0, START / SECOND).signed_by("k1")),
    });
    host.fetches.clear();
    host.run(HOUR);
    let [keys, feed] = [Document::Keys, Document::Feed].map(|it| host.times(it).len());
    assert!((50..=130).contains(&feed), "{feed} fetches of the feed");
    assert!((50..=feed + 20).contains(&keys), "{keys} fetches of keys");
    let gaps = host.gaps(Document::Keys);
    assert!(gaps.iter().all(|gap| *gap >= 10_000), "{gaps:?}");
    assert_eq!(host.seq(), Some(1));
}
