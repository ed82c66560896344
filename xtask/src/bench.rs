//! The benchmarks: one release build, one run, peers beside.

use std::path::PathBuf;
use std::process::Command;

use crate::components::{cache, envoy, node, npm, target_folder, workerd};
use crate::process::{self, Done, cargo, command, root, run_quietly, say, with_retries};
use crate::setup::{is_stamped, stamp};
use crate::wasm;

/// The service that stands beside logins, and what it is made of.
const FASTAPI: &str = "xtask/bench/login";

pub(crate) fn run(arguments: &[&str]) -> Done {
    let is_wanted = |area| arguments.is_empty() || arguments.contains(&area);
    if is_wanted("issuer") || is_wanted("login") {
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
    if is_wanted("login") {
        bench
            .env("SIGNET_BENCH_PYTHON", fastapi()?)
            .env("SIGNET_BENCH_FASTAPI", root().join(FASTAPI));
    }
    process::run(bench.args(arguments))
}

/// A Python with what stands beside logins, apart from the one that tests use.
fn fastapi() -> Done<PathBuf> {
    let folder = cache()?.join("bench-python");
    let python = folder.join("bin/python");
    let list = root().join(FASTAPI).join("requirements.txt");
    let requirements = std::fs::read_to_string(&list)?;
    if is_stamped(&folder, &requirements) {
        return Ok(python);
    }
    say("installing Python packages");
    let mut venv = command("python3");
    run_quietly(venv.args(["-m", "venv", "--clear"]).arg(&folder))?;
    with_retries("pip install", || {
        let mut install = command(&python);
        install
            .args(["-m", "pip", "--disable-pip-version-check", "install"])
            .arg("--requirement")
            .arg(&list);
        run_quietly(&mut install).map(drop)
    })?;
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
