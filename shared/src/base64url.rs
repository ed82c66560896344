//! base64url without padding (RFC 4648, section 5), of which only the canonical spelling is read:
//! the bits that the last character has left over are zero.

use alloc::vec::Vec;

/// Text that isn't canonical base64url.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct NotBase64Url;

const INVALID: u8 = 0xFF;

/// The value of each character.
const VALUES: [u8; 256] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut values = [INVALID; 256];
    let mut value: u8 = 0;
    while value < 64 {
        #[expect(
            clippy::indexing_slicing,
            clippy::as_conversions,
            reason = "evaluated by the compiler, which would refuse an overrun"
        )]
        {
            values[alphabet[value as usize] as usize] = value;
            value += 1;
        }
    }
    values
};

fn value(character: u8) -> u8 {
    VALUES
        .get(usize::from(character))
        .copied()
        .unwrap_or(INVALID)
}

/// Decodes a whole text.
pub(crate) fn decode(text: &[u8]) -> Result<Vec<u8>, NotBase64Url> {
    let mut bytes = Vec::with_capacity(text.len().saturating_mul(3).div_ceil(4));
    let (quads, rest) = text.as_chunks::<4>();
    // One check for the whole text: values are below 64, so only INVALID sets the high bits.
    let mut seen = 0;
    let mut left_over = 0;
    for &[a, b, c, d] in quads {
        let [a, b, c, d] = [value(a), value(b), value(c), value(d)];
        seen |= a | b | c | d;
        bytes.extend_from_slice(&[(a << 2) | (b >> 4), (b << 4) | (c >> 2), (c << 6) | d]);
    }
    match *rest {
        [] => {}
        [a, b] => {
            let [a, b] = [value(a), value(b)];
            seen |= a | b;
            left_over = b & 0x0F;
            bytes.push((a << 2) | (b >> 4));
        }
        [a, b, c] => {
            let [a, b, c] = [value(a), value(b), value(c)];
            seen |= a | b | c;
            left_over = c & 0x03;
            bytes.extend_from_slice(&[(a << 2) | (b >> 4), (b << 4) | (c >> 2)]);
        }
        _ => return Err(NotBase64Url),
    }
    if seen & 0xC0 == 0 && left_over == 0 {
        Ok(bytes)
    } else {
        Err(NotBase64Url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_texts_decode() {
        for (text, bytes) in [
            (&b""[..], &b""[..]),
            (b"Zg", b"f"),
            (b"Zm8", b"fo"),
            (b"Zm9v", b"foo"),
            (b"Zm9vYg", b"foob"),
            (b"-_-_", b"\xfb\xff\xbf"),
        ] {
            assert_eq!(decode(text).unwrap(), bytes);
        }
    }

    #[test]
    fn every_other_spelling_is_refused() {
        for text in [
            "Z",
            "Zm9vY",
            "Zg==",
            "Zm8=",
            "Zh",
            "Zi",
            "Zj",
            "Zk",
            "Zo",
            "Zv",
            "Zm9",
            "Zm-",
            "+/+/",
            "Zm9 ",
            "Zm\n9v",
            "Zm9\u{f6}",
        ] {
            assert!(decode(text.as_bytes()).is_err(), "{text:?}");
        }
    }
}
