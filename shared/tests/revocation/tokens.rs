//! Which tokens a feed revokes.

use signet_verifier::Revocations;

use crate::feed::{Feed, after, is_over, revokes};

#[test]
fn without_a_feed_nothing_is_revoked() {
    let revocations = Revocations::default();
    assert!(!revokes(&revocations, "main", "session", "subject", 0));
    assert_eq!(revocations.position(), None);
}

#[test]
fn an_empty_feed_revokes_nothing() {
    let revocations = after([&Feed::snapshot(3, 7)]);
    assert!(!revokes(&revocations, "main", "session", "subject", 0));
    assert_eq!(revocations.position(), Some((3, 7)));
}

#[test]
fn an_ended_session_is_over_and_no_other() {
    for count in [1, 2, 3, 100] {
        let ended: Vec<String> = (0..count).map(|n| format!("ended-{n}")).collect();
        let revocations = after([&Feed::snapshot(1, 1).ends(&ended)]);
        assert!(ended.iter().all(|session| is_over(&revocations, session)));
        assert!(!is_over(&revocations, "live"));
        assert!(!revokes(&revocations, "main", "live", "ended-0", 0));
        assert!(!revokes(&revocations, "ended-0", "live", "subject", 0));
    }
}

#[test]
fn a_version_below_the_least_is_void_and_the_least_is_good() {
    let feed = Feed::snapshot(1, 1).least_versions(&[("a", 0), ("b", 5), ("c", u64::MAX)]);
    let revocations = after([&feed]);
    let is_void = |subject, version| revokes(&revocations, "main", "session", subject, version);
    assert!(!is_void("a", 0));
    assert!(is_void("b", 0));
    assert!(is_void("b", 4));
    assert!(!is_void("b", 5));
    assert!(!is_void("b", 6));
    assert!(is_void("c", u64::MAX - 1));
    assert!(!is_void("c", u64::MAX));
    assert!(!is_void("d", 0));
    assert!(!revokes(&revocations, "main", "b", "subject", 0));
}

#[test]
fn a_refused_key_signs_no_good_token() {
    let revocations = after([&Feed::snapshot(1, 1).refuses(&["second", "old"])]);
    let is_refused = |kid| revokes(&revocations, kid, "session", "subject", 0);
    assert!(is_refused("second"));
    assert!(is_refused("old"));
    for other in ["main", "Second", "secon", "second2", "ol"] {
        assert!(!is_refused(other), "{other}");
    }
}
