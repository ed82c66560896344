//! What the configuration says, before anything is asked.

use super::report::Report;
use crate::config::{Config, Faults, Mode};

const SUBJECT: &str = "configuration";

/// One that can't be read leads nowhere: nothing else is looked at.
pub(super) fn tell(faults: &Faults, report: &mut Report) {
    for fault in faults.iter() {
        let origin = fault.origin.as_ref();
        let origin = origin.map_or_else(String::new, |origin| format!(" ({origin})"));
        let said = format!("{}{origin}: {}", fault.key, fault.problem);
        report.fail(SUBJECT, said, fault.hint.clone());
    }
}

pub(super) fn examine(config: &Config, report: &mut Report) {
    let mode = match config.mode {
        Mode::Local => "local mode, for this machine only",
        Mode::Production => "production",
    };
    let url = &config.issuer.issuer;
    let listen = config.listen;
    report.ok(SUBJECT, format!("{mode}: {url}, listening on {listen}"));
    let scale = config.http.limits_scale;
    if scale != 1 {
        report.warn(
            SUBJECT,
            format!("limits.scale is {scale}: the limits protect nobody"),
            "leave it out, but for load tests",
        );
    }
}
