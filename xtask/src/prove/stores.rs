//! What the stores promise, at full size, each with the figures it came to.
//!
//! The tests are those of every test run, with more rounds. Each says what it did in lines that
//! begin with `proved: `; one that says nothing has proved nothing, and fails here.
//!
//! To add a proof, have its test say so, and add it to [`TOLD_BY_TESTS`].

use super::INPUTS;
use crate::process::{Done, Failure, cargo, run_quietly};

/// A test: its package, its program, its name.
struct Told {
    package: &'static str,
    program: &'static str,
    test: &'static str,
}

const MARK: &str = "proved: ";

/// Tests whose figures belong into the report.
const TOLD_BY_TESTS: [Told; 10] = [
    Told {
        package: "signet-store-postgres",
        program: "server",
        test: "pooling::eight_clients_on_three_connections_get_their_own_rows",
    },
    Told {
        package: "signet-store-postgres",
        program: "server",
        test: "outages::a_silent_server_costs_no_connection_for_ever",
    },
    Told {
        package: "signet-store-postgres",
        program: "server",
        test: "outages::a_server_that_is_away_is_told_at_once_and_its_return_is_noticed",
    },
    Told {
        package: "signet-store-postgres",
        program: "server",
        test: "outages::what_was_acknowledged_is_there_after_a_crash",
    },
    Told {
        package: "signet",
        program: "api_postgres",
        test: "keys_in_use::of_rotations_at_three_replicas_at_once_one_is_done_and_nobody_is_refused",
    },
    Told {
        package: "signet",
        program: "process",
        test: "starting::eight_first_starts_migrate_once",
    },
    Told {
        package: "signet",
        program: "process",
        test: "crashing::what_was_acknowledged_before_a_kill_is_there_after_it",
    },
    Told {
        package: "signet",
        program: "process",
        test: "crashing::a_full_disk_takes_no_change_answers_what_is_there_and_recovers_by_itself",
    },
    Told {
        package: "signet",
        program: "process",
        test: "mail::a_mail_server_that_can_not_be_used_or_trusted_loses_no_mail_and_is_told_nothing",
    },
    Told {
        package: "signet",
        program: "process",
        test: "mail::whatever_a_mail_server_says_of_a_message_it_arrives_or_is_a_dead_letter",
    },
];

/// The races of the contract, on a file, on a server, through a pooler, and with heads on Redis.
pub(super) fn contracts() -> Done<String> {
    let mut stories = Vec::new();
    for (package, program) in [
        ("signet-store-sqlite", "contract"),
        ("signet-store-postgres", "contract"),
        ("signet-store-postgres", "pooled"),
        ("signet-store-redis", "sessions"),
    ] {
        let said = test(package, program, &[])?;
        let count = said
            .lines()
            .filter(|line| line.ends_with(" ... ok"))
            .count();
        stories.push(format!("{count} stories in {package} ({program})"));
    }
    Ok(stories.join(", "))
}

pub(super) fn told_by_tests() -> Done<String> {
    let mut figures = Vec::new();
    for told in &TOLD_BY_TESTS {
        let alone = [told.test, "--exact", "--nocapture"];
        let said = test(told.package, told.program, &alone)?;
        let said: Vec<&str> = said
            .lines()
            .filter_map(|line| line.split_once(MARK))
            .map(|(_, figures)| figures)
            .collect();
        if said.is_empty() {
            let test = told.test;
            return Err(Failure::new(format!("{test} says nothing of what it did")));
        }
        figures.extend(said.into_iter().map(str::to_owned));
    }
    Ok(figures.join("; "))
}

/// The tests that [`contracts`] and [`told_by_tests`] run, for whoever runs all others.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TOLD_BY_TESTS.iter().map(|told| told.test)
}

fn test(package: &str, program: &str, more: &[&str]) -> Done<String> {
    let words = ["test", "-p", package, "--test", program, "--"];
    let mut test = cargo(&words);
    test.args(more);
    run_quietly(test.env("SIGNET_PROVE", INPUTS))
}
