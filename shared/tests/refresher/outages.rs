//! An issuer that is down, hangs, or comes back.

use signet_verifier::refresher::{Document, RefreshFault, Reply};

use crate::host::{HOUR, Host, SECOND};
use crate::issuer::with_status;

#[test]
fn while_the_issuer_is_down_the_time_between_fetches_doubles_up_to_a_minute() {
    let mut host = Host::settled();
    host.issuer.instead = Some(|_| Reply::Failed);
    host.latency = 2;
    host.want(Document::Keys);
    host.run(HOUR);
    for document in [Document::Keys, Document::Feed] {
        let gaps = host.gaps(document);
        assert!(gaps.len() > 50);
        let most = [2, 4, 8, 16, 32].into_iter().chain(core::iter::repeat(60));
        for (gap, most) in gaps.iter().zip(most) {
            let most = most * SECOND;
            let waited = gap - host.latency;
            assert!((most / 2..=most).contains(&waited), "{document}: {gaps:?}");
        }
    }
}

#[test]
fn an_issuer_that_hangs_is_asked_as_rarely_as_one_that_is_down() {
    let mut host = Host::settled();
    host.latency = 10 * HOUR;
    host.run(HOUR);
    for document in [Document::Keys, Document::Feed] {
        let fetches = host.times(document).len();
        assert!((50..130).contains(&fetches), "{document}: {fetches}");
        let faults = host.faults(document);
        assert!(
            faults
                .iter()
                .all(|fault| *fault == RefreshFault::NoResponse)
        );
    }
}

#[test]
fn an_hour_without_the_issuer_costs_no_key() {
    let mut host = Host::settled();
    host.issuer.instead = Some(|_| with_status(503, "down"));
    for _ in 0..3_600 {
        host.run(SECOND);
        assert!(host.trusts("k1"));
    }
    assert!(!host.has_fresh_feed());
    assert_eq!(host.seq(), Some(0));
}

#[test]
fn after_an_outage_of_any_length_all_is_well_within_a_minute() {
    for round in 0..100 {
        let mut host = Host::settled();
        host.issuer.instead = Some(|_| Reply::Failed);
        host.run(round * round * SECOND);
        host.issuer.instead = None;
        host.issuer.published = vec!["k1", "k2"];
        host.issuer.end_session(host.now);
        host.run(60 * SECOND + host.latency);
        assert_eq!(host.seq(), Some(1), "after {round} squared seconds");
        let status = host.refresher.status();
        assert_eq!(status.feed.unwrap().failures, 0);
        if status.keys.last_fault.is_some() {
            assert_eq!(status.keys.failures, 0);
            assert!(host.trusts("k2"));
        }
    }
}

#[test]
fn after_an_outage_the_usual_times_are_kept_again() {
    let mut host = Host::settled();
    host.issuer.instead = Some(|_| Reply::Failed);
    host.run(HOUR);
    host.issuer.instead = None;
    host.run(60 * SECOND + host.latency);
    host.fetches.clear();
    host.run(HOUR);
    for gap in host.gaps(Document::Feed) {
        assert!((4_000..=6_000).contains(&gap), "{gap}");
    }
    for gap in host.gaps(Document::Keys) {
        assert!((216_000..=264_000).contains(&gap), "{gap}");
    }
}

#[test]
fn one_document_that_fails_doesnt_delay_the_other() {
    let mut host = Host::settled();
    host.issuer.signer = "unpublished";
    host.run(HOUR);
    assert!(host.faults(Document::Keys).is_empty());
    assert!(host.refresher.status().feed.unwrap().failures > 10);
}

#[test]
fn the_status_tells_when_it_went_well_and_what_went_wrong() {
    let mut host = Host::settled();
    let well = host.refresher.status();
    assert_eq!(well.keys.fetches, 1);
    assert_eq!(well.keys.last_fault, None);
    host.issuer.instead = Some(|_| with_status(503, ""));
    host.want(Document::Keys);
    host.run(host.latency);
    let status = host.refresher.status().keys;
    assert_eq!((status.fetches, status.failures), (2, 1));
    assert_eq!(status.last_success, well.keys.last_success);
    let (at, fault) = status.last_fault.unwrap();
    assert_eq!((at.as_millis(), fault.code()), (host.now, "status"));
    host.issuer.instead = None;
    host.run(2 * SECOND + host.latency);
    let status = host.refresher.status().keys;
    assert_eq!((status.fetches, status.failures), (3, 0));
    assert!(status.last_success > well.keys.last_success);
}
