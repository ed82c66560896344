//! Table (a): each host's compiled gate decides about every head, byte by byte alike.

use std::path::Path;
use std::process::Command;

use super::corpus::{Case, World};
use super::head::Head;
use crate::components::{CHROMIUM, node, npm, workerd};
use crate::process::{Done, Failure, command, root, run_with_input, say};
use crate::wasm;

/// What a host's gate made of the cases.
struct Row {
    host: &'static str,
    same: usize,
    /// What can't be said to this host, such as a time that its clock doesn't show.
    unsayable: Vec<String>,
    different: Vec<String>,
}

/// What a program prints for a case that can't be said to it.
const UNSAYABLE: &str = "unsayable";
/// How many differences are shown of each host.
const SHOWN: usize = 5;

pub(super) fn run(worlds: &[World], package: &Path, folder: &Path) -> Done {
    let (browser, runtime) = (Path::new(CHROMIUM), workerd()?);
    let (worker, filter) = (wasm::worker()?, wasm::proxy()?);
    let mut rows = vec![native(worlds)];
    for (host, script, arguments) in [
        ("Node.js", "decide-node.mjs", &[package][..]),
        ("Chromium", "decide-browser.mjs", &[package, browser]),
        ("workerd", "decide-worker.mjs", &[&runtime, &worker]),
        ("Envoy's filter", "decide-envoy.mjs", &[&filter]),
    ] {
        let mut program = command(node()?);
        program
            .current_dir(npm()?)
            .arg(root().join("xtask/conformance").join(script))
            .args(arguments)
            .env("TMPDIR", folder);
        rows.push(ask(host, worlds, &mut program)?);
    }
    say("\n(a) the compiled gates, byte by byte\n");
    say(format!(
        "{:<16}{:>8}{:>12}{:>12}",
        "host", "same", "different", "unsayable"
    ));
    for row in &rows {
        let (different, unsayable) = (row.different.len(), row.unsayable.len());
        say(format!(
            "{:<16}{:>8}{different:>12}{unsayable:>12}",
            row.host, row.same
        ));
    }
    for row in &rows {
        for case in row.different.iter().take(SHOWN) {
            say(format!("\n{}: {case}", row.host));
        }
    }
    let upset: Vec<&str> = rows
        .iter()
        .filter(|row| {
            row.same == 0 || !row.different.is_empty() || row.unsayable.len() > MOST_UNSAYABLE
        })
        .map(|row| row.host)
        .collect();
    match upset.as_slice() {
        [] => Ok(()),
        upset => Err(Failure::new(format!("gates differ: {}", upset.join(", ")))),
    }
}

/// Those of the year 584,554,051,223, and heads that no host of JavaScript can put into words.
const MOST_UNSAYABLE: usize = 10;

fn native(worlds: &[World]) -> Row {
    let lines = cases(worlds).map(|(world, case)| match Head::of(&case.request) {
        Some(head) => world.decide(&head),
        None => UNSAYABLE.to_owned(),
    });
    compare("native", worlds, lines)
}

/// Has a program decide that reads all cases and prints a line for each.
fn ask(host: &'static str, worlds: &[World], program: &mut Command) -> Done<Row> {
    let input: String = cases(worlds)
        .map(|(world, case)| world.line(case) + "\n")
        .collect();
    let (code, output) = run_with_input(program, &input)?;
    let lines: Vec<String> = output.lines().map(str::to_owned).collect();
    if code != 0 || lines.len() != cases(worlds).count() {
        let count = lines.len();
        return Err(Failure::new(format!(
            "{host}: code {code} after {count} decisions"
        )));
    }
    Ok(compare(host, worlds, lines.into_iter()))
}

fn compare(host: &'static str, worlds: &[World], lines: impl Iterator<Item = String>) -> Row {
    let mut row = Row {
        host,
        same: 0,
        unsayable: Vec::new(),
        different: Vec::new(),
    };
    for ((_, case), line) in cases(worlds).zip(lines) {
        if line == case.expect {
            row.same = row.same.saturating_add(1);
        } else if line == UNSAYABLE {
            row.unsayable.push(case.name.clone());
        } else {
            let Case { name, expect, .. } = case;
            row.different
                .push(format!("{name}\n  expected {expect}\n  and not  {line}"));
        }
    }
    row
}

fn cases<'a>(worlds: &'a [World]) -> impl Iterator<Item = (&'a World, &'a Case)> {
    let cases = |world: &'a World| world.cases.iter().map(move |case| (world, case));
    worlds.iter().flat_map(cases)
}
