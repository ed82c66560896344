//! One feed after the other: which is taken, and what is in force then.

use signet_verifier::Revocations;
use signet_verifier::revocation::{Applied, FeedFault};

use crate::feed::{Feed, NOW, after, apply, apply_at, is_fresh, is_over, revokes};

/// A feed in which session a is over.
fn base() -> Feed {
    Feed::snapshot(2, 10).ends(&["a"])
}

/// What is in force after the base, and what becomes of a feed then.
fn on_base(feed: &Feed) -> (Revocations, Result<Applied, FeedFault>) {
    let mut revocations = after([&base()]);
    let applied = apply(&mut revocations, feed);
    (revocations, applied)
}

#[test]
fn a_feed_is_fresh_until_the_second_of_its_exp() {
    let revocations = after([&base()]);
    assert!(is_fresh(&revocations, 0));
    assert!(is_fresh(&revocations, NOW + 29));
    assert!(!is_fresh(&revocations, NOW + 30));
    assert!(!is_fresh(&revocations, u64::MAX));
    assert!(!is_fresh(&Revocations::default(), 0));
}

#[test]
fn a_later_snapshot_is_all_there_is() {
    for next in [
        Feed::snapshot(2, 11),
        Feed::snapshot(2, 99),
        Feed::snapshot(3, 0),
    ] {
        let (revocations, applied) = on_base(&next.ends(&["b"]));
        assert_eq!(applied, Ok(Applied::Changed));
        assert!(!is_over(&revocations, "a"));
        assert!(is_over(&revocations, "b"));
    }
}

#[test]
fn a_later_snapshot_of_the_same_extends() {
    let (revocations, applied) = on_base(&Feed::snapshot(2, 11).ends(&["a"]));
    assert_eq!(applied, Ok(Applied::Extended));
    assert_eq!(revocations.position(), Some((2, 11)));
}

#[test]
fn a_rollback_is_ignored_however_late_it_was_signed() {
    for earlier in [
        Feed::snapshot(2, 9),
        Feed::snapshot(1, 99),
        Feed::snapshot(0, 0),
    ] {
        for feed in [earlier.clone(), earlier.signed_at(NOW + 15)] {
            let (revocations, applied) = on_base(&feed.ends(&["b"]));
            assert_eq!(applied, Err(FeedFault::Rollback));
            assert_eq!(revocations, after([&base()]));
        }
    }
}

#[test]
fn the_same_number_signed_later_extends() {
    let (revocations, applied) = on_base(&base().signed_at(NOW + 15));
    assert_eq!(applied, Ok(Applied::Extended));
    assert!(is_fresh(&revocations, NOW + 44));
    assert!(!is_fresh(&revocations, NOW + 45));
    assert!(is_over(&revocations, "a"));
}

#[test]
fn the_same_number_signed_at_the_same_time_or_earlier_is_known() {
    for iat in [NOW, NOW - 1, NOW - 100] {
        let (revocations, applied) = on_base(&base().signed_at(iat).ends(&["b"]));
        assert_eq!(applied, Ok(Applied::AlreadyKnown));
        assert_eq!(revocations, after([&base()]));
    }
}

#[test]
fn the_same_number_signed_later_for_a_shorter_time_takes_no_freshness() {
    let shorter = base().signed_at(NOW + 5).with("exp", NOW + 6);
    let (revocations, applied) = on_base(&shorter);
    assert_eq!(applied, Ok(Applied::Extended));
    assert!(is_fresh(&revocations, NOW + 29));
}

#[test]
fn the_same_number_signed_later_takes_nothing_back() {
    let other = Feed::snapshot(2, 10).signed_at(NOW + 1).ends(&["b"]);
    let (revocations, applied) = on_base(&other);
    assert_eq!(applied, Ok(Applied::Changed));
    assert!(is_over(&revocations, "a"));
    assert!(is_over(&revocations, "b"));
}

