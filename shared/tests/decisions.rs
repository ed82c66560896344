//! `vectors/decisions`, compared with what their generator writes today.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[path = "../examples/make_decision_vectors/corpus/mod.rs"]
mod corpus;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use signet_verifier::policy::Policy;
use signet_verifier::time::UnixTime;
use signet_verifier::{Gate, KeySet, Leeway, Rejection, RequestHead};

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors")
}

/// Every file of decisions, the generated and those by hand.
fn files() -> Vec<Value> {
    let generated = vectors().join("decisions");
    let by_hand = generated.join("by-hand");
    let entries = [generated, by_hand].map(|folder| std::fs::read_dir(folder).unwrap());
    let paths = entries.into_iter().flatten();
    let paths = paths.map(|entry| entry.unwrap().path());
    let files = paths.filter(|path| path.extension().is_some_and(|suffix| suffix == "json"));
    files
        .map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
        .collect()
}

fn cases(file: &Value) -> &[Value] {
    file["cases"].as_array().unwrap()
}

/// What a case says of itself, or else its file.
fn setting<'a>(file: &'a Value, case: &'a Value, name: &str) -> &'a Value {
    // `null` is a setting of its own.
    case.get(name).unwrap_or_else(|| &file["defaults"][name])
}

fn seconds(value: &Value) -> u64 {
    let digits = value.as_str().map(|digits| digits.parse().unwrap());
    digits.or_else(|| value.as_u64()).unwrap()
}

/// Each character is a byte.
fn latin_1(value: &Value) -> Vec<u8> {
    let byte = |character| u8::try_from(u32::from(character)).unwrap();
    value.as_str().unwrap().chars().map(byte).collect()
}

/// The gate of a case, as a host that was given the policy in that notation has it.
fn gate(file: &Value, case: &Value, notation: &str) -> Gate {
    let policy = &file["policies"][setting(file, case, "policy").as_str().unwrap()];
    let policy = policy[notation].as_str().unwrap();
    let policy = match notation {
        "toml" => Policy::from_toml(policy),
        _ => Policy::from_json(policy.as_bytes()),
    };
    let leeway = Leeway::from_secs(seconds(setting(file, case, "leeway"))).unwrap();
    let mut gate = Gate::new(policy.unwrap()).leeway(leeway);
    if let Some(name) = setting(file, case, "keys").as_str() {
        let jwks = file["key_sets"][name].as_str().unwrap();
        gate.install_keys(KeySet::from_jwks(jwks.as_bytes()).unwrap().key_set);
    }
    let now = UnixTime::from_secs(seconds(setting(file, case, "now")));
    for feed in setting(file, case, "feeds").as_array().unwrap() {
        let _ignored = gate.apply_feed(feed.as_str().unwrap().as_bytes(), now);
    }
    gate
}

fn decide(gate: &Gate, file: &Value, case: &Value) -> String {
    let request = &case["request"];
    let [method, target] = ["method", "path"].map(|name| latin_1(&request[name]));
    let headers = request["headers"].as_array().unwrap().iter();
    let headers: Vec<[Vec<u8>; 2]> = headers
        .map(|pair| [latin_1(&pair[0]), latin_1(&pair[1])])
        .collect();
    let headers = headers.iter().map(|[name, value]| (&name[..], &value[..]));
    let headers: Vec<(&[u8], &[u8])> = headers.collect();
    let head = RequestHead {
        method: &method,
        target: &target,
        headers: &headers,
    };
    let now = UnixTime::from_secs(seconds(setting(file, case, "now")));
    gate.decide(&head, now).to_json()
}

#[test]
fn every_case_is_decided_as_it_says_and_twice_alike() {
    let mut decided = 0;
    for file in files() {
        for case in cases(&file) {
            for notation in ["toml", "json"] {
                let gate = gate(&file, case, notation);
                // The second time the token is remembered.
                for time in ["once", "twice"] {
                    let decision = decide(&gate, &file, case);
                    let expected = case["expect"].to_string();
                    assert_eq!(decision, expected, "{} {} {time}", case["id"], case["note"]);
                }
            }
            decided += 1;
        }
    }
    assert!(decided > 1_000, "only {decided} cases");
}

#[test]
fn the_json_of_a_policy_is_what_its_toml_becomes() {
    for file in files() {
        for (name, policy) in file["policies"].as_object().unwrap() {
            let [toml, json] = ["toml", "json"].map(|notation| policy[notation].as_str().unwrap());
            assert_eq!(Policy::from_toml(toml).unwrap().to_json(), json, "{name}");
        }
    }
}

#[test]
fn no_two_cases_have_one_id() {
    let mut ids = BTreeSet::new();
    for file in files() {
        for case in cases(&file) {
            assert!(ids.insert(case["id"].to_string()), "{}", case["id"]);
        }
    }
}

/// A case that nobody wrote would let its check be deleted unnoticed.
#[test]
fn every_reason_to_refuse_a_token_has_a_case() {
    let files = files();
    let expected = files.iter().flat_map(cases).map(|case| &case["expect"]);
    let reasons: BTreeSet<&str> = expected.filter_map(|it| it["reason"].as_str()).collect();
    for rejection in Rejection::ALL {
        assert!(reasons.contains(rejection.code()), "{rejection}");
    }
}

#[test]
fn the_generator_writes_what_is_committed() {
    for (name, text) in corpus::files() {
        let committed = std::fs::read_to_string(vectors().join(&name)).unwrap();
        assert!(
            committed == text,
            "{name} differs; run `cargo run -p signet-verifier --example make_decision_vectors`"
        );
    }
}
