//! Snapshots, of which the newest counts.

use super::Probe::{Good, Over, Unknown};
use super::{NOW, after, base, next};
use crate::corpus::case::Case;
use crate::corpus::feed::Feed;

/// The cases.
pub(crate) fn cases() -> Vec<Case> {
    let rollback = "a lower epoch and seq is ignored";
    let equal = "an equal one with a later iat extends";
    let all = "a snapshot is all there is";
    let lower_epoch = Feed::snapshot(1, 99).ends(&["b"]);
    let higher_epoch = Feed::snapshot(3, 1).ends(&["b"]);
    [
        after("R02", "no feed", &[], &[Unknown("a")]),
        after(all, "a first one", &[base()], &[Over("a"), Good("b")]),
        after(
            all,
            "a later one",
            &[base(), next()],
            &[Good("a"), Over("b")],
        ),
        after(
            all,
            "one that skips numbers",
            &[base(), next().with("seq", 99)],
            &[Good("a"), Over("b")],
        ),
        after(
            "R03",
            "an earlier one afterwards",
            &[next(), base()],
            &[Good("a"), Over("b")],
        ),
        after(
            "R03",
            "an earlier one afterwards, signed later",
            &[next(), base().signed_at(NOW)],
            &[Good("a"), Over("b")],
        ),
        after(
            rollback,
            "a higher epoch, a lower number",
            &[base(), higher_epoch.clone()],
            &[Good("a"), Over("b")],
        ),
        after(
            "R03",
            "a lower epoch, a higher number",
            &[base(), lower_epoch.clone()],
            &[Over("a"), Good("b")],
        ),
        after(
            "R03",
            "back to the old epoch",
            &[base(), higher_epoch.clone(), next()],
            &[Good("a"), Over("b")],
        ),
        after(
            rollback,
            "an earlier one doesn't make a stale one fresh",
            &[next().stale(), base()],
            &[Unknown("a"), Over("b")],
        ),
        after(
            rollback,
            "nor does one of a lower epoch",
            &[base().stale(), lower_epoch],
            &[Over("a"), Unknown("b")],
        ),
        after(
            equal,
            "a stale one, signed anew",
            &[base().stale(), base()],
            &[Over("a"), Good("b")],
        ),
        after(
            equal,
            "the same twice",
            &[base(), base()],
            &[Over("a"), Good("b")],
        ),
        after(
            equal,
            "a fresh one, and the same from before",
            &[base(), base().stale()],
            &[Over("a"), Good("b")],
        ),
        after(
            equal,
            "signed anew three times",
            &[
                base().signed_at(NOW - 75),
                base().signed_at(NOW - 45),
                base().signed_at(NOW - 15),
            ],
            &[Over("a"), Good("b")],
        ),
        after(
            all,
            "a stale one is taken for what it says",
            &[base().stale()],
            &[Over("a"), Unknown("b")],
        ),
        after(
            all,
            "a fresh one, then a later number that is stale",
            &[base(), next().stale()],
            &[Unknown("a"), Over("b")],
        ),
    ]
    .concat()
}
