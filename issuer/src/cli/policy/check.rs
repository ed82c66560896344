//! `signet policy check`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};
use signet_verifier::policy::document::Policy;

use super::coverage::{self, Coverage};
use super::doubts;
use super::openapi;
use super::rule::described;
use crate::cli::{say, unusable};
use crate::policy_file::{self, PolicyFaults, PolicyFileError};

/// `signet policy check`
#[derive(Args, Debug)]
pub(in crate::cli) struct Check {
    /// The policy
    file: PathBuf,
    /// An OpenAPI document (JSON) of which every operation must have a rule
    #[arg(long, value_name = "SPEC")]
    openapi: Option<PathBuf>,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

impl Check {
    /// Exit 0: it is good; 1: it isn't, or leaves an operation out; 2: there is nothing to check.
    pub(super) fn run(self) -> ExitCode {
        let policy = match policy_file::read(&self.file) {
            Ok(policy) => policy,
            Err(PolicyFileError::Faulty(faults)) => return self.answer(false, &faulty(&faults)),
            Err(error) => return unusable(&error),
        };
        let Some(spec) = &self.openapi else {
            return self.answer(true, &good(&policy));
        };
        let operations = std::fs::read(spec)
            .map_err(|error| error.to_string())
            .and_then(|text| openapi::operations(&text));
        match operations {
            Ok(operations) => {
                let coverage = coverage::compare(&policy, &operations);
                self.answer(
                    coverage.uncovered.is_empty(),
                    &covered(&coverage, operations.len(), &doubts::of(&policy)),
                )
            }
            Err(error) => unusable(&format_args!("can't use {}: {error}", spec.display())),
        }
    }

    fn answer(&self, is_good: bool, answer: &Answer) -> ExitCode {
        let said = if self.json {
            say(&format!("{}\n", answer.json))
        } else {
            say(&format!("{}\n", answer.text))
        };
        if is_good { said } else { ExitCode::from(1) }
    }
}

/// What is said to people and to programs.
struct Answer {
    text: String,
    json: Value,
}

fn faulty(found: &PolicyFaults) -> Answer {
    let faults = found.faults.iter().map(|fault| {
        json!({
            "line": fault.place.line,
            "column": fault.place.column,
            "problem": fault.kind.to_string(),
        })
    });
    Answer {
        text: found.to_string(),
        json: json!({ "ok": false, "faults": faults.collect::<Vec<_>>() }),
    }
}

fn good(policy: &Policy) -> Answer {
    let doubts = doubts::of(policy);
    let mut lines = noted(&doubts);
    let rules = counted(policy.rules().len(), "rule");
    lines.push(format!("the policy is good: {rules}"));
    Answer {
        text: lines.join("\n"),
        json: json!({ "ok": true, "faults": [], "doubts": doubts }),
    }
}

fn noted(doubts: &[String]) -> Vec<String> {
    let doubts = doubts.iter();
    doubts.map(|doubt| format!("note: {doubt}")).collect()
}

fn covered(coverage: &Coverage<'_>, operations: usize, doubts: &[String]) -> Answer {
    let mut lines = noted(doubts);
    for found in &coverage.uncovered {
        let operation = found.operation;
        let id = operation.id.as_ref();
        let id = id.map_or_else(String::new, |id| format!(" ({id})"));
        let (method, path, reason) = (&operation.method, &operation.path, &found.reason);
        lines.push(format!("{method} {path}{id} has no rule: {reason}"));
    }
    for found in &coverage.caught {
        let (method, path) = (&found.operation.method, &found.path);
        let wider = &found.operation.path;
        lines.push(format!(
            "note: {method} {path} has no rule, though {method} {wider} has"
        ));
    }
    for rule in &coverage.unreached {
        lines.push(format!(
            "note: no operation reaches rule {}",
            described(rule)
        ));
    }
    let without = coverage.uncovered.len();
    lines.push(match without {
        0 => format!(
            "every operation has a rule: {}",
            counted(operations, "operation")
        ),
        _ => format!(
            "{without} of {} without a rule",
            counted(operations, "operation")
        ),
    });
    Answer {
        text: lines.join("\n"),
        json: listed(coverage, doubts),
    }
}

fn listed(coverage: &Coverage<'_>, doubts: &[String]) -> Value {
    let uncovered = coverage.uncovered.iter().map(|found| {
        let operation = found.operation;
        json!({
            "method": operation.method,
            "path": operation.path,
            "operation_id": operation.id,
            "reason": found.reason,
        })
    });
    let caught = coverage.caught.iter().map(|found| {
        json!({
            "method": found.operation.method,
            "path": found.path,
            "operation_path": found.operation.path,
        })
    });
    let unreached = coverage.unreached.iter().map(|rule| &rule.id);
    json!({
        "ok": coverage.uncovered.is_empty(),
        "faults": [],
        "doubts": doubts,
        "without_rule": uncovered.collect::<Vec<_>>(),
        "caught": caught.collect::<Vec<_>>(),
        "unreached": unreached.collect::<Vec<_>>(),
    })
}

fn counted(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}
