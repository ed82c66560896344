//! Fetches that nobody answers for, and answers that nobody waits for any more.

use signet_verifier::refresher::{Document, Fetch, Next, RefreshFault, Refreshed, Reply};

use crate::host::{Host, SECOND};
use crate::issuer::{jwks, ok};

/// A settled host, and fetches of keys that were handed out and not answered: the later ones
/// because the earlier ones were lost.
fn with_lost_fetches(count: usize) -> (Host, Vec<Fetch>) {
    let mut host = Host::settled();
    host.loses = true;
    host.want(Document::Keys);
    while host.times(Document::Keys).len() < count {
        host.run(100);
    }
    let fetches = host.fetches.iter().map(|(_, fetch)| fetch.clone());
    let fetches = fetches.filter(|fetch| fetch.ticket.document == Document::Keys);
    let fetches = fetches.collect();
    (host, fetches)
}

#[test]
fn a_lost_fetch_is_handed_out_again_and_again_a_second_after_its_timeout() {
    let (host, fetches) = with_lost_fetches(10);
    let gaps = host.gaps(Document::Keys);
    assert!(gaps.iter().all(|gap| *gap == 6_000), "{gaps:?}");
    let gaps = host.gaps(Document::Feed);
    assert!(gaps.iter().all(|gap| *gap == 5_000), "{gaps:?}");
    let mut numbers: Vec<u64> = fetches.iter().map(|fetch| fetch.ticket.number).collect();
    numbers.dedup();
    assert_eq!(numbers.len(), 10);
    let status = host.refresher.status().keys;
    assert_eq!(status.failures, 0);
    let (_, fault) = status.last_fault.expect("the fetches were lost");
    assert_eq!(fault, RefreshFault::Lost);
}

#[test]
fn an_older_answer_never_replaces_a_newer_one() {
    let (mut host, fetches) = with_lost_fetches(2);
    let [first, second] = &fetches[..] else {
        panic!("two fetches were handed out");
    };
    let newer = ok(jwks(&["k2"]));
    let outcome = host.deliver(second.ticket, newer.answer());
    assert!(matches!(outcome, Ok(Refreshed::Keys { .. })));
    let older = ok(jwks(&["k1"]));
    for _ in 0..2 {
        let outcome = host.deliver(first.ticket, older.answer());
        assert_eq!(outcome, Err(RefreshFault::Late));
    }
    assert!(host.trusts("k2") && !host.trusts("k1"));
}

#[test]
fn an_older_answer_doesnt_stand_in_for_the_one_on_its_way() {
    let (mut host, fetches) = with_lost_fetches(2);
    let [first, second] = &fetches[..] else {
        panic!("two fetches were handed out");
    };
    let before = host.refresher.status();
    let outcome = host.deliver(first.ticket, Reply::Failed.answer());
    assert_eq!(outcome, Err(RefreshFault::Late));
    assert_eq!(host.refresher.status(), before);
    let newer = ok(jwks(&["k2"]));
    assert!(host.deliver(second.ticket, newer.answer()).is_ok());
}

#[test]
fn an_answer_counts_once() {
    let (mut host, fetches) = with_lost_fetches(1);
    let reply = ok(jwks(&["k1"]));
    assert!(host.deliver(fetches[0].ticket, reply.answer()).is_ok());
    let again = host.deliver(fetches[0].ticket, reply.answer());
    assert_eq!(again, Err(RefreshFault::Late));
}

#[test]
fn an_answer_that_is_overdue_is_taken_while_no_other_fetch_is_handed_out() {
    let (mut host, fetches) = with_lost_fetches(1);
    host.now += 60 * SECOND;
    let reply = ok(jwks(&["k2"]));
    assert!(host.deliver(fetches[0].ticket, reply.answer()).is_ok());
    assert!(host.trusts("k2"));
}

#[test]
fn a_failure_told_exactly_at_the_timeout_is_a_failure_and_not_a_loss() {
    let mut host = Host::settled();
    host.latency = 60 * SECOND;
    host.want(Document::Keys);
    host.run(5 * SECOND - 1);
    assert_eq!(host.refresher.status().keys.failures, 0);
    host.run(1);
    assert_eq!(host.refresher.status().keys.failures, 1);
    // Polled before it is told, which timers that fire together may do.
    let (mut host, fetches) = with_lost_fetches(1);
    host.now = host.times(Document::Keys)[0] + 5 * SECOND;
    while let Next::Fetch(fetch) = host.refresher.poll(host.clock()) {
        assert_eq!(fetch.ticket.document, Document::Feed);
    }
    let outcome = host.deliver(fetches[0].ticket, Reply::Failed.answer());
    assert_eq!(outcome, Err(RefreshFault::NoResponse));
}
