//! Fuzzing: the targets of `shared/fuzz` as libFuzzer's programs, with the stable compiler.
//!
//! The `seeds` program says which targets there are, so a new one needs nothing here. All that is
//! kept from one run to the next is in `target/fuzz`: the `corpus` of each target, which is the
//! inputs that reached something new, and its `findings`, which every later run tries first.

mod log;

use std::collections::VecDeque;
use std::fs::{self, File};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::components::target_folder;
use crate::process::{Done, Failure, cargo, command, run, run_quietly, say};
use log::Report;

/// How long a run of each target takes if nobody says otherwise, in seconds.
const USUAL_SECONDS: u64 = 60;
/// The same in every test run: enough to find again what is easily found.
const TEST_SECONDS: u64 = 12;
/// The same in a proof, unless `SIGNET_FUZZ_SECONDS` says otherwise.
const PROOF_SECONDS: u64 = 600;

/// What makes the compiler count edges and comparisons for libFuzzer.
const FLAGS: &[&str] = &[
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// A target, as the `seeds` program tells of it.
struct Target {
    name: String,
    /// The longest input worth trying, in bytes.
    longest: String,
}

/// `cargo xtask fuzz [TARGET] [--seconds N]`.
pub(crate) fn from_words(words: &[&str]) -> Done {
    let (name, seconds) = match words {
        [] => (None, None),
        ["--seconds", seconds] => (None, Some(seconds)),
        [name] => (Some(*name), None),
        [name, "--seconds", seconds] => (Some(*name), Some(seconds)),
        _ => {
            return Err(Failure::new(
                "usage: cargo xtask fuzz [TARGET] [--seconds N]",
            ));
        }
    };
    let seconds = match seconds {
        None => USUAL_SECONDS,
        Some(seconds) => seconds.parse()?,
    };
    fuzz(name, seconds).map(drop)
}

/// A short run of every target.
pub(crate) fn test() -> Done {
    fuzz(None, TEST_SECONDS).map(drop)
}

/// A long run of every target; answers what there is to report.
pub(crate) fn prove() -> Done<String> {
    let seconds = match std::env::var("SIGNET_FUZZ_SECONDS") {
        Ok(seconds) => seconds.parse()?,
        Err(_) => PROOF_SECONDS,
    };
    let executions = fuzz(None, seconds)?;
    let targets: Vec<String> = executions
        .iter()
        .map(|(name, report)| format!("{name} {}", report.executions))
        .collect();
    Ok(format!(
        "{seconds} s each, executions: {}",
        targets.join(", ")
    ))
}

/// Runs one target, or all, as many at a time as there are cores.
fn fuzz(name: Option<&str>, seconds: u64) -> Done<Vec<(String, Report)>> {
    let mut targets = write_seeds()?;
    if let Some(name) = name {
        let all: Vec<String> = targets.iter().map(|target| target.name.clone()).collect();
        targets.retain(|target| target.name == name);
        if targets.is_empty() {
            let all = all.join(", ");
            return Err(Failure::new(format!("no target {name}; there are {all}")));
        }
    }
    let programs = build(&targets)?;
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let waiting = Mutex::new(VecDeque::from(targets));
    let done = Mutex::new(Vec::new());
    let next = || lock(&waiting).pop_front();
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(target) = next() {
                    let result = fuzz_target(&target, &programs, seconds);
                    lock(&done).push((target.name, result));
                }
            });
        }
    });
    let mut reports = Vec::new();
    let mut failures = Vec::new();
    for (name, result) in done.into_inner().unwrap_or_else(PoisonError::into_inner) {
        match result {
            Ok(report) => reports.push((name, report)),
            Err(failure) => failures.push(failure.to_string()),
        }
    }
    if failures.is_empty() {
        Ok(reports)
    } else {
        Err(Failure::new(failures.join("\n")))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes the seeds anew, and answers the targets that there are.
fn write_seeds() -> Done<Vec<Target>> {
    let seeds = folder().join("seeds");
    let _there_may_be_none = fs::remove_dir_all(&seeds);
    let mut write = cargo(&[
        "run",
        "--quiet",
        "-p",
        "signet-fuzz",
        "--bin",
        "seeds",
        "--",
    ]);
    let told = run_quietly(write.arg(seeds))?;
    let targets = told.lines().filter_map(|line| line.split_once(' '));
    let target = |(name, longest): (&str, &str)| Target {
        name: name.into(),
        longest: longest.into(),
    };
    Ok(targets.map(target).collect())
}

/// Builds the programs of some targets, and answers where they are.
///
/// Naming a target platform keeps the flags away from build scripts and macros.
fn build(targets: &[Target]) -> Done<PathBuf> {
    let version = run_quietly(command("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.ok_or_else(|| Failure::new("rustc doesn't say what it runs on"))?;
    let build = folder().join("build");
    let mut programs = cargo(&["build", "--quiet", "-p", "signet-fuzz", "--profile", "fuzz"]);
    programs
        .args(["--target", host, "--target-dir"])
        .arg(&build);
    for target in targets {
        programs.args(["--bin", &target.name]);
    }
    run(programs.env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}")))?;
    Ok(build.join(host).join("fuzz"))
}

fn fuzz_target(target: &Target, programs: &Path, seconds: u64) -> Done<Report> {
    let name = &target.name;
    let place = |kind: &str| folder().join(kind).join(name);
    let (corpus, findings) = (place("corpus"), place("findings"));
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(&findings)?;
    let log = folder().join(format!("{name}.log"));
    let output = File::create(&log)?;
    let mut fuzzer = command(programs.join(name));
    fuzzer
        .args([&corpus, &place("seeds"), &findings])
        .arg(format!("-artifact_prefix={}/", findings.display()))
        .arg(format!(
            "-dict={}",
            place("seeds").with_extension("words").display()
        ))
        .arg(format!("-max_len={}", target.longest))
        .arg(format!("-max_total_time={seconds}"))
        .args(["-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"])
        .stdout(output.try_clone()?)
        .stderr(output);
    let done = run(&mut fuzzer);
    let text = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    match done {
        Ok(()) => {
            let report = log::report(&text)
                .ok_or_else(|| Failure::new(format!("no figures in {}", log.display())))?;
            say(format!("{name:<12} {report}"));
            Ok(report)
        }
        Err(failure) => Err(match log::finding(&text) {
            Some((file, why)) => Failure::new(format!(
                "{name}: {why}\n  The input is kept and tried first from now on. To look at it:\n  \
                 cargo run -p signet-fuzz --bin {name} -- {file}"
            )),
            None => Failure::new(format!("{failure}; see {}", log.display())),
        }),
    }
}

/// What is kept from one run to the next.
fn folder() -> PathBuf {
    target_folder().join("fuzz")
}
