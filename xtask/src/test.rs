//! The test run: every check there is, each named and timed, none skipped.

use std::time::{Duration, Instant};

use crate::components::for_workspace;
use crate::process::{self, Done, Failure, cargo, say, say_error};
use crate::{
    artefacts, conformance, envoy, fuzz, image, interop, npm, revocation, setup, wasm, worker,
};

/// One step: its name, and what it does.
type Step = (&'static str, fn() -> Done);

/// All steps, in order: what is quick and what others need comes first.
pub(crate) const STEPS: &[Step] = &[
    ("setup", setup::all),
    ("format", format),
    ("lints", lints),
    ("no-std", || setup::build_without_std("signet-verifier")),
    ("tests", tests),
    ("fuzz", fuzz::test),
    ("openapi", artefacts::check_openapi),
    ("picture", artefacts::check_picture),
    ("queries", artefacts::check_queries),
    ("passwords", artefacts::check_passwords),
    ("wasm", wasm::build),
    ("npm", npm::test),
    ("envoy", envoy::test),
    ("worker", worker::test),
    ("revocation", revocation::test),
    ("conformance", conformance::run),
    ("interop", interop::run),
    ("image", image::test),
];

/// Runs the steps of these names, or all.
pub(crate) fn run(names: &[&str]) -> Done {
    let known = |name: &&&str| STEPS.iter().any(|(step, _)| step == *name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        let all: Vec<&str> = STEPS.iter().map(|(name, _)| *name).collect();
        let all = all.join(", ");
        return Err(Failure::new(format!("no step {unknown}; there are {all}")));
    }
    let mut report = Vec::new();
    for (name, step) in STEPS {
        if names.is_empty() || names.contains(name) {
            say(format!("\n== {name}"));
            let started = Instant::now();
            let done = step();
            if let Err(failure) = &done {
                say_error(format!("{name}: {failure}"));
            }
            report.push((*name, done.is_ok(), started.elapsed()));
        }
    }
    conclude(&report)
}

fn conclude(report: &[(&str, bool, Duration)]) -> Done {
    say("");
    for (name, passed, time) in report {
        let verdict = if *passed { "ok" } else { "FAILED" };
        say(format!(
            "{name:<10} {verdict:<7} {:>7.1} s",
            time.as_secs_f64()
        ));
    }
    let passed = report.iter().filter(|(_, passed, _)| *passed).count();
    let failed = report.len().saturating_sub(passed);
    say(format!("\n{passed} passed, {failed} failed"));
    if failed == 0 {
        Ok(())
    } else {
        Err(Failure::new("the test run failed"))
    }
}

fn format() -> Done {
    process::run(&mut cargo(&["fmt", "--all", "--check"]))
}

fn lints() -> Done {
    process::run(for_workspace("clippy").args(["--all-targets", "--", "--deny", "warnings"]))?;
    wasm::lints()
}

fn tests() -> Done {
    process::run(for_workspace("test").arg("--no-fail-fast"))
}
