//! The compact serialisation of a JWS (RFC 7515, section 7.1), before anything is known of it.

use alloc::vec::Vec;

use crate::base64url;
use crate::rejection::Rejection;

/// How long a text and its segments may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// The whole, in bytes.
    pub(crate) whole: usize,
    /// The header segment, in characters.
    pub(crate) header: usize,
    /// The payload segment, in characters.
    pub(crate) payload: usize,
}

/// The length of the signature segment, in characters: 64 bytes.
const SIGNATURE: usize = 86;

/// Three well-formed segments. Nobody has looked at what they say.
#[derive(Debug)]
pub(crate) struct UntrustedJws<'a> {
    /// What the signature covers.
    pub(crate) signed: &'a [u8],
    /// The header, decoded.
    pub(crate) header: Vec<u8>,
    /// The payload, decoded.
    pub(crate) payload: Vec<u8>,
    /// The signature, decoded.
    pub(crate) signature: [u8; 64],
}

impl<'a> UntrustedJws<'a> {
    /// Takes a text apart. Sizes are checked before anything is allocated.
    pub(crate) fn parse(jws: &'a [u8], sizes: &Sizes) -> Result<Self, Rejection> {
        if jws.len() > sizes.whole {
            return Err(Rejection::TooLarge);
        }
        let [header, payload, signature] = segments(jws).ok_or(Rejection::Malformed)?;
        if header.len() > sizes.header || payload.len() > sizes.payload {
            return Err(Rejection::TooLarge);
        }
        if signature.len() != SIGNATURE {
            return Err(Rejection::BadSignatureLength);
        }
        let signed_length = jws.len().saturating_sub(SIGNATURE).saturating_sub(1);
        let (signed, _) = jws
            .split_at_checked(signed_length)
            .ok_or(Rejection::Malformed)?;
        let decode = |segment| base64url::decode(segment).map_err(|_| Rejection::BadBase64);
        Ok(Self {
            signed,
            header: decode(header)?,
            payload: decode(payload)?,
            signature: base64url::decode_exactly(signature).map_err(|_| Rejection::BadBase64)?,
        })
    }
}

/// Exactly three segments, none of them empty, all ASCII, nothing around them.
fn segments(jws: &[u8]) -> Option<[&[u8]; 3]> {
    let is_wrapping = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0 | b'"');
    let wrapped = jws.first().is_none_or(&is_wrapping) || jws.last().is_none_or(is_wrapping);
    if wrapped || !jws.is_ascii() {
        return None;
    }
    // Of a `str`, as the library splits it many bytes at a time.
    let mut segments = core::str::from_utf8(jws)
        .ok()?
        .split('.')
        .map(str::as_bytes);
    let three = [segments.next()?, segments.next()?, segments.next()?];
    let are_filled = three.iter().all(|segment| !segment.is_empty());
    (are_filled && segments.next().is_none()).then_some(three)
}
