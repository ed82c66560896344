//! Every case of `vectors/decisions` that HTTP/1.1 can carry, sent over TCP to a service behind the
//! layer. The decision is the case's, or the server refused by itself before: never an allow that
//! the case denies, never another rule.

use std::collections::BTreeMap;
use std::path::Path;

use axum::Router;
use serde_json::Value;
use signet_tower::signet_verifier::policy::Policy;
use signet_tower::signet_verifier::time::{UnixMillis, UnixTime};
use signet_tower::signet_verifier::{Gate, KeySet, Leeway, RequestHead};
use signet_tower::{SignetLayer, Trust};

use crate::upstream::{Seen, Upstream};
use crate::wire::{Response, request, send};

/// The cases of a file that one gate decides about.
struct Group {
    policy: Policy,
    gate: Gate,
    leeway: Leeway,
    now: u64,
    cases: Vec<Value>,
}

/// A head as HTTP/1.1 carries it.
struct Head {
    method: Vec<u8>,
    target: Vec<u8>,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
}

/// What became of the cases.
#[derive(Debug, Default)]
struct Table {
    same: usize,
    /// HTTP/1.1 can't carry them.
    not_sent: Vec<String>,
    /// The server made another head of them before the gate saw it.
    rewritten: Vec<String>,
    /// Of these, what is let through for that, although the case denies it.
    looser: Vec<String>,
    /// The server refused them by itself.
    refused_by_server: Vec<String>,
}

#[tokio::test]
async fn every_case_is_decided_as_it_says_or_refused_by_the_server_before() {
    let mut table = Table::default();
    for group in groups() {
        let builder = Trust::of(group.policy.issuer());
        let now = UnixMillis::from_millis(group.now.saturating_mul(1_000));
        let builder = builder.clock(move || now).leeway(group.leeway);
        let trust = builder.knowing(&group.gate).offline();
        let layer = SignetLayer::new(trust, group.policy.clone()).unwrap();
        let upstream =
            Upstream::serve(|service| Router::new().fallback(service).layer(layer)).await;
        for case in &group.cases {
            try_case(&group, case, &upstream, &mut table).await;
        }
    }
    println!("{table:#?}");
    // `cargo xtask test conformance` reads this line.
    let counts = serde_json::json!({
        "same": table.same,
        "not_sent": table.not_sent.len(),
        "rewritten": table.rewritten,
        "looser": table.looser,
        "refused_by_server": table.refused_by_server.len(),
    });
    println!("conformance: {counts}");
    assert!(table.same > 1_450, "only {} cases", table.same);
    assert!(table.not_sent.len() < 20);
    assert!(table.rewritten.len() < 40);
    assert_eq!(table.looser.len(), 11, "white space and fragments");
    assert!(table.refused_by_server.len() < 80);
}

async fn try_case(group: &Group, case: &Value, upstream: &Upstream, table: &mut Table) {
    let id = format!("{} {}", case["id"], case["note"]);
    let sent = Head::of(&case["request"]);
    if !sent.is_one_head() {
        return table.not_sent.push(id);
    }
    let arriving = sent.rewritten();
    let expected: Value = match arriving.is_the_same_as(&sent) {
        true => case["expect"].clone(),
        false => {
            table.rewritten.push(id.clone());
            let decision = arriving.ask(&group.gate, group.now);
            let decision: Value = serde_json::from_str(&decision).unwrap();
            if decision["outcome"] == "allow" && case["expect"]["outcome"] == "deny" {
                table.looser.push(id.clone());
            }
            decision
        }
    };
    let bytes = request(&sent.method, &sent.target, &pairs(&sent.headers));
    let response = send(upstream.address, &bytes).await;
    match upstream.take() {
        Some(seen) => {
            assert_eq!(expected["outcome"], "allow", "{id}");
            assert_let_through(&expected, &arriving, &seen, &id);
            table.same += 1;
        }
        None if response.header("content-type").is_none() => {
            assert!((400..500).contains(&response.status), "{id}: {response:?}");
            table.refused_by_server.push(id);
        }
        None => {
            assert_refused(&expected, &response, &sent, &id);
            table.same += 1;
        }
    }
}

fn assert_refused(expected: &Value, response: &Response, sent: &Head, id: &str) {
    assert_eq!(expected["outcome"], "deny", "{id}");
    assert_eq!(expected["status"], response.status, "{id}");
    let challenge = response.header("www-authenticate");
    assert_eq!(expected["challenge"].as_str(), challenge, "{id}");
    assert_eq!(response.header("cache-control"), Some("no-store"), "{id}");
    let retry_after = response.header("retry-after");
    assert_eq!(retry_after.is_some(), response.status == 503, "{id}");
    if sent.method != b"HEAD" {
        assert_eq!(
            expected["code"].as_str(),
            response.code().as_deref(),
            "{id}"
        );
    }
}

