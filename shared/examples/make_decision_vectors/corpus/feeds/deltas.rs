//! Deltas, which fit one feed and no other.

use super::Probe::{Good, Over, Unknown};
use super::{NOW, after, base, next};
use crate::corpus::case::Case;
use crate::corpus::feed::Feed;

/// The cases.
pub(crate) fn cases() -> Vec<Case> {
    let add = "e, u and k of a delta add, and d leaves";
    let exact = "a delta applies only on exactly that seq";
    let epoch = "the epoch is the base's";
    let anew = "an equal one with a later iat extends";
    let ten = |seq| Feed::delta(2, 10, seq);
    let adds_b = || ten(11).ends(&["b"]);
    let subject_above = |version| ten(11).least_versions(&[("usr_1", version)]);
    [
        after(
            add,
            "one session more",
            &[base(), adds_b()],
            &[Over("a"), Over("b"), Good("c")],
        ),
        after(
            add,
            "one session less",
            &[base(), ten(11).drops(&["a"])],
            &[Good("a"), Good("b")],
        ),
        after(
            add,
            "one more, one less",
            &[base(), adds_b().drops(&["a"])],
            &[Good("a"), Over("b")],
        ),
        after(add, "nothing", &[base(), ten(11)], &[Over("a"), Good("b")]),
        after(
            add,
            "numbers are skipped",
            &[base(), adds_b().with("seq", 15)],
            &[Over("a"), Over("b")],
        ),
        after(
            add,
            "a subject",
            &[base(), subject_above(1)],
            &[Over("a"), Over("b")],
        ),
        after(
            add,
            "a subject stays",
            &[
                base().least_versions(&[("usr_1", 1)]),
                ten(11).least_versions(&[("usr_2", 1)]),
            ],
            &[Over("b")],
        ),
        after(
            add,
            "a subject's least version rises",
            &[base().least_versions(&[("usr_1", 0)]), subject_above(1)],
            &[Over("b")],
        ),
        after(
            add,
            "a key",
            &[base(), ten(11).refuses(&["main"])],
            &[Over("b")],
        ),
        after(
            add,
            "a key stays",
            &[
                base().signed_by("second").refuses(&["main"]),
                ten(11).signed_by("second"),
            ],
            &[Over("b")],
        ),
        after(
            add,
            "three in a row",
            &[
                base(),
                adds_b(),
                Feed::delta(2, 11, 12).ends(&["c"]).drops(&["a"]),
                Feed::delta(2, 12, 20).ends(&["d"]),
            ],
            &[Good("a"), Over("b"), Over("c"), Over("d"), Good("e")],
        ),
        after(
            add,
            "many more, many less",
            &[
                base().ends(&["a", "f", "g", "h", "i"]),
                ten(11).ends(&["b", "c", "d", "j"]).drops(&["f", "h"]),
            ],
            &[
                Over("a"),
                Over("b"),
                Good("f"),
                Over("g"),
                Good("h"),
                Over("i"),
                Over("j"),
            ],
        ),
        after(
            add,
            "a delta makes a stale one fresh",
            &[base().stale(), adds_b()],
            &[Over("a"), Over("b"), Good("c")],
        ),
        after(
            exact,
            "a delta to nothing",
            &[adds_b()],
            &[Unknown("a"), Unknown("b")],
        ),
        after(
            "R03",
            "a gap",
            &[base(), Feed::delta(2, 11, 12).ends(&["b"])],
            &[Over("a"), Good("b")],
        ),
        after(
            "R03",
            "a gap doesn't make a stale one fresh",
            &[base().stale(), Feed::delta(2, 11, 12).ends(&["b"])],
            &[Over("a"), Unknown("b")],
        ),
        after(
            "R03",
            "a gap, and a snapshot",
            &[
                base(),
                Feed::delta(2, 11, 12).ends(&["b"]),
                Feed::snapshot(2, 12).ends(&["c"]),
            ],
            &[Good("a"), Good("b"), Over("c")],
        ),
        after(
            "R03",
            "a gap, and the delta that fits",
            &[base(), Feed::delta(2, 11, 12).ends(&["c"]), adds_b()],
            &[Over("a"), Over("b"), Good("c")],
        ),
        after(
            exact,
            "a delta to an earlier one",
            &[base(), Feed::delta(2, 9, 11).ends(&["b"])],
            &[Over("a"), Good("b")],
        ),
        after(
            exact,
            "the same delta twice",
            &[base(), adds_b(), adds_b()],
            &[Over("a"), Over("b")],
        ),
        after(
            exact,
            "a delta that comes too late",
            &[base(), next(), adds_b().ends(&["c"])],
            &[Good("a"), Over("b"), Good("c")],
        ),
        after(
            exact,
            "a delta backwards",
            &[base(), ten(9).ends(&["b"])],
            &[Over("a"), Good("b")],
        ),
        after(
            exact,
            "a snapshot from before the delta",
            &[base(), adds_b(), base().signed_at(NOW)],
            &[Over("a"), Over("b")],
        ),
        after(
            epoch,
            "a later epoch",
            &[base(), Feed::delta(3, 10, 11).ends(&["b"])],
            &[Over("a"), Good("b")],
        ),
        after(
            epoch,
            "an earlier epoch",
            &[base(), Feed::delta(1, 10, 11).ends(&["b"])],
            &[Over("a"), Good("b")],
        ),
        after(
            anew,
            "a delta to the same number, signed anew",
            &[base().stale(), ten(10)],
            &[Over("a"), Good("b")],
        ),
    ]
    .concat()
}
