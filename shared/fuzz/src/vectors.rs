//! Reading `vectors/`, of which the seeds are made.

use std::fs;
use std::path::{Path, PathBuf};

use base64ct::{Base64, Encoding as _};
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors")
}

/// One file.
pub(crate) fn file(path: &str) -> Value {
    serde_json::from_slice(&fs::read(root().join(path)).unwrap()).unwrap()
}

/// Every JSON file of a folder.
pub(crate) fn files(folder: &str) -> Vec<Value> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|suffix| suffix == "json"));
    paths.sort();
    assert!(!paths.is_empty(), "no vectors in {folder}");
    let texts = paths.iter().map(|path| fs::read(path).unwrap());
    texts
        .map(|text| serde_json::from_slice(&text).unwrap())
        .collect()
}

/// The cases of a file.
pub(crate) fn cases(file: &Value) -> &[Value] {
    file["cases"].as_array().unwrap()
}

/// A text in the notation of the files: a string, parts, or base64.
pub(crate) fn bytes(text: &Value) -> Vec<u8> {
    if let Some(text) = text.as_str() {
        return text.into();
    }
    if let Some(base64) = text["base64"].as_str() {
        return Base64::decode_vec(base64).unwrap();
    }
    let parts = text["parts"].as_array().unwrap().iter();
    let part = |part: &Value| match part.as_str() {
        Some(text) => text.to_owned(),
        None => {
            let times = part["repeat"][1].as_u64().unwrap();
            let unit = part["repeat"][0].as_str().unwrap();
            unit.repeat(usize::try_from(times).unwrap())
        }
    };
    parts.map(part).collect::<String>().into()
}