fn assert_let_through(expected: &Value, arriving: &Head, seen: &Seen, id: &str) {
    assert_eq!(seen.method.as_bytes(), arriving.method, "{id}");
    assert_eq!(seen.target.as_bytes(), arriving.target, "{id}");
    let set = expected["set"].as_array().unwrap().iter();
    let mut set: BTreeMap<&str, &str> = set
        .map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
        .collect();
    let subject = set.get("x-signet-sub").copied();
    assert_eq!(seen.subject.as_deref(), subject, "{id}");
    let removed: Vec<String> = serde_json::from_value(expected["remove"].clone()).unwrap();
    let mut left = arriving.headers.clone();
    left.iter_mut()
        .for_each(|(name, _)| name.make_ascii_lowercase());
    left.retain(|(name, _)| !removed.iter().any(|gone| gone.as_bytes() == name));
    if !left.iter().any(|(name, _)| name == b"host") {
        left.push((b"host".to_vec(), b"agents.example.com".to_vec()));
    }
    for (name, value) in &seen.headers {
        if let Some(wanted) = set.remove(name.as_str()) {
            assert_eq!(value, wanted.as_bytes(), "{id}");
        } else {
            let sent = left
                .iter()
                .position(|(own, sent)| own == name.as_bytes() && sent == value);
            left.remove(sent.unwrap_or_else(|| panic!("{id}: {name} came out of nowhere")));
        }
    }
    assert!(set.is_empty() && left.is_empty(), "{id}: {set:?} {left:?}");
}

impl Head {
    fn of(request: &Value) -> Self {
        let headers = request["headers"].as_array().unwrap().iter();
        Self {
            method: latin_1(&request["method"]),
            target: latin_1(&request["path"]),
            headers: headers
                .map(|pair| (latin_1(&pair[0]), latin_1(&pair[1])))
                .collect(),
        }
    }

    /// Whether its bytes are those of one head, and not of the beginning of another.
    fn is_one_head(&self) -> bool {
        let parts = self.headers.iter().flat_map(|(name, value)| [name, value]);
        let mut parts = parts.chain([&self.method, &self.target]);
        parts.all(|part| !part.iter().any(|byte| b"\r\n".contains(byte)))
    }

    /// What the server makes of it: white space around a value isn't part of it (RFC 9112, section
    /// 5.1), and hyper's targets end before a fragment.
    fn rewritten(&self) -> Self {
        let end = self.target.iter().position(|byte| *byte == b'#');
        let headers = self.headers.iter();
        Self {
            method: self.method.clone(),
            target: self.target[..end.unwrap_or(self.target.len())].to_vec(),
            headers: headers
                .map(|(name, value)| (name.clone(), trim(value).to_vec()))
                .collect(),
        }
    }

    fn is_the_same_as(&self, other: &Self) -> bool {
        self.target == other.target && self.headers == other.headers
    }

    fn ask(&self, gate: &Gate, now: u64) -> String {
        let head = RequestHead {
            method: &self.method,
            target: &self.target,
            headers: &pairs(&self.headers),
        };
        gate.decide(&head, UnixTime::from_secs(now)).to_json()
    }
}

fn trim(value: &[u8]) -> &[u8] {
    let is_ink = |byte: &u8| !b" \t".contains(byte);
    let start = value.iter().position(is_ink).unwrap_or(value.len());
    let end = value.iter().rposition(is_ink).map_or(start, |at| at + 1);
    &value[start..end]
}

fn pairs(headers: &[(Vec<u8>, Vec<u8>)]) -> Vec<(&[u8], &[u8])> {
    let pairs = headers.iter();
    pairs.map(|(name, value)| (&name[..], &value[..])).collect()
}

fn groups() -> Vec<Group> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/decisions");
    let folders = [folder.clone(), folder.join("by-hand")];
    let entries = folders.map(|folder| std::fs::read_dir(folder).unwrap());
    let paths = entries.into_iter().flatten();
    let paths = paths.map(|entry| entry.unwrap().path());
    let files = paths.filter(|path| path.extension().is_some_and(|it| it == "json"));
    files.flat_map(|path| groups_of(&path)).collect()
}

fn groups_of(path: &Path) -> Vec<Group> {
    let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for case in file["cases"].as_array().unwrap() {
        let members = ["policy", "keys", "feeds", "now", "leeway"];
        // `null` is a setting of its own.
        let setting = |name| case.get(name).unwrap_or_else(|| &file["defaults"][name]);
        let settings = members.map(|name| setting(name).to_string()).join(" ");
        let group = groups
            .entry(settings)
            .or_insert_with(|| group(&file, setting));
        group.cases.push(case.clone());
    }
    groups.into_values().collect()
}

fn group<'a>(file: &Value, setting: impl Fn(&'static str) -> &'a Value) -> Group {
    let policy = &file["policies"][setting("policy").as_str().unwrap()]["json"];
    let policy = Policy::from_json(policy.as_str().unwrap().as_bytes()).unwrap();
    let [leeway, now] = ["leeway", "now"].map(|name| seconds(setting(name)));
    let leeway = Leeway::from_secs(leeway).unwrap();
    let mut gate = Gate::new(policy.clone()).leeway(leeway);
    if let Some(name) = setting("keys").as_str() {
        let jwks = file["key_sets"][name].as_str().unwrap();
        gate.install_keys(KeySet::from_jwks(jwks.as_bytes()).unwrap().key_set);
    }
    for feed in setting("feeds").as_array().unwrap() {
        let feed = feed.as_str().unwrap().as_bytes();
        let _ignored = gate.apply_feed(feed, UnixTime::from_secs(now));
    }
    Group {
        policy,
        gate,
        leeway,
        now,
        cases: Vec::new(),
    }
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
