//! The cases, by family. Each module is a chapter of what a verifier takes and refuses, and the
//! letter of its ids stays with it: S segments, B base64url, H header, K keys, C cryptography,
//! P payload, T times, A other claims.

mod case;
mod claims;
mod curve;
mod encoding;
mod header;
mod key_sets;
mod keys;
mod mint;
mod payload;
mod segments;
mod signature;
mod times;

use serde_json::{Value, json};

use case::{Case, TokenFile};

/// The path of every generated file below `vectors`, and its text.
pub(crate) fn files() -> Vec<(String, String)> {
    let families: [(&str, &str, Vec<Case>); 8] = [
        ("segments", "The shape of a token.", segments::cases()),
        ("encoding", "base64url.", encoding::cases()),
        ("header", "The header.", header::cases()),
        (
            "keys",
            "The keys of a set, seen from a token.",
            keys::cases(),
        ),
        ("signature", "The signature.", signature::cases()),
        ("payload", "The payload as JSON.", payload::cases()),
        ("times", "exp, nbf and iat.", times::cases()),
        ("claims", "All other claims.", claims::cases()),
    ];
    let mut files: Vec<(String, String)> = families
        .into_iter()
        .map(|(name, about, cases)| {
            let file = TokenFile { about, cases };
            (format!("tokens/{name}.json"), text(&file.to_json()))
        })
        .collect();
    let key_sets = json!({ "about": "Whole key sets.", "cases": key_sets::cases() });
    files.push(("key-sets.json".into(), text(&key_sets)));
    files
}

/// One case per line, so that a change reads as one.
fn text(file: &Value) -> String {
    let members = file.as_object().expect("a file is an object");
    let members: Vec<String> = members
        .iter()
        .map(|(name, value)| match value.as_array() {
            Some(cases) if name == "cases" => {
                let lines: Vec<String> = cases.iter().map(|case| format!("  {case}")).collect();
                format!(" \"cases\": [\n{}\n ]", lines.join(",\n"))
            }
            _ => format!(" {}: {value}", json!(name)),
        })
        .collect();
    format!("{{\n{}\n}}\n", members.join(",\n"))
}
