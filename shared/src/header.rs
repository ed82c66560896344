//! The protected header: exactly `alg`, `kid` and `typ`, each of the one kind we take.
//!
//! The order: JSON, members named twice, `crit`, members we don't know, `alg`, `typ`, `kid`.

use crate::json::{Checked, JsonError, Limits, Object};
use crate::key_id::KeyId;
use crate::rejection::Rejection;

/// The names of the one algorithm: RFC 8037's, and RFC 9864's fully specified one.
const ALGORITHMS: [&str; 2] = ["EdDSA", "Ed25519"];

/// Reads a header and answers its `kid`. `media_type` is the `typ` that is asked for, in lower
/// case and without `application/`.
pub(crate) fn key_id(header: &[u8], media_type: &str) -> Result<KeyId, Rejection> {
    let header = Object::parse(header, &Limits::TOKEN).map_err(|error| match error {
        JsonError::Duplicate => Rejection::DuplicateMember,
        JsonError::Syntax | JsonError::Limit => Rejection::BadHeader,
    })?;
    if header.get("crit").is_some() {
        return Err(Rejection::CritUnsupported);
    }
    let is_ours = |name: &str| matches!(name, "alg" | "kid" | "typ");
    if !header.names().all(is_ours) {
        return Err(Rejection::UnknownHeader);
    }
    let text = |name| header.get(name).and_then(Checked::as_str);
    if !text("alg").is_some_and(|alg| ALGORITHMS.contains(&alg.as_ref())) {
        return Err(Rejection::BadAlgorithm);
    }
    if !text("typ").is_some_and(|typ| is_media_type(&typ, media_type)) {
        return Err(Rejection::BadType);
    }
    let kid = header.get("kid").ok_or(Rejection::NoKid)?.as_str();
    kid.and_then(|kid| KeyId::parse(&kid))
        .ok_or(Rejection::BadKid)
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
