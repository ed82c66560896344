//! The benchmarks: one release build, one run, peers beside.

use std::path::PathBuf;
use std::process::Command;

use crate::components::{envoy, node, npm, target_folder, workerd};
use crate::process::{self, Done, cargo, command, root, run_quietly};
use crate::wasm;

pub(crate) fn run(arguments: &[&str]) -> Done {
    let is_wanted = |area| arguments.is_empty() || arguments.contains(&area);
    if is_wanted("issuer") {
        process::run(&mut cargo(&[
            "build",
            "--quiet",
            "--release",
            "-p",
            "signet",
        ]))?;
    }
    let mut bench = cargo(&["run", "--quiet", "--release", "-p", "signet-bench", "--"]);
    if is_wanted("envoy") {
        bench
            .env("SIGNET_BENCH_ENVOY", envoy()?)
            .env("SIGNET_BENCH_FILTER", wasm::proxy()?);
    }
    if is_wanted("worker") {
        tell_of_workers(&mut bench)?;
    }
    if is_wanted("node") {
        bench
            .env("SIGNET_NODE", node()?)
            .env("SIGNET_NODE_MODULES", npm()?)
            .env("SIGNET_NPM_PACKAGE", wasm::npm_package()?);
    }
    process::run(bench.args(arguments))
}

/// Says where workerd is, the Worker, and the two that stand beside it.
fn tell_of_workers(bench: &mut Command) -> Done {
    bench
        .env("SIGNET_BENCH_WORKERD", workerd()?)
        .env("SIGNET_BENCH_WORKER", wasm::worker()?)
        .env("SIGNET_BENCH_JOSE", bundled("jose")?)
        .env("SIGNET_BENCH_FORWARD", bundled("forward")?);
    Ok(())
}

/// One file of a Worker in JavaScript and of what it imports.
fn bundled(name: &str) -> Done<PathBuf> {
    let modules = npm()?.join("node_modules");
    let file = target_folder().join(format!("bench/{name}.mjs"));
    let mut esbuild = command(modules.join(".bin/esbuild"));
    esbuild
        .arg(root().join(format!("xtask/bench/worker/{name}.mjs")))
        .args(["--bundle", "--minify", "--format=esm"])
        .args(["--conditions=workerd,worker", "--log-level=warning"])
        .arg(format!("--outfile={}", file.display()))
        .env("NODE_PATH", modules);
    run_quietly(&mut esbuild)?;
    Ok(file)
}
