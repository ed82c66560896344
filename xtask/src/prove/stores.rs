//! What the stores promise, at full size, each with the figures it came to.
//!
//! The tests are those of every test run, with more rounds. Each says what it did in lines that
//! begin with `proved: `; one that says nothing has proved nothing, and fails here.
//!
//! To add a proof, have its test say so, and add it to [`TOLD_BY_TESTS`].

use std::collections::BTreeSet;

use super::INPUTS;
use crate::components::for_workspace;
use crate::process::{Done, Failure, run_quietly};

/// A test: its program, its name.
struct Told {
    program: &'static str,
    test: &'static str,
}

const MARK: &str = "proved: ";

/// Tests whose figures belong into the report.
const TOLD_BY_TESTS: [Told; 15] = [
    Told {
        program: "server",
        test: "pooling::eight_clients_on_three_connections_get_their_own_rows",
    },
    Told {
        program: "server",
        test: "outages::a_silent_server_costs_no_connection_for_ever",
    },
    Told {
        program: "server",
        test: "outages::a_server_that_is_away_is_told_at_once_and_its_return_is_noticed",
    },
    Told {
        program: "server",
        test: "outages::what_was_acknowledged_is_there_after_a_crash",
    },
    Told {
        program: "api_postgres",
        test: "keys_in_use::of_rotations_at_three_replicas_at_once_one_is_done_and_nobody_is_refused",
    },
    Told {
        program: "api",
        test: "keys_in_use::of_rotations_at_three_replicas_at_once_one_is_done_and_nobody_is_refused",
    },
    Told {
        program: "api_detached",
        test: "keys_in_use::of_rotations_at_three_replicas_at_once_one_is_done_and_nobody_is_refused",
    },
    Told {
        program: "process",
        test: "starting::eight_first_starts_migrate_once",
    },
    Told {
        program: "process",
        test: "crashing::what_was_acknowledged_before_a_kill_is_there_after_it",
    },
    Told {
        program: "process",
        test: "crashing::a_full_disk_takes_no_change_answers_what_is_there_and_recovers_by_itself",
    },
    Told {
        program: "process",
        test: "mail::a_mail_server_that_can_not_be_used_or_trusted_loses_no_mail_and_is_told_nothing",
    },
    Told {
        program: "process",
        test: "mail::whatever_a_mail_server_says_of_a_message_it_arrives_or_is_a_dead_letter",
    },
    Told {
        program: "api",
        test: "walk::nothing_that_anybody_may_ask_changes_what_is_somebody_elses",
    },
    Told {
        program: "api_postgres",
        test: "walk::nothing_that_anybody_may_ask_changes_what_is_somebody_elses",
    },
    Told {
        program: "api_detached",
        test: "walk::nothing_that_anybody_may_ask_changes_what_is_somebody_elses",
    },
];

/// The programs that hold a store to its contract: a file, a server, one behind a pooler, and one
/// with heads on Redis.
const CONTRACTS: [&str; 3] = ["contract", "pooled", "sessions"];

/// The programs that compare the times of answers, each with a store of its own.
const TIMINGS: [&str; 3] = ["api", "api_postgres", "api_detached"];
const TIMING: &str = "timing::";

/// The races of the contracts, and all else that they promise.
pub(super) fn contracts() -> Done<String> {
    let mut stories = Vec::new();
    for program in CONTRACTS {
        let said = test(&[program], &[])?;
        let count: u32 = said.lines().filter_map(passed).sum();
        stories.push(format!("{count} stories in {program}"));
    }
    Ok(stories.join(", "))
}

/// One comparison after the other: those beside it would be in its times.
pub(super) fn timing() -> Done<String> {
    let mut figures = Vec::new();
    for program in TIMINGS {
        let said = test(&[program], &[TIMING, "--nocapture", "--test-threads=1"])?;
        let compared = proved(&said);
        if compared.is_empty() {
            return Err(Failure::new(format!("{program} compares no times")));
        }
        let pairs = compared.len();
        figures.push(format!("{pairs} pairs of questions in {program}"));
        figures.extend(compared.first().map(|pair| format!("such as {pair}")));
    }
    Ok(figures.join(", "))
}

pub(super) fn told_by_tests() -> Done<String> {
    let mut figures = Vec::new();
    for told in &TOLD_BY_TESTS {
        let said = test(&[told.program], &[told.test, "--exact", "--nocapture"])?;
        let said = proved(&said);
        if said.is_empty() {
            let test = told.test;
            return Err(Failure::new(format!("{test} says nothing of what it did")));
        }
        figures.extend(said);
    }
    Ok(figures.join("; "))
}

/// How many tests passed, where a line says that of a program.
fn passed(line: &str) -> Option<u32> {
    let (count, _) = line
        .strip_prefix("test result: ok. ")?
        .split_once(" passed")?;
    count.parse().ok()
}

fn proved(said: &str) -> Vec<String> {
    let marked = said.lines().filter_map(|line| line.split_once(MARK));
    marked.map(|(_, figures)| figures.to_owned()).collect()
}

/// The tests that the proofs here run, for whoever runs all others.
pub(super) fn names() -> Done<BTreeSet<String>> {
    let told = TOLD_BY_TESTS.iter().map(|told| told.test.to_owned());
    let contracts = listed(&CONTRACTS, &[])?;
    let timings = listed(&TIMINGS, &[TIMING])?;
    Ok(told.chain(contracts).chain(timings).collect())
}

fn listed(programs: &[&str], more: &[&str]) -> Done<Vec<String>> {
    let said = test(programs, &[more, &["--list"]].concat())?;
    let names = said.lines().filter_map(|line| line.strip_suffix(": test"));
    Ok(names.map(str::to_owned).collect())
}

fn test(programs: &[&str], more: &[&str]) -> Done<String> {
    let mut test = for_workspace("test");
    for program in programs {
        test.args(["--test", program]);
    }
    test.arg("--").args(more);
    run_quietly(test.env("SIGNET_PROVE", INPUTS))
}
