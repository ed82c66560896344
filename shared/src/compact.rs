//! The compact serialisation of a JWS (RFC 7515, section 7.1), before anything is known of it.

use alloc::vec::Vec;

use crate::base64url;
use crate::rejection::Rejection;

/// The longest token, in bytes.
const LONGEST_TOKEN: usize = 8_192;
/// The longest header segment, in characters.
const LONGEST_HEADER: usize = 512;
/// The longest payload segment of a token, in characters.
const LONGEST_PAYLOAD: usize = 7_168;
/// The length of the signature segment, in characters: 64 bytes.
const SIGNATURE: usize = 86;

/// Three well-formed segments. Nobody has looked at what they say.
#[derive(Debug)]
pub(crate) struct UntrustedToken<'a> {
    /// What the signature covers.
    pub(crate) signed: &'a [u8],
    /// The header, decoded.
    pub(crate) header: Vec<u8>,
    /// The payload, decoded.
    pub(crate) payload: Vec<u8>,
    /// The signature, decoded.
    pub(crate) signature: [u8; 64],
}

impl<'a> UntrustedToken<'a> {
    /// Takes a token apart. Sizes are checked before anything is allocated.
    pub(crate) fn parse(token: &'a [u8]) -> Result<Self, Rejection> {
        if token.len() > LONGEST_TOKEN {
            return Err(Rejection::TooLarge);
        }
        let [header, payload, signature] = segments(token).ok_or(Rejection::Malformed)?;
        if header.len() > LONGEST_HEADER || payload.len() > LONGEST_PAYLOAD {
            return Err(Rejection::TooLarge);
        }
        if signature.len() != SIGNATURE {
            return Err(Rejection::BadSignatureLength);
        }
        let signed_length = token.len().saturating_sub(SIGNATURE).saturating_sub(1);
        let (signed, _) = token
            .split_at_checked(signed_length)
            .ok_or(Rejection::Malformed)?;
        let decode = |segment| base64url::decode(segment).map_err(|_| Rejection::BadBase64);
        Ok(Self {
            signed,
            header: decode(header)?,
            payload: decode(payload)?,
            signature: decode(signature)?
                .try_into()
                .map_err(|_| Rejection::BadSignatureLength)?,
        })
    }
}

/// Exactly three segments, none of them empty, all ASCII, nothing around them.
fn segments(token: &[u8]) -> Option<[&[u8]; 3]> {
    let is_wrapping = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0 | b'"');
    let wrapped = token.first().is_none_or(&is_wrapping) || token.last().is_none_or(is_wrapping);
    if wrapped || !token.is_ascii() {
        return None;
    }
    let mut segments = token.split(|byte| *byte == b'.');
    let three = [segments.next()?, segments.next()?, segments.next()?];
    let are_filled = three.iter().all(|segment| !segment.is_empty());
    (are_filled && segments.next().is_none()).then_some(three)
}