#[test]
fn a_stale_feed_revokes_and_is_not_fresh() {
    let mut revocations = Revocations::default();
    let stale = base().signed_at(NOW - 3_600);
    assert_eq!(apply(&mut revocations, &stale), Ok(Applied::Changed));
    assert!(is_over(&revocations, "a"));
    assert!(!is_fresh(&revocations, NOW));
}

#[test]
fn a_later_number_that_is_stale_ends_the_freshness_of_an_earlier_one() {
    let stale = Feed::snapshot(2, 11).signed_at(NOW - 40).ends(&["b"]);
    let (revocations, applied) = on_base(&stale);
    assert_eq!(applied, Ok(Applied::Changed));
    assert!(is_over(&revocations, "b"));
    assert!(!is_fresh(&revocations, NOW));
}

#[test]
fn a_stale_feed_never_replaces_a_newer_one() {
    let (revocations, applied) = on_base(&Feed::snapshot(2, 9).signed_at(NOW - 3_600));
    assert_eq!(applied, Err(FeedFault::Rollback));
    assert_eq!(revocations, after([&base()]));
}

#[test]
fn a_delta_adds_and_leaves_the_rest() {
    let base = base()
        .least_versions(&[("s", 3), ("t", 3)])
        .refuses(&["old"]);
    let delta = Feed::delta(2, 10, 12)
        .ends(&["b", "c"])
        .least_versions(&[("t", 4), ("u", 1)])
        .refuses(&["older"]);
    let revocations = after([&base, &delta]);
    assert_eq!(revocations.position(), Some((2, 12)));
    for session in ["a", "b", "c"] {
        assert!(is_over(&revocations, session), "{session}");
    }
    for (subject, least) in [("s", 3), ("t", 4), ("u", 1)] {
        assert!(revokes(&revocations, "main", "live", subject, least - 1));
        assert!(!revokes(&revocations, "main", "live", subject, least));
    }
    for (kid, is_refused) in [("old", true), ("older", true), ("main", false)] {
        assert_eq!(revokes(&revocations, kid, "live", "v", 0), is_refused);
    }
}

#[test]
fn what_left_with_a_delta_is_revoked_no_more() {
    let base = base().ends(&["a", "b", "c", "d"]);
    let delta = Feed::delta(2, 10, 11)
        .drops(&["a", "c", "never"])
        .ends(&["e"]);
    let revocations = after([&base, &delta]);
    let over = ["a", "b", "c", "d", "e"].map(|session| is_over(&revocations, session));
    assert_eq!(over, [false, true, false, true, true]);
}

#[test]
fn what_a_delta_lists_as_left_and_as_ended_is_over() {
    let (revocations, applied) =
        on_base(&Feed::delta(2, 10, 11).drops(&["a", "b"]).ends(&["a", "b"]));
    assert_eq!(applied, Ok(Applied::Changed));
    assert!(is_over(&revocations, "a") && is_over(&revocations, "b"));
}

#[test]
fn a_delta_lowers_no_least_version() {
    let base = base().least_versions(&[("s", 5)]);
    let delta = Feed::delta(2, 10, 11).least_versions(&[("s", 2)]);
    assert!(revokes(&after([&base, &delta]), "main", "live", "s", 4));
}

#[test]
fn a_delta_with_nothing_new_extends() {
    let nothing = Feed::delta(2, 10, 11).signed_at(NOW + 1);
    for delta in [
        nothing.clone(),
        nothing.clone().ends(&["a"]),
        nothing.drops(&["b"]),
    ] {
        let (revocations, applied) = on_base(&delta);
        assert_eq!(applied, Ok(Applied::Extended));
        assert!(is_over(&revocations, "a"));
        assert_eq!(revocations.position(), Some((2, 11)));
    }
}

#[test]
fn a_delta_to_the_same_number_extends() {
    let (revocations, applied) = on_base(&Feed::delta(2, 10, 10).signed_at(NOW + 15));
    assert_eq!(applied, Ok(Applied::Extended));
    assert!(is_fresh(&revocations, NOW + 44));
}

