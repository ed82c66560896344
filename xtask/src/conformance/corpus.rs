//! The cases of `vectors/decisions`, by what a gate has to know to decide about them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use signet_verifier::policy::Policy;
use signet_verifier::time::UnixTime;
use signet_verifier::{Gate, KeySet, Leeway};

use super::head::Head;
use crate::process::{Done, Failure, root};

/// What a gate knows, and what it is asked then.
pub(super) struct World {
    /// Canonical JSON.
    pub(super) policy: String,
    pub(super) keys: Option<String>,
    /// In the order in which they come.
    pub(super) feeds: Vec<String>,
    /// In seconds.
    pub(super) now: u64,
    pub(super) leeway: u64,
    pub(super) cases: Vec<Case>,
    gate: Gate,
}

/// A request, and what becomes of it.
pub(super) struct Case {
    /// Its file, its id and what it is about.
    pub(super) name: String,
    pub(super) request: Value,
    /// The decision, as `signet decide` writes it.
    pub(super) expect: String,
}

impl World {
    /// What the native gate says of a head.
    pub(super) fn decide(&self, head: &Head) -> String {
        let now = UnixTime::from_secs(self.now);
        let decision = head.with(|head| self.gate.decide(head, now));
        decision.to_json()
    }

    /// A case as programs read it that decide about many: one line of JSON.
    pub(super) fn line(&self, case: &Case) -> String {
        json!({
            "policy": self.policy,
            "keys": self.keys,
            "feeds": self.feeds,
            "now": self.now.to_string(),
            "leeway": self.leeway.to_string(),
            "request": case.request,
        })
        .to_string()
    }
}

/// All of them.
pub(super) fn read() -> Done<Vec<World>> {
    let folder = root().join("vectors/decisions");
    let mut worlds = Vec::new();
    for folder in [folder.join("by-hand"), folder] {
        let mut files: Vec<PathBuf> = fs::read_dir(folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        files.sort();
        for file in files.iter().filter(|file| file.is_file()) {
            worlds.extend(worlds_of(file)?);
        }
    }
    Ok(worlds)
}

fn worlds_of(path: &Path) -> Done<Vec<World>> {
    let file: Value = serde_json::from_slice(&fs::read(path)?)?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let mut worlds: BTreeMap<String, World> = BTreeMap::new();
    for case in elements(&file, "cases") {
        // `null` is a setting of its own.
        let setting = |name: &str| case.get(name).or_else(|| file.get("defaults")?.get(name));
        let settings = ["policy", "keys", "feeds", "now", "leeway"].map(setting);
        let settings = format!("{settings:?}");
        if !worlds.contains_key(&settings) {
            let world = world(&file, setting);
            let world = world.ok_or_else(|| Failure::new(format!("{stem}: a case of nowhere")))?;
            worlds.insert(settings.clone(), world);
        }
        if let Some(world) = worlds.get_mut(&settings) {
            let [id, note] = ["id", "note"].map(|name| case.get(name).unwrap_or(&Value::Null));
            world.cases.push(Case {
                name: format!("{stem} {id} {note}"),
                request: case.get("request").cloned().unwrap_or_default(),
                expect: case.get("expect").cloned().unwrap_or_default().to_string(),
            });
        }
    }
    Ok(worlds.into_values().collect())
}

fn world<'a>(file: &Value, setting: impl Fn(&str) -> Option<&'a Value>) -> Option<World> {
    let named = |table: &str, name: &Value| file.get(table)?.get(name.as_str()?).cloned();
    let policy = named("policies", setting("policy")?)?;
    let policy = policy.get("json")?.as_str()?.to_owned();
    let keys = named("key_sets", setting("keys")?);
    let keys = keys.and_then(|keys| keys.as_str().map(str::to_owned));
    let feeds = setting("feeds")?.as_array()?.iter();
    let feeds: Vec<String> = feeds
        .map(|feed| feed.as_str().map(str::to_owned))
        .collect::<Option<_>>()?;
    let [now, leeway] = ["now", "leeway"].map(|name| setting(name).and_then(seconds));
    let (now, leeway) = (now?, leeway?);
    let gate = Gate::new(Policy::from_json(policy.as_bytes()).ok()?);
    let mut gate = gate.leeway(Leeway::from_secs(leeway).ok()?);
    if let Some(keys) = &keys {
        gate.install_keys(KeySet::from_jwks(keys.as_bytes()).ok()?.key_set);
    }
    for feed in &feeds {
        let _some_are_refused = gate.apply_feed(feed.as_bytes(), UnixTime::from_secs(now));
    }
    Some(World {
        policy,
        keys,
        feeds,
        now,
        leeway,
        cases: Vec::new(),
        gate,
    })
}

fn seconds(value: &Value) -> Option<u64> {
    let digits = value.as_str().and_then(|digits| digits.parse().ok());
    digits.or_else(|| value.as_u64())
}

fn elements<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    let list = value.get(name).and_then(Value::as_array);
    list.into_iter().flatten()
}
