//! `signet decide`: the vectors of `vectors/decisions`, and what no vector says of the program.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use super::harness::{Ended, Signet};

const POLICY: &str = "version = 1\nissuer = \"https://i.example\"\naudience = [\"a\"]\n\
     [[rule]]\nid = \"open\"\npath = \"/open\"\nallow = \"anyone\"\n";

/// Keys of which none can be used, as before a host has fetched any.
const NO_KEYS: &str = r#"{"keys":[{"kty":"RSA","kid":"left-out"}]}"#;

const OPEN: &str = r#"{"method":"GET","path":"/open","headers":[]}"#;

/// What a run has beside its lines.
#[derive(Eq, Ord, PartialEq, PartialOrd)]
struct Given {
    policy: String,
    keys: String,
    feeds: Vec<String>,
    now: u64,
    leeway: u64,
}

/// Runs it in a folder with these files.
fn decide(given: &Given, input: &[u8]) -> Ended {
    let signet = Signet::new();
    let arguments = arguments(&signet, given);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    signet.run_with_input(&arguments, input)
}

/// Writes the files, and names them as arguments.
fn arguments(signet: &Signet, given: &Given) -> Vec<String> {
    let write = |name: &str, text: &str| fs::write(signet.folder().join(name), text).unwrap();
    write("policy", &given.policy);
    write("keys.json", &given.keys);
    let (now, leeway) = (given.now.to_string(), given.leeway.to_string());
    let mut arguments = [
        "decide",
        "--policy",
        "policy",
        "--jwks",
        "keys.json",
        "--now",
    ]
    .map(String::from)
    .to_vec();
    arguments.extend([now, "--leeway".into(), leeway]);
    for (position, feed) in given.feeds.iter().enumerate() {
        let name = format!("feed{position}");
        // What `curl` writes has no line feed, what an editor writes has one.
        write(
            &name,
            &format!("{feed}{}", if position == 0 { "\n" } else { "" }),
        );
        arguments.extend(["--revocations".into(), name]);
    }
    arguments
}

fn plain() -> Given {
    Given {
        policy: POLICY.into(),
        keys: NO_KEYS.into(),
        feeds: Vec::new(),
        now: 1_800_000_000,
        leeway: 30,
    }
}

fn vector_files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors/decisions");
    let in_folder = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap();
        let files = entries.map(|entry| entry.unwrap().path());
        files
            .filter(|file| file.extension().is_some_and(|end| end == "json"))
            .collect()
    };
    [in_folder(&folder), in_folder(&folder.join("by-hand"))].concat()
}

/// A time, which is text where JavaScript's numbers don't hold it.
fn seconds(value: &Value) -> u64 {
    let text = value.as_str().map(|text| text.parse().unwrap());
    text.or_else(|| value.as_u64()).unwrap()
}

#[test]
fn every_vector_is_decided_as_it_says() {
    let mut decided = 0;
    for file in vector_files() {
        let file: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let mut runs: BTreeMap<Given, Vec<&Value>> = BTreeMap::new();
        for case in file["cases"].as_array().unwrap() {
            let setting = |name: &str| match &case[name] {
                // `null` is a setting of its own.
                Value::Null if case.get(name).is_none() => &file["defaults"][name],
                own => own,
            };
            let policy = &file["policies"][setting("policy").as_str().unwrap()];
            // One notation for some runs and the other for others.
            let notation = if decided % 2 == 0 { "toml" } else { "json" };
            let keys = setting("keys").as_str().map(|name| &file["key_sets"][name]);
            let feeds = setting("feeds").as_array().unwrap().iter();
            let given = Given {
                policy: policy[notation].as_str().unwrap().to_owned(),
                keys: keys
                    .map_or(NO_KEYS, |keys| keys.as_str().unwrap())
                    .to_owned(),
                feeds: feeds
                    .map(|feed| feed.as_str().unwrap().to_owned())
                    .collect(),
                now: seconds(setting("now")),
                leeway: seconds(setting("leeway")),
            };
            runs.entry(given).or_default().push(case);
            decided += 1;
        }
        for (given, cases) in runs {
            let lines: Vec<String> = cases
                .iter()
                .map(|case| case["request"].to_string())
                .collect();
            let ended = decide(&given, lines.join("\n").as_bytes());
            assert_eq!(ended.code, 0, "{}: {}", cases[0]["id"], ended.err);
            let decisions: Vec<&str> = ended.out.lines().collect();
            assert_eq!(decisions.len(), cases.len());
            for (case, decision) in cases.iter().zip(decisions) {
                assert_eq!(
                    decision,
                    case["expect"].to_string(),
                    "{} {}",
                    case["id"],
                    case["note"]
                );
            }
        }
    }
    assert!(decided > 300, "only {decided} vectors");
}