#[test]
fn a_delta_to_another_feed_is_ignored() {
    for (epoch, since) in [(2, 9), (2, 11), (2, 0), (3, 10), (3, 0)] {
        let (revocations, applied) = on_base(&Feed::delta(epoch, since, 12).ends(&["b"]));
        assert_eq!(applied, Err(FeedFault::Gap), "{epoch}.{since}");
        assert_eq!(revocations, after([&base()]));
    }
}

#[test]
fn a_delta_to_nothing_is_ignored() {
    let mut revocations = Revocations::default();
    let delta = Feed::delta(0, 0, 1).ends(&["a"]);
    assert_eq!(apply(&mut revocations, &delta), Err(FeedFault::Gap));
    assert_eq!(revocations, Revocations::default());
}

#[test]
fn a_delta_of_an_earlier_epoch_is_a_rollback() {
    let (_, applied) = on_base(&Feed::delta(1, 10, 11));
    assert_eq!(applied, Err(FeedFault::Rollback));
}

#[test]
fn a_delta_is_taken_once() {
    let delta = Feed::delta(2, 10, 11).ends(&["b"]);
    let mut revocations = after([&base(), &delta]);
    let before = revocations.clone();
    assert_eq!(apply(&mut revocations, &delta), Ok(Applied::AlreadyKnown));
    let anew = delta.signed_at(NOW + 1);
    assert_eq!(apply(&mut revocations, &anew), Err(FeedFault::Gap));
    assert_eq!(revocations, before);
}

#[test]
fn a_refused_key_signs_no_feed_that_takes_it_back() {
    let refusing = base().signed_by("second").refuses(&["main"]);
    let mut revocations = after([&refusing]);
    for feed in [
        Feed::snapshot(9, 99),
        Feed::snapshot(2, 10).signed_at(NOW + 1),
        Feed::delta(2, 10, 11),
    ] {
        let applied = apply(&mut revocations, &feed.signed_by("main"));
        assert_eq!(applied, Err(FeedFault::RefusedKey));
        assert_eq!(revocations, after([&refusing]));
    }
    let next = Feed::snapshot(2, 11).signed_by("second");
    assert_eq!(apply(&mut revocations, &next), Ok(Applied::Changed));
    assert_eq!(
        apply(&mut revocations, &Feed::snapshot(2, 12)),
        Ok(Applied::Extended)
    );
}

#[test]
fn a_key_may_sign_its_own_end() {
    let last = Feed::delta(2, 10, 11).refuses(&["main"]);
    let (mut revocations, applied) = on_base(&last);
    assert_eq!(applied, Ok(Applied::Changed));
    assert!(revokes(&revocations, "main", "live", "s", 0));
    let applied = apply(&mut revocations, &Feed::snapshot(2, 12));
    assert_eq!(applied, Err(FeedFault::RefusedKey));
}

#[test]
fn clocks_at_both_ends_of_time_decide_without_panic() {
    let mut revocations = Revocations::default();
    let at_end = base().signed_at(u64::MAX - 30);
    for now in [0, u64::MAX - 30 - crate::feed::LEEWAY - 1] {
        let applied = apply_at(&mut revocations, &at_end.text(), now);
        assert_eq!(applied, Err(FeedFault::IssuedInFuture));
    }
    let applied = apply_at(&mut revocations, &at_end.text(), u64::MAX);
    assert_eq!(applied, Ok(Applied::Changed));
    let last = Feed::snapshot(3, 0)
        .with("iat", u64::MAX)
        .with("exp", u64::MAX);
    let applied = apply_at(&mut revocations, &last.text(), u64::MAX);
    assert_eq!(applied, Ok(Applied::Changed));
    assert!(is_fresh(&revocations, u64::MAX - 1));
    assert!(!is_fresh(&revocations, u64::MAX));
}
