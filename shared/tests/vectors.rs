//! `vectors/tokens` and `vectors/key-sets.json`, run through the public API, and compared with what
//! their generator writes today.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[path = "../examples/make_token_vectors/corpus/mod.rs"]
mod corpus;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use signet_verifier::keyset::Tables;
use signet_verifier::time::UnixTime;
use signet_verifier::{KeySet, Rejection, VerifiedToken, Verifier};

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors")
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Every file of tokens, the generated and any other.
fn token_files() -> Vec<Value> {
    let entries = std::fs::read_dir(vectors().join("tokens")).unwrap();
    entries.map(|entry| read(&entry.unwrap().path())).collect()
}

fn cases(file: &Value) -> &[Value] {
    file["cases"].as_array().unwrap()
}

/// A text in the notation of the files: a string, parts, or base64.
fn bytes(text: &Value) -> Vec<u8> {
    if let Some(text) = text.as_str() {
        return text.into();
    }
    if let Some(base64) = text["base64"].as_str() {
        return decode(base64);
    }
    let parts = text["parts"].as_array().unwrap();
    let part = |part: &Value| match part.as_str() {
        Some(text) => text.to_owned(),
        None => {
            let times = part["repeat"][1].as_u64().unwrap();
            let unit = part["repeat"][0].as_str().unwrap();
            unit.repeat(usize::try_from(times).unwrap())
        }
    };
    parts.iter().map(part).collect::<String>().into()
}

fn decode(base64: &str) -> Vec<u8> {
    use base64ct::{Base64, Encoding as _};
    Base64::decode_vec(base64).unwrap()
}

fn seconds(value: &Value) -> u64 {
    match value.as_str() {
        Some(digits) => digits.parse().unwrap(),
        None => value.as_u64().unwrap(),
    }
}

/// What becomes of a token.
fn verify(file: &Value, case: &Value, tables: Tables) -> Result<VerifiedToken, Rejection> {
    let setting = |name| case.get(name).unwrap_or_else(|| &file["defaults"][name]);
    let jwks = &file["key_sets"][setting("jwks").as_str().unwrap()];
    let keys = KeySet::from_jwks(jwks.as_str().unwrap().as_bytes()).unwrap();
    let keys = keys.key_set.with_tables(tables);
    let audiences = setting("audiences").as_array().unwrap();
    let audiences = audiences.iter().map(|audience| audience.as_str().unwrap());
    let verifier = Verifier::new(setting("issuer").as_str().unwrap(), audiences)
        .leeway(seconds(setting("leeway")))
        .max_lifetime(seconds(setting("max_lifetime")));
    let now = UnixTime::from_secs(seconds(setting("now")));
    verifier.verify(&bytes(&case["token"]), &keys, now)
}

/// What becomes of a token: `accept`, or the code of its rejection.
fn verdict(file: &Value, case: &Value, tables: Tables) -> &'static str {
    match verify(file, case, tables) {
        Ok(_) => "accept",
        Err(rejection) => rejection.code(),
    }
}

#[test]
fn tokens_have_the_verdicts_of_the_vectors() {
    let mut wrong = Vec::new();
    for file in token_files() {
        for case in cases(&file) {
            for tables in [Tables::Never, Tables::Eager] {
                let verdict = verdict(&file, case, tables);
                if verdict != case["expect"] {
                    let [id, note, expect] = ["id", "note", "expect"].map(|name| &case[name]);
                    wrong.push(format!("{id} {note}: {verdict}, not {expect} ({tables:?})"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Another reader of JSON finds in an accepted token what its accessors say, and no more.
#[test]
fn claims_are_what_the_token_says() {
    let mut with_roles = 0;
    for file in token_files() {
        for case in cases(&file) {
            let Ok(token) = verify(&file, case, Tables::Never) else {
                continue;
            };
            // serde_json has no room for some numbers that other claims may hold.
            let Ok(read) = serde_json::from_str::<Value>(token.claims_json()) else {
                continue;
            };
            let claims = token.claims();
            let said = json!({
                "iss": file["defaults"]["issuer"],
                "sub": claims.subject(),
                "jti": claims.id(),
                "sid": claims.session_id(),
                "client_id": claims.client_id(),
                "exp": claims.expires_at().as_secs(),
                "iat": claims.issued_at().as_secs(),
                "nbf": claims.not_before().map(UnixTime::as_secs),
                "auth_time": claims.authenticated_at().map(UnixTime::as_secs),
                "ver": claims.version(),
                "roles": claims.roles(),
                "permissions": claims.permissions(),
            });
            for (name, value) in said.as_object().unwrap() {
                let absent = match name.as_str() {
                    "ver" => json!(0),
                    "roles" | "permissions" => json!([]),
                    _ => Value::Null,
                };
                let (id, note) = (&case["id"], &case["note"]);
                let wanted = read.get(name).unwrap_or(&absent);
                assert_eq!(value, wanted, "{id} {note}: {name}");
            }
            let audiences = json!(claims.audiences());
            assert!(read["aud"] == audiences || json!([read["aud"]]) == audiences);
            assert!(claims.roles().iter().all(|role| claims.has_role(role)));
            let mut permissions = claims.permissions().iter();
            assert!(permissions.all(|permission| claims.has_permission(permission)));
            with_roles += usize::from(!claims.roles().is_empty());
            assert!(!claims.has_role("") && !claims.has_permission(""));
        }
    }
    assert!(with_roles > 0, "no vector has roles");
}

#[test]
fn key_sets_have_the_verdicts_of_the_vectors() {
    let mut wrong = Vec::new();
    for case in cases(&read(&vectors().join("key-sets.json"))) {
        let outcome = match KeySet::from_jwks(&bytes(&case["jwks"])) {
            Err(error) => serde_json::json!({ "refused": error.code() }),
            Ok(loaded) => {
                let kept: Vec<&str> = loaded.key_set.key_ids().collect();
                let left_out: Vec<_> = loaded
                    .left_out
                    .iter()
                    .map(|key| (key.position, key.fault.code()))
                    .collect();
                serde_json::json!({ "kept": kept, "left_out": left_out })
            }
        };
        if outcome != case["expect"] {
            wrong.push(format!("{} {}: {outcome}", case["id"], case["note"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A case that nobody wrote would let its check be deleted unnoticed.
#[test]
fn every_rejection_of_a_token_has_a_case() {
    let files = token_files();
    let expected: BTreeSet<&str> = files
        .iter()
        .flat_map(cases)
        .map(|case| case["expect"].as_str().unwrap())
        .collect();
    for rejection in Rejection::ALL {
        // A feed revokes; the check of a token alone never says so.
        if *rejection != Rejection::Revoked {
            assert!(expected.contains(rejection.code()), "{rejection}");
        }
    }
}

#[test]
fn the_generator_writes_what_is_committed() {
    for (name, text) in corpus::files() {
        let committed = std::fs::read_to_string(vectors().join(&name)).unwrap();
        assert!(
            committed == text,
            "{name} differs; run `cargo run -p signet-verifier --example make_token_vectors`"
        );
    }
}
