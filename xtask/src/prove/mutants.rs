//! Mistakes made on purpose, one at a time: a test must fail for each.
//!
//! Which files are mutated, which mutants aren't worth a test and why, stands in
//! `.cargo/mutants.toml`.

use std::fs;

use serde_json::Value;

use super::tool;
use crate::components::target_folder;
use crate::process::{self, Done, Failure, cargo, command, run_quietly, say};

const VERSION: &str = "27.1.0";

/// How many inputs each property is tried with: a mutant that only the ten-thousandth finds has no
/// good test, and each run of them costs the same for all mutants.
const INPUTS: &str = "50";

/// Mutates the verifier, in copies of the repository; answers how many mutants were caught.
pub(super) fn run() -> Done<String> {
    let folder = target_folder().join("mutants");
    fs::create_dir_all(&folder)?;
    let mut mutants = command(tool("cargo-mutants", VERSION)?.join("cargo-mutants"));
    mutants
        .args(["mutants", "--package", "signet-verifier", "--jobs", "2"])
        .args(["--colors", "never", "--output"])
        .arg(&folder)
        .env("SIGNET_PROVE", INPUTS);
    if run_quietly(&mut cargo(&["nextest", "--version"])).is_ok() {
        mutants.args(["--test-tool", "nextest"]);
    }
    // It ends unhappily as well when a mutant loops, which is noticed in the best way: the figures
    // decide.
    let done = process::run(&mut mutants);
    let report = folder.join("mutants.out");
    let Ok(outcomes) = fs::read(report.join("outcomes.json")) else {
        return done.and(Err(Failure::new("cargo mutants has left no outcomes")));
    };
    let outcomes: Value = serde_json::from_slice(&outcomes)?;
    let count = |name: &str| outcomes.get(name).and_then(Value::as_u64).unwrap_or(0);
    let [caught, looped, unviable, missed] = ["caught", "timeout", "unviable", "missed"].map(count);
    let figures = format!(
        "{caught} caught, {looped} never ended, {unviable} didn't compile, {missed} missed"
    );
    say(&figures);
    if missed == 0 && caught > 0 {
        Ok(figures)
    } else {
        let report = report.display();
        Err(Failure::new(format!("{figures}; see {report}")))
    }
}
