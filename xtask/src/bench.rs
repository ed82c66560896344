//! The benchmarks: one release build, one run, peers beside.

use std::path::PathBuf;
use std::process::Command;

use crate::components::{cache, envoy, node, npm, target_folder, workerd};
use crate::process::{self, Done, cargo, command, root, run_quietly, say, with_retries};
use crate::setup::{self, is_stamped, stamp};
use crate::wasm;

/// Where the services in Python are that stand beside logins and refreshes.
const SERVICES: &str = "xtask/bench";

/// What they are made of, and PocketBase's program. Where a list has hashes, each line of it needs
/// one, so that is a list of its own.
const REQUIREMENTS: [&str; 3] = [
    "login/requirements.txt",
    "refresh/requirements.txt",
    "refresh/pocketbase.txt",
];

pub(crate) fn run(arguments: &[&str]) -> Done {
    let is_wanted = |area| arguments.is_empty() || arguments.contains(&area);
    // What only needs servers doesn't wait for the tools that build for Wasm.
    match ["envoy", "node", "worker"].into_iter().any(is_wanted) {
        true => setup::all()?,
        false => setup::programs()?,
    }
    if ["feed", "issuer", "login", "refresh"]
        .into_iter()
        .any(is_wanted)
    {
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
    if is_wanted("login") || is_wanted("refresh") {
        bench
            .env("SIGNET_BENCH_PYTHON", python()?)
            .env("SIGNET_BENCH_SERVICES", root().join(SERVICES));
    }
    process::run(bench.args(arguments))
}

/// A Python with what stands beside Signet, apart from the one that tests use. PocketBase is in its
/// folder of programs.
fn python() -> Done<PathBuf> {
    let folder = cache()?.join("bench-python");
    let python = folder.join("bin/python");
    let lists = REQUIREMENTS.map(|list| root().join(SERVICES).join(list));
    let requirements = lists.iter().map(std::fs::read_to_string);
    let requirements = requirements.collect::<Result<String, _>>()?;
    if is_stamped(&folder, &requirements) {
        return Ok(python);
    }
    say("installing Python packages");
    let mut venv = command("python3");
    run_quietly(venv.args(["-m", "venv", "--clear"]).arg(&folder))?;
    for list in &lists {
        with_retries("pip install", || {
            let mut install = command(&python);
            install
                .args(["-m", "pip", "--disable-pip-version-check", "install"])
                .arg("--requirement")
                .arg(list);
            run_quietly(&mut install).map(drop)
        })?;
    }
    stamp(&folder, &requirements)?;
    Ok(python)
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
