//! The benchmarks: one release build, one run, peers beside.

use crate::components::envoy;
use crate::process::{self, Done, cargo};
use crate::wasm;

pub(crate) fn run(arguments: &[&str]) -> Done {
    process::run(&mut cargo(&[
        "build",
        "--quiet",
        "--release",
        "-p",
        "signet",
    ]))?;
    let mut bench = cargo(&["run", "--quiet", "--release", "-p", "signet-bench", "--"]);
    if arguments.is_empty() || arguments.contains(&"envoy") {
        bench
            .env("SIGNET_BENCH_ENVOY", envoy()?)
            .env("SIGNET_BENCH_FILTER", wasm::proxy()?);
    }
    process::run(bench.args(arguments))
}
