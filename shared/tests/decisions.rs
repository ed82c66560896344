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
use signet_verifier::Rejection;
use signet_verifier::policy::Policy;

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
