//! A signed text (JWS, RFC 7515) from its bytes to its payload, cheap and silent first: size,
//! segments, base64url, header, key, signature. What the payload says is the caller's business.
//!
//! Tokens and revocation feeds come this way. To sign another kind of text, give it a [`Shape`]
//! with a type of its own, so that none can stand in for another (RFC 8725, section 3.11).

use alloc::vec::Vec;

use crate::compact::{Sizes, UntrustedJws};
use crate::header;
use crate::key_id::KeyId;
use crate::keyset::KeySet;
use crate::rejection::Rejection;

/// What a kind of signed text looks like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Its `typ`, in lower case and without `application/`.
    pub(crate) media_type: &'static str,
    /// How long it and its segments may be.
    pub(crate) sizes: Sizes,
}

/// The key and the payload of a text of that shape with a good signature.
pub(crate) fn signed_payload(
    jws: &[u8],
    shape: &Shape,
    keys: &KeySet,
) -> Result<(KeyId, Vec<u8>), Rejection> {
    let jws = UntrustedJws::parse(jws, &shape.sizes)?;
    let kid = header::key_id(&jws.header, shape.media_type)?;
    let key = keys.get(&kid).ok_or(Rejection::UnknownKid)?;
    if !keys.verifies(key, jws.signed, &jws.signature) {
        return Err(Rejection::BadSignature);
    }
    Ok((kid, jws.payload))
}
