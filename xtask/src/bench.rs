//! The benchmarks: one release build, one run, peers beside.

use crate::process::{self, Done, cargo};

pub(crate) fn run(arguments: &[&str]) -> Done {
    process::run(&mut cargo(&[
        "build",
        "--quiet",
        "--release",
        "-p",
        "signet",
    ]))?;
    let mut bench = cargo(&["run", "--quiet", "--release", "-p", "signet-bench", "--"]);
    process::run(bench.args(arguments))
}
