//! The protected header: exactly `alg`, `kid` and `typ`, each of the one kind we take.

use alloc::string::String;
use alloc::vec::Vec;

use crate::json::{JsonError, Limits, Raw};
use crate::rejection::Rejection;

/// The names of the one algorithm: RFC 8037's, and RFC 9864's fully specified one.
const ALGORITHMS: [&str; 2] = ["EdDSA", "Ed25519"];

/// Reads a header and answers its `kid`. `media_type` is the `typ` that is asked for, in lower
/// case and without `application/`.
pub(crate) fn key_id(header: &[u8], media_type: &str) -> Result<String, Rejection> {
    let header = Raw::parse(header, &Limits::TOKEN).map_err(|error| match error {
        JsonError::Duplicate => Rejection::DuplicateMember,
        JsonError::Syntax | JsonError::Limit => Rejection::BadHeader,
    })?;
    let Raw::Object(header) = header else {
        return Err(Rejection::BadHeader);
    };
    let members: Vec<_> = header.members().collect();
    let member = |wanted: &str| members.iter().find(|(name, _)| name == wanted);
    if member("crit").is_some() {
        return Err(Rejection::CritUnsupported);
    }
    let is_ours = |name: &str| matches!(name, "alg" | "kid" | "typ");
    if members.iter().any(|(name, _)| !is_ours(name)) {
        return Err(Rejection::UnknownHeader);
    }
    let text = |name| member(name).and_then(|(_, value)| value.as_str());
    if !text("alg").is_some_and(|alg| ALGORITHMS.contains(&alg)) {
        return Err(Rejection::BadAlgorithm);
    }
    if !text("typ").is_some_and(|typ| is_media_type(typ, media_type)) {
        return Err(Rejection::BadType);
    }
    let (_, kid) = member("kid").ok_or(Rejection::NoKid)?;
    match kid.as_str() {
        Some(kid) if is_key_id(kid) => Ok(kid.into()),
        Some(_) | None => Err(Rejection::BadKid),
    }
}

/// Media types have no case, and `application/` goes without saying (RFC 7515, section 4.1.9).
fn is_media_type(typ: &str, wanted: &str) -> bool {
    let prefix = "application/";
    let short = match typ.split_at_checked(prefix.len()) {
        Some((start, rest)) if start.eq_ignore_ascii_case(prefix) => rest,
        Some(_) | None => typ,
    };
    short.eq_ignore_ascii_case(wanted)
}

/// 1 to 64 unreserved characters: nothing that could be a path, a query or a URL.
pub(crate) fn is_key_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._~-".contains(&b))
}