#[test]
fn an_unusable_line_ends_it_with_its_number_behind_what_was_decided() {
    for (lines, number, told) in [
        (vec![""], 1, "not JSON"),
        (vec![OPEN, OPEN, "{}"], 3, "method is missing"),
        (vec![OPEN, "", OPEN], 2, "not JSON"),
        (
            vec![OPEN, r#"{"method":"GET","path":"/Ā","headers":[]}"#],
            2,
            "over U+00FF",
        ),
        (
            vec![OPEN, r#"{"method":"GET","path":"/","headers":[],"x":1}"#],
            2,
            "\"x\"",
        ),
    ] {
        let ended = decide(&plain(), (lines.join("\n") + "\n").as_bytes());
        assert_eq!(ended.code, 2, "{lines:?}");
        let place = format!("signet: line {number}: ");
        assert!(ended.err.contains(&place), "{}", ended.err);
        assert!(ended.err.contains(told), "{}", ended.err);
        assert_eq!(ended.out.lines().count(), number - 1);
    }
    let long = format!("{}\n{OPEN}", "x".repeat(2 << 20));
    let ended = decide(&plain(), long.as_bytes());
    assert_eq!((ended.code, ended.out.as_str()), (2, ""));
    assert!(ended.err.contains("line 1: longer than"), "{}", ended.err);
}

#[test]
fn no_line_is_no_decision_and_the_last_needs_no_line_feed() {
    let ended = decide(&plain(), b"");
    assert_eq!((ended.code, ended.out.as_str()), (0, ""));
    for input in [OPEN.to_owned(), format!("{OPEN}\n"), format!("{OPEN}\r\n")] {
        let ended = decide(&plain(), input.as_bytes());
        assert_eq!(
            (ended.code, ended.out.lines().count()),
            (0, 1),
            "{}",
            ended.err
        );
        assert!(ended.out.ends_with("}\n"));
    }
}

/// The feed names an ended session for as long as the most patient gate takes a token of it.
#[test]
fn clocks_are_granted_a_minute_at_most() {
    let granted = |leeway| decide(&Given { leeway, ..plain() }, OPEN.as_bytes());
    assert_eq!(granted(60).code, 0);
    let ended = granted(61);
    assert_eq!((ended.code, ended.out.as_str()), (2, ""));
    assert!(ended.err.contains("at most 60"), "{}", ended.err);
}

#[test]
fn everything_that_cannot_be_used_is_told_at_once() {
    let given = Given {
        policy: "version = 2\ncolour = 1\n".into(),
        keys: "{}".into(),
        feeds: vec!["a.b".into(), "<html>".into(), "a.b.c".into()],
        ..plain()
    };
    let ended = decide(&given, OPEN.as_bytes());
    assert_eq!((ended.code, ended.out.as_str()), (2, ""));
    for told in [
        "policy:1:11: must be 1",
        "policy:2:1: ",
        "issuer is missing",
        "no key set at keys.json",
        "feed0 is no revocation feed",
        "feed1 is no revocation feed",
    ] {
        assert!(ended.err.contains(told), "{told}: {}", ended.err);
    }
    assert!(!ended.err.contains("feed2"), "{}", ended.err);
    let signet = Signet::new();
    let missing = ["decide", "--policy", "none", "--jwks", "none", "--now", "1"];
    assert_eq!(signet.run(&missing).code, 2);
    assert_eq!(signet.run(&missing[..5]).code, 2, "--now has no default");
}

#[test]
fn a_feed_that_is_refused_is_told_and_ignored() {
    let given = Given {
        feeds: vec!["e30.e30.AAAA".into()],
        ..plain()
    };
    let ended = decide(&given, OPEN.as_bytes());
    assert_eq!((ended.code, ended.out.lines().count()), (0, 1));
    assert!(ended.err.contains("feed0 is ignored: "), "{}", ended.err);
}

/// A run whose lines are still to come.
fn start(signet: &Signet) -> Child {
    let arguments = arguments(signet, &plain());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    signet
        .command(&arguments)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn decisions_come_as_lines_come() {
    let signet = Signet::new();
    let mut child = start(&signet);
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    for lines in [1, 2, 5] {
        input
            .write_all(format!("{OPEN}\n").repeat(lines).as_bytes())
            .unwrap();
        // The beginning of the next line doesn't hold them back.
        input.write_all(b" ").unwrap();
        for _ in 0..lines {
            let mut line = String::new();
            output.read_line(&mut line).unwrap();
            let decision: Value = serde_json::from_str(&line).unwrap();
            assert_eq!(decision["rule"], json!("open"));
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn many_lines_take_no_more_memory_than_few() {
    let signet = Signet::new();
    let mut child = start(&signet);
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let status = format!("/proc/{}/status", child.id());
    let mut decide_and_measure = |times: usize| {
        let lines = format!("{OPEN}\n").repeat(100);
        let mut decision = String::new();
        for _ in 0..times {
            input.write_all(lines.as_bytes()).unwrap();
            for _ in 0..100 {
                decision.clear();
                output.read_line(&mut decision).unwrap();
            }
        }
        let status = fs::read_to_string(&status).unwrap();
        let peak = status
            .lines()
            .find(|line| line.starts_with("VmHWM:"))
            .unwrap();
        peak.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    let few = decide_and_measure(10);
    let many = decide_and_measure(990);
    assert!(many < few + 1_024, "{few} KiB, then {many} KiB");
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn whoever_has_read_enough_is_not_complained_to() {
    let signet = Signet::new();
    let mut child = start(&signet);
    let mut input = child.stdin.take().unwrap();
    drop(child.stdout.take());
    let lines = format!("{OPEN}\n").repeat(10_000);
    // It ends before it has read everything.
    let _broken = input.write_all(lines.as_bytes());
    drop(input);
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success());
    assert!(ended.stderr.ends_with(b"not an Ed25519 key\n"));
}
