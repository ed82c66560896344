//! The clock: everything expires by it.

use signet_core::time::{BACK, Clock as _, EARLIEST, UnixTime};

use super::report::Report;
use crate::clock::SystemClock;
use crate::http::wire::Timestamp;

const SUBJECT: &str = "clock";
const SET_IT: &str = "have this machine's clock set over the network (NTP)";

/// How far apart two clocks may be, in seconds: docs/OPERATIONS.md.
const FORGIVEN: u64 = 60;
/// From where on it is worth a word, in seconds.
const NOTICEABLE: u64 = 5;

pub(super) fn examine(report: &mut Report) {
    let now = SystemClock.now();
    let said = Timestamp::from(now).to_string();
    match now < EARLIEST {
        true => report.fail(
            SUBJECT,
            format!("{said} was before there was Signet"),
            SET_IT,
        ),
        false => report.ok(SUBJECT, said),
    }
}

/// Beside the clock of the database's server.
pub(super) fn beside(server: UnixTime, report: &mut Report) {
    let apart = server.as_secs().abs_diff(SystemClock.now().as_secs());
    let said = format!("{apart} s apart from that of the database's server");
    if apart > FORGIVEN {
        report.fail(SUBJECT, said, SET_IT);
    } else if apart > NOTICEABLE {
        report.warn(SUBJECT, said, SET_IT);
    } else {
        report.ok(SUBJECT, said);
    }
}

/// Beside the last thing that was written down.
pub(super) fn after(recorded: UnixTime, report: &mut Report) {
    let behind = recorded
        .as_secs()
        .saturating_sub(SystemClock.now().as_secs());
    if behind > BACK {
        let said = format!("{behind} s behind the last rows of the audit trail");
        let hint = "have this machine's clock set over the network (NTP); if it is right, another \
                    machine's was ahead when it wrote a row: set that, and run `signet audit \
                    export > /dev/null` here, by which issuers go then";
        report.fail(SUBJECT, said, hint);
    }
}
