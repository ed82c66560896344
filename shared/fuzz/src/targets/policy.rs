//! Policies in both notations: what is read is written and read as the same again, decides alike,
//! and every fault has its place in the text.

use allocation_counter::measure;
use serde::de::IgnoredAny;
use signet_verifier::policy::document::{Fault, Place};
use signet_verifier::policy::{Method, Methods, Pattern, Policy, Segment, TargetPath};

use crate::{Target, vectors};

/// Policies.
pub const TARGET: Target = Target {
    name: "policy",
    longest: 8_192,
    words: WORDS,
    check,
    seeds,
};

fn check(input: &[u8]) {
    if let Ok(text) = std::str::from_utf8(input) {
        match Policy::from_toml(text) {
            Ok(policy) => reads_back(&policy),
            Err(faults) => are_in_order_and_in_place(&faults, text),
        }
    }
    let mut read = Err(Vec::new());
    let taken = measure(|| read = Policy::from_json(input));
    // A rule in its fewest bytes has a pattern, names and routes of its own.
    let most_memory = 64 * 1_024 + 128 * u64::try_from(input.len()).unwrap();
    assert!(taken.bytes_max < most_memory, "{taken:?}");
    match read {
        Ok(policy) => {
            let is_json = serde_json::from_slice::<IgnoredAny>(input).is_ok();
            assert!(is_json, "read a policy from what isn't JSON");
            reads_back(&policy);
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            assert!(faults.iter().all(|fault| fault.place == Place::default()));
        }
    }
}

fn are_in_order_and_in_place(faults: &[Fault], text: &str) {
    assert!(!faults.is_empty());
    assert!(faults.is_sorted_by_key(|fault| fault.place));
    let lines: Vec<&str> = text.split('\n').collect();
    for fault in faults {
        assert!(!fault.to_string().is_empty());
        let Place { line, column } = fault.place;
        if fault.place != Place::default() {
            let line = lines.get(line - 1).expect("a fault is on a line");
            assert!((1..=line.chars().count() + 1).contains(&column), "{fault}");
        }
    }
}

fn reads_back(policy: &Policy) {
    let json = policy.to_json();
    let again = Policy::from_json(json.as_bytes()).expect("canonical JSON is read");
    assert_eq!(again.to_json(), json);
    assert_eq!(again.rules(), policy.rules());
    for rule in policy.rules() {
        let pattern = rule.route.pattern.to_string();
        let parsed = Pattern::parse(&pattern);
        assert_eq!(parsed.as_ref(), Ok(&rule.route.pattern), "{pattern}");
        decides_as_its_rules_say(policy, &again, &target_of(&rule.route.pattern));
    }
}

/// A target that the pattern matches; a more specific one may match it as well.
fn target_of(pattern: &Pattern) -> String {
    let segment = |segment: &Segment| match segment {
        Segment::Literal(text) => text.clone(),
        Segment::Parameter(_) => "~1".into(),
        Segment::Rest(_) => "~2/~3".into(),
    };
    let segments: Vec<String> = pattern.segments().iter().map(segment).collect();
    format!("/{}", segments.join("/"))
}

/// The table of routes against a search through all rules.
fn decides_as_its_rules_say(policy: &Policy, again: &Policy, target: &str) {
    let path = TargetPath::parse(target.as_bytes()).expect("a pattern's own target is good");
    let rules = policy.rules();
    let matching = rules
        .iter()
        .filter(|rule| matches(&rule.route.pattern, &path));
    let best = matching
        .map(|rule| rank(&rule.route.pattern))
        .min()
        .unwrap();
    for method in ["GET", "HEAD", "OPTIONS", "PURGE", "TRACE"] {
        let siblings = || {
            let matching = rules
                .iter()
                .filter(|rule| matches(&rule.route.pattern, &path));
            matching.filter(|rule| rank(&rule.route.pattern) == best)
        };
        let naming = |method: &str| {
            siblings().find(|rule| match &rule.route.methods {
                Methods::Named(names) => names.iter().any(|name| name == method),
                Methods::Usual => false,
            })
        };
        let usual = || siblings().find(|rule| rule.route.methods == Methods::Usual);
        let expected = match method {
            "HEAD" => naming("HEAD").or_else(|| naming("GET")).or_else(usual),
            "GET" | "OPTIONS" => naming(method).or_else(usual),
            "PURGE" => naming(method),
            _ => None,
        };
        let method = Method::parse(method.as_bytes()).unwrap();
        assert_eq!(policy.rule(&path, method), expected, "{target}");
        assert_eq!(again.rule(&path, method), expected, "{target}");
    }
}

