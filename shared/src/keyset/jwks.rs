//! A JWKS, from its text to keys.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::{Key, KeyFault, KeySetError, LARGEST_KEY_SET, LeftOutKey};
use crate::base64url;
use crate::ed25519::VerifyingKey;
use crate::json::{Checked, Limits, Object};
use crate::key_id::KeyId;

/// The most keys of a set.
const MOST_KEYS: usize = 32;

/// Reads a key set: the keys that can be used, and those that can't.
pub(super) fn read(text: &[u8]) -> Result<(Vec<Key>, Vec<LeftOutKey>), KeySetError> {
    if text.len() > LARGEST_KEY_SET {
        return Err(KeySetError::TooLarge);
    }
    let entries = entries(text).ok_or(KeySetError::Malformed)?;
    check_entries(&entries)?;
    let (mut keys, mut left_out) = (Vec::new(), Vec::new());
    for (position, entry) in entries.iter().enumerate() {
        match read_key(entry.as_ref()) {
            Ok(key) => keys.push(key),
            Err(fault) => left_out.push(LeftOutKey {
                position,
                kid: entry.as_ref().and_then(key_id),
                fault,
            }),
        }
    }
    Ok((keys, left_out))
}

/// The entries of a key set, `None` in place of one that isn't an object; of too many, just enough
/// to tell.
fn entries(text: &[u8]) -> Option<Vec<Option<Object<'_>>>> {
    let document = Object::parse(text, &Limits::DOCUMENT).ok()?;
    let entries = document.get("keys")?.elements()?;
    let enough = MOST_KEYS.saturating_add(1);
    Some(entries.take(enough).map(Object::new).collect())
}

/// What makes a whole set doubtful.
fn check_entries(entries: &[Option<Object<'_>>]) -> Result<(), KeySetError> {
    if entries.is_empty() {
        return Err(KeySetError::Empty);
    }
    if entries.len() > MOST_KEYS {
        return Err(KeySetError::TooManyKeys);
    }
    let objects = || entries.iter().flatten();
    if objects().any(|entry| entry.get("d").is_some()) {
        return Err(KeySetError::PrivateKey);
    }
    let mut kids: Vec<Cow<'_, str>> = objects()
        .filter_map(|entry| entry.get("kid").and_then(Checked::as_str))
        .collect();
    kids.sort_unstable();
    if kids.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(KeySetError::DuplicateKid);
    }
    Ok(())
}

fn read_key(entry: Option<&Object<'_>>) -> Result<Key, KeyFault> {
    let entry = entry.ok_or(KeyFault::NotAnObject)?;
    let text = |name| entry.get(name).and_then(Checked::as_str);
    let is = |name, wanted: &[&str]| text(name).is_some_and(|text| wanted.contains(&text.as_ref()));
    let absent_or = |name, wanted| entry.get(name).is_none() || is(name, wanted);
    if !is("kty", &["OKP"]) || !is("crv", &["Ed25519"]) {
        return Err(KeyFault::OtherType);
    }
    if !absent_or("use", &["sig"]) || !may_verify(entry) {
        return Err(KeyFault::OtherUse);
    }
    if !absent_or("alg", &["EdDSA", "Ed25519"]) {
        return Err(KeyFault::OtherAlgorithm);
    }
    let kid = key_id(entry).ok_or(KeyFault::BadKid)?;
    let x = text("x").ok_or(KeyFault::BadEncoding)?;
    let x = base64url::decode(x.as_bytes()).map_err(|_| KeyFault::BadEncoding)?;
    let x = x.try_into().map_err(|_| KeyFault::BadEncoding)?;
    let verifying = VerifyingKey::from_bytes(x).ok_or(KeyFault::BadPoint)?;
    Ok(Key { kid, verifying })
}

fn key_id(entry: &Object<'_>) -> Option<KeyId> {
    let kid = entry.get("kid")?.as_str()?;
    KeyId::parse(&kid)
}

fn may_verify(entry: &Object<'_>) -> bool {
    entry.get("key_ops").is_none_or(|operations| {
        let mut operations = operations.elements().into_iter().flatten();
        operations.any(|operation| operation.as_str().as_deref() == Some("verify"))
    })
}
