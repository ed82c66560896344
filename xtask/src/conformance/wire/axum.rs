//! axum behind signet-tower: its own test sends all heads to a real server, and tells the counts.

use serde_json::Value;

use super::Row;
use crate::process::{Done, Failure, cargo, run_quietly};

const TEST: &str = "vectors::every_case_is_decided_as_it_says_or_refused_by_the_server_before";

pub(super) fn row() -> Done<Row> {
    let mut test = cargo(&["test", "--quiet", "-p", "signet-tower", "--test", "host"]);
    let output = run_quietly(test.args(["--", "--exact", TEST, "--nocapture"]))?;
    let line = output
        .lines()
        .find_map(|line| line.strip_prefix("conformance: "));
    let counts: Value = line
        .and_then(|line| serde_json::from_str(line).ok())
        .ok_or_else(|| Failure::new(format!("{TEST} told no counts:\n{output}")))?;
    let count = |name: &str| -> usize {
        let count = counts.get(name).and_then(Value::as_u64);
        count.and_then(|count| count.try_into().ok()).unwrap_or(0)
    };
    let names = |name: &str| -> Vec<String> {
        let names = counts.get(name).and_then(Value::as_array);
        let names = names.into_iter().flatten();
        names
            .filter_map(|case| case.as_str().map(str::to_owned))
            .collect()
    };
    let looser = names("looser");
    let mut rewritten = names("rewritten");
    rewritten.retain(|case| !looser.contains(case));
    Ok(Row {
        same: count("same"),
        rewritten,
        looser,
        refused_by_host: count("refused_by_server"),
        not_sent: count("not_sent"),
        different: Vec::new(),
    })
}