/// Literal before parameter before rest, from the left.
fn rank(pattern: &Pattern) -> Vec<u8> {
    let rank = |segment: &Segment| match segment {
        Segment::Literal(_) => 0,
        Segment::Parameter(_) => 1,
        Segment::Rest(_) => 2,
    };
    pattern.segments().iter().map(rank).collect()
}

fn matches(pattern: &Pattern, path: &TargetPath<'_>) -> bool {
    let mut texts = path.segments().peekable();
    for segment in pattern.segments() {
        let is_good = match (segment, texts.next()) {
            (Segment::Literal(literal), Some(text)) => literal == text,
            (Segment::Parameter(_), Some(text)) => !text.is_empty(),
            (Segment::Rest(_), Some(text)) => {
                !text.is_empty() && texts.all(|text| !text.is_empty())
            }
            (_, None) => false,
        };
        if !is_good {
            return false;
        }
    }
    texts.next().is_none()
}

fn seeds() -> Vec<Vec<u8>> {
    let by_machine = vectors::files("decisions");
    let by_hand = vectors::files("decisions/by-hand");
    let mut seeds = Vec::new();
    for file in by_machine.iter().chain(&by_hand) {
        for policy in file["policies"].as_object().unwrap().values() {
            seeds.extend(["toml", "json"].map(|notation| vectors::bytes(&policy[notation])));
        }
    }
    seeds.extend(FAULTY.iter().map(|text| text.as_bytes().to_vec()));
    seeds
}

/// What the vectors have no policies of: each kind of fault.
const FAULTY: &[&str] = &[
    "version = 2\nissuer = \"\"\naudience = []\nnothing = { x = 1979-05-27 }\n",
    "version=1\nissuer='i'\naudience=['a']\npreflight='maybe'\nforward_token=1\nknown_roles=['a','a']\nknown_permissions=[' ']\n[roles]\nx=['y:z']\n",
    "version=1\nissuer='i'\naudience=['a']\nknown_roles=['a']\n[[rule]]\nid='r'\nmethods=['GET','GET','TRACE','G T']\npath='/a//{b}/{*c}/d'\nallow={any=[{subject='{q}'},{not={role='q'}},{fresh_within='5x'},{all=[]}]}\nrevocation='never'\n",
    "version=1\nissuer='i'\naudience=['a']\n[[rule]]\nid='r'\npath='/%41/{b}'\nallow='anyone'\n[[rule]]\nid='r'\npath='/A/{c}'\nallow='optional'\n",
];

/// With them, as many executions reach two edges more in a hundred.
const WORDS: &[&str] = &[
    "version = 1",
    "issuer = ",
    "audience = ",
    "forward_token = ",
    "preflight = ",
    "known_roles = ",
    "known_permissions = ",
    "[roles]",
    "[[rule]]",
    "id = ",
    "methods = ",
    "path = ",
    "allow = ",
    "revocation = ",
    "\"anyone\"",
    "\"optional\"",
    "\"authenticated\"",
    "{ role = ",
    "{ permission = ",
    "{ subject = ",
    "{ fresh_within = ",
    "{ all = [",
    "{ any = [",
    "{ not = ",
    "\"required\"",
    "\"best_effort\"",
    "\"off\"",
    "\"version\":1",
    "\"issuer\":",
    "\"audience\":",
    "\"rule\":[",
    "\"fresh_within\":",
    "{*",
    "%7E",
    "\\u00",
    "true",
    "false",
    "null",
    "1e9",
];
