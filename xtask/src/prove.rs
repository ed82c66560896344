//! The proofs at full size, with a report that says when, of which commit, and what was tried.

mod mutants;
mod previous;
mod stores;

use std::fs;
use std::time::Instant;

use crate::components::for_workspace;
use crate::fuzz;
use crate::process::{self, Done, Failure, cargo, command, root, run_quietly, say, say_error};
use crate::revocation;
use crate::setup::{self, tool};

const DENY_VERSION: &str = "0.20.2";

/// A proof: its name, and what it does; it answers what there is to say of it, if there is.
type Proof = (&'static str, fn() -> Done<String>);

const PROOFS: &[Proof] = &[
    ("licences, bans and sources (cargo deny)", deny),
    ("every test, races and properties at full size", tests),
    ("the contract of all stores, its races", stores::contracts),
    ("the time of an answer tells nothing", stores::timing),
    (
        "stores behind poolers, outages, kills, a full disk, a stranger's walk",
        stores::told_by_tests,
    ),
    ("the release before on this schema", previous::run_together),
    ("a session that ends is over everywhere", revocation::prove),
    ("the verdicts of aws-lc-rs", agreement),
    ("no input upsets the verifier (libFuzzer)", fuzz::prove),
    (
        "no mistake in it goes unnoticed (cargo mutants)",
        mutants::run,
    ),
];

/// Runs all of them, or those whose names have one of these words in them; only all of them make a
/// report.
pub(crate) fn run(words: &[&str]) -> Done {
    let proofs = named_so(words)?;
    setup::all()?;
    let commit = run_quietly(command("git").args(["describe", "--always", "--dirty"]))?;
    let date = run_quietly(command("date").args(["-u", "+%Y-%m-%d %H:%M UTC"]))?;
    let mut report = format!(
        "# Proofs\n\nWritten by `cargo xtask prove` on {} for commit {}.\n\n\
         | proof | result | seconds |\n|---|---|---|\n",
        date.trim(),
        commit.trim()
    );
    let mut failed = false;
    for (name, proof) in proofs {
        say(format!("\n== {name}"));
        let started = Instant::now();
        let done = proof();
        let result = match &done {
            Ok(figures) if figures.is_empty() => "holds".to_owned(),
            Ok(figures) => format!("holds: {figures}"),
            Err(failure) => {
                failed = true;
                say_error(failure);
                let failure = failure.to_string();
                format!("FAILED: {}", failure.lines().next().unwrap_or(""))
            }
        };
        let seconds = started.elapsed().as_secs();
        report.push_str(&format!("| {name} | {result} | {seconds} |\n"));
        say(result);
    }
    if words.is_empty() {
        fs::write(root().join("docs/PROOFS.md"), &report)?;
    }
    match failed {
        true => Err(Failure::new(format!("a proof failed:\n{report}"))),
        false => Ok(()),
    }
}

/// The proofs whose names have one of these words in them, or all. A word that is in none is a slip,
/// and what it was meant for would pass for proven.
fn named_so(words: &[&str]) -> Done<Vec<&'static Proof>> {
    let is_known = |word: &str| PROOFS.iter().any(|(name, _)| name.contains(word));
    if let Some(unknown) = words.iter().find(|word| !is_known(word)) {
        let all: Vec<&str> = PROOFS.iter().map(|(name, _)| *name).collect();
        let all = all.join("\n  ");
        return Err(Failure::new(format!(
            "no proof has {unknown} in its name; there are\n  {all}"
        )));
    }
    let is_asked_for =
        |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word));
    let proofs = PROOFS.iter().filter(|(name, _)| is_asked_for(name));
    Ok(proofs.collect())
}

/// The advisory database isn't asked: it can't be reached from everywhere.
fn deny() -> Done<String> {
    let program = tool("cargo-deny", DENY_VERSION)?.join("cargo-deny");
    process::run(command(program).args(["check", "licenses", "bans", "sources"]))?;
    Ok(String::new())
}

/// How many inputs each property is tried with; that it is set makes the races run at full length.
const INPUTS: &str = "1000000";

/// But for those that have a proof of their own.
fn tests() -> Done<String> {
    let mut tests = for_workspace("test");
    tests.args(["--", "--exact"]);
    for name in stores::names()? {
        tests.args(["--skip", &name]);
    }
    process::run(tests.env("SIGNET_PROVE", INPUTS))?;
    Ok(format!("{INPUTS} inputs for a property of one function"))
}

/// Where aws-lc-rs is linked anyway: beside the benchmarks.
fn agreement() -> Done<String> {
    process::run(&mut cargo(&[
        "run",
        "--quiet",
        "--release",
        "-p",
        "signet-bench",
        "--",
        "agreement",
    ]))?;
    Ok(String::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(words: &[&str]) -> Vec<&'static str> {
        let proofs = named_so(words).unwrap();
        proofs.iter().map(|(name, _)| *name).collect()
    }

    #[test]
    fn a_word_chooses_the_proofs_that_have_it_in_their_names() {
        assert_eq!(names(&[]).len(), PROOFS.len());
        let chosen = names(&["aws-lc-rs", "deny"]);
        let expected = [
            "licences, bans and sources (cargo deny)",
            "the verdicts of aws-lc-rs",
        ];
        assert_eq!(chosen, expected);
    }

    #[test]
    fn a_word_of_no_name_is_refused_with_the_names_even_beside_one_that_is() {
        for words in [&["stroes"][..], &["stores", "stroes"]] {
            let failure = named_so(words).unwrap_err().to_string();
            assert!(failure.contains("stroes"), "{failure}");
            assert!(failure.contains("the verdicts of aws-lc-rs"), "{failure}");
        }
    }
}
