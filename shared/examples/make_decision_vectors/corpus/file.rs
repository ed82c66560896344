//! How a file says its cases.
//!
//! `policies` and `key_sets` are named there and named by the cases; `defaults` hold what a case
//! doesn't say itself. Cases are numbered as they stand.

use serde_json::{Map, Value, json};
use signet_verifier::policy::Policy;

use super::case::Case;
use super::{LEEWAY, NOW, key_set};

/// A family of cases.
pub(crate) struct DecisionFile {
    /// Its name, with which the ids of its cases begin.
    pub(crate) name: &'static str,
    /// What its cases are about.
    pub(crate) about: &'static str,
    /// The policies by name; the first is meant where a case names none.
    pub(crate) policies: Vec<(&'static str, String)>,
    /// The cases.
    pub(crate) cases: Vec<Case>,
}

impl DecisionFile {
    /// The file, one case per line, so that a change reads as one.
    pub(crate) fn text(&self) -> String {
        let policies: Map<String, Value> = self
            .policies
            .iter()
            .map(|(name, toml)| ((*name).into(), policy(toml)))
            .collect();
        let defaults = json!({
            "policy": self.policies.first().map(|(name, _)| name),
            "keys": key_set::MAIN,
            "feeds": [],
            "now": NOW,
            "leeway": LEEWAY,
        });
        let cases: Vec<String> = self
            .cases
            .iter()
            .enumerate()
            .map(|(at, case)| case.to_json(&format!("{}-{:03}", self.name, at + 1)))
            .map(|case| format!("  {case}"))
            .collect();
        format!(
            "{{\n \"about\": {},\n \"defaults\": {defaults},\n \"policies\": {},\n \
             \"key_sets\": {},\n \"cases\": [\n{}\n ]\n}}\n",
            json!(self.about),
            Value::Object(policies),
            self.key_sets(),
            cases.join(",\n"),
        )
    }

    /// The sets that a case of this file names.
    fn key_sets(&self) -> Value {
        let is_used = |name: &str| {
            name == key_set::MAIN || self.cases.iter().any(|case| case.names_keys(name))
        };
        let used = key_set::named()
            .into_iter()
            .filter(|(name, _)| is_used(name));
        used.map(|(name, jwks)| (String::from(name), Value::from(jwks)))
            .collect::<Map<String, Value>>()
            .into()
    }
}

/// A policy as people write it and as hosts are given it.
fn policy(toml: &str) -> Value {
    let policy = Policy::from_toml(toml).expect("a policy of the corpus has no fault");
    json!({ "toml": toml, "json": policy.to_json() })
}
