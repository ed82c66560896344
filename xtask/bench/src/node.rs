//! The npm package in Node.js beside jose and fast-jwt: what `js/node.mjs` measures, with its targets.
//!
//! `cargo xtask bench` says where things are, by variables of the environment.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::report::{Report, Target};

/// The most that the module may take when a server compresses it, in KiB.
const LARGEST: f64 = 64.0;

pub(crate) fn run(report: &mut Report) {
    report
        .heading("The npm package in Node.js, microseconds for one token (12 headers, 500 rules)");
    let (Some(node), Some(modules), Some(package)) = (
        variable("SIGNET_NODE"),
        variable("SIGNET_NODE_MODULES"),
        variable("SIGNET_NPM_PACKAGE"),
    ) else {
        report.fact(
            "left out",
            "`cargo xtask bench` builds the package and runs this",
        );
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("js/node.mjs");
    let mut measure = Command::new(node);
    measure.current_dir(modules).arg(script).arg(&package);
    let output = measure.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let times: Value = serde_json::from_slice(&output.stdout).unwrap();
    let time = |name: &str| times[name].as_f64().unwrap();
    for (name, time) in times.as_object().unwrap() {
        let (unit, target) = match name.as_str() {
            "instantiation" => ("ms", Target::AtMost(5.0)),
            _ => ("µs", Target::None),
        };
        report.figure(name, time.as_f64().unwrap(), unit, target);
    }
    for (ours, theirs, most) in [
        ("signet, decided for the first time", "jose, jwtVerify", 0.4),
        ("signet, decided for the first time", "fast-jwt", 0.65),
        ("signet, decided again", "fast-jwt, from its cache", 0.6),
    ] {
        let ratio = time(ours) / time(theirs);
        let name = format!("{} / {theirs}", ours.trim_start_matches("signet, "));
        report.figure(&name, ratio, "", Target::AtMost(most));
    }
    let compressed = compressed_size(&package.join("verifier.wasm"));
    report.figure(
        "verifier.wasm, gzip -9",
        compressed,
        "KiB",
        Target::AtMost(LARGEST),
    );
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).map(PathBuf::from)
}

/// In KiB.
fn compressed_size(file: &Path) -> f64 {
    let file = fs::canonicalize(file).unwrap();
    let output = Command::new("gzip")
        .args(["-9", "--stdout"])
        .arg(file)
        .output();
    output.unwrap().stdout.len() as f64 / 1_024.0
}
