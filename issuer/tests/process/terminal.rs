//! What is said to somebody who sits at a terminal. `script` (of every Debian) makes one.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::harness::{PASSWORD, Signet, free_address};

/// What the server says on a terminal until it is stopped.
fn on_a_terminal(signet: &Signet) -> String {
    let address = free_address();
    let program = env!("CARGO_BIN_EXE_signet");
    let line = format!("timeout --signal=INT 2 {program} --listen {address} 2>log");
    let started = Instant::now();
    let said = said_on_a_terminal(signet, &line);
    assert!(started.elapsed() < Duration::from_secs(15));
    said
}

/// What a line of shell says on a terminal.
fn said_on_a_terminal(signet: &Signet, line: &str) -> String {
    let mut child = Command::new("script")
        .args(["--quiet", "--return", "--command", line, "typescript"])
        .current_dir(signet.folder())
        .env("SHELL", "/bin/sh")
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script, from the package bsdutils");
    let mut said = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    child.wait().unwrap();
    said
}

#[test]
fn the_setup_link_is_shown_until_there_is_an_admin() {
    let signet = Signet::new();
    let said = on_a_terminal(&signet);
    assert!(said.contains("/docs"), "{said}");
    assert!(said.contains("/dev/mailbox"), "{said}");
    let link = said
        .split_whitespace()
        .find(|word| word.contains("/setup#token="))
        .expect(&said);
    let token = link.split("#token=").nth(1).unwrap();
    assert_eq!(token.len(), 43, "{link}");
    let log = std::fs::read_to_string(signet.folder().join("log")).unwrap();
    assert!(!log.contains(token), "{log}");
    let create = [
        "user",
        "create",
        "--email",
        "a@example.com",
        "--role",
        "admin",
        "--verified",
    ];
    let create = [&create[..], &["--password-stdin"]].concat();
    assert_eq!(signet.run_with_input(&create, PASSWORD.as_bytes()).code, 0);
    let said = on_a_terminal(&signet);
    assert!(said.contains("/docs") && !said.contains("/setup"), "{said}");
}

#[test]
fn an_import_shows_how_far_it_is() {
    let signet = Signet::new();
    let account = |number| format!("{{\"email\":\"person{number}@example.com\"}}\n");
    let file: String = (0..3_000).map(account).collect();
    std::fs::write(signet.folder().join("accounts.ndjson"), file).unwrap();
    let import = format!(
        "{} users import accounts.ndjson",
        env!("CARGO_BIN_EXE_signet")
    );
    let said = said_on_a_terminal(&signet, &import);
    let is_bar = |line: &str| {
        let parts = line.split_once("% ").map(|(_, behind)| behind);
        parts.is_some_and(|behind| behind.contains(" accounts ") && behind.contains(" left"))
    };
    assert!(said.split(['\r', '\n']).any(is_bar), "{said}");
    assert!(
        said.contains("3000 imported: 3000 without a password"),
        "{said}"
    );

    // Nobody watches what goes elsewhere.
    let said = said_on_a_terminal(&signet, &format!("{import} 2>log"));
    assert!(said.contains("3000 already there"), "{said}");
    assert!(!said.split(['\r', '\n']).any(is_bar), "{said}");
    let log = std::fs::read_to_string(signet.folder().join("log")).unwrap();
    assert!(!log.split(['\r', '\n']).any(is_bar), "{log}");
}
