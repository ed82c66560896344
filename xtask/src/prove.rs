//! The proofs at full size, with a report that says when and of which commit.

use std::fs;
use std::time::Instant;

use crate::components::cache;
use crate::process::{self, Done, Failure, cargo, command, root, run_quietly, say, with_retries};
use crate::setup::{self, is_stamped, stamp};

const DENY_VERSION: &str = "0.20.2";

type Proof = (&'static str, fn() -> Done);

const PROOFS: &[Proof] = &[
    ("licences, bans and sources (cargo deny)", deny),
    ("every test, races and properties at full size", tests),
];

pub(crate) fn run() -> Done {
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
    for (name, proof) in PROOFS {
        say(format!("\n== {name}"));
        let started = Instant::now();
        let done = proof();
        let result = match &done {
            Ok(()) => "holds".to_owned(),
            Err(failure) => {
                failed = true;
                format!(
                    "FAILED: {}",
                    failure.to_string().lines().next().unwrap_or("")
                )
            }
        };
        let seconds = started.elapsed().as_secs();
        report.push_str(&format!("| {name} | {result} | {seconds} |\n"));
        say(result);
    }
    fs::write(root().join("docs/PROOFS.md"), report)?;
    if failed {
        Err(Failure::new("a proof failed; docs/PROOFS.md says which"))
    } else {
        Ok(())
    }
}

/// The advisory database isn't asked: it can't be reached from everywhere.
fn deny() -> Done {
    let folder = cache()?.join("tools");
    let tool = folder.join("bin/cargo-deny");
    if !is_stamped(&folder, DENY_VERSION) {
        say("installing cargo-deny (some minutes)");
        with_retries("cargo install cargo-deny", || {
            let mut install = cargo(&["install", "--quiet", "--locked", "cargo-deny"]);
            install
                .args(["--force", "--version", DENY_VERSION, "--root"])
                .arg(&folder);
            process::run(&mut install)
        })?;
        stamp(&folder, DENY_VERSION)?;
    }
    process::run(command(tool).args(["check", "licenses", "bans", "sources"]))
}

/// How many inputs each property is tried with; that it is set makes the races run at full length.
const INPUTS: &str = "1000000";

fn tests() -> Done {
    let mut tests = cargo(&[
        "test",
        "--quiet",
        "--workspace",
        "--exclude",
        "signet-bench",
    ]);
    process::run(tests.env("SIGNET_PROVE", INPUTS))
}
