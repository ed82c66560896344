//! Names of roles and permissions: `[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}`.

/// Whether `text` is a name.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= 64
        && bytes
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric())
        && bytes.all(|b| b.is_ascii_alphanumeric() || b"._:/-".contains(&b))
}
