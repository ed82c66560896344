//! base64url without padding (RFC 4648, section 5), of which only the canonical spelling is read:
//! the bits that the last character has left over are zero.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// Text that isn't canonical base64url.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct NotBase64Url;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const INVALID: u8 = 0xFF;

/// The value of each character.
const VALUES: [u8; 256] = {
    let mut values = [INVALID; 256];
    let mut value: u8 = 0;
    while value < 64 {
        #[expect(
            clippy::indexing_slicing,
            clippy::as_conversions,
            reason = "evaluated by the compiler, which would refuse an overrun"
        )]
        {
            values[ALPHABET[value as usize] as usize] = value;
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
    let mut bytes = vec![0; text.len().saturating_mul(3) / 4];
    decode_into(text, &mut bytes)?;
    Ok(bytes)
}

/// Decodes a whole text of exactly `N` bytes, without allocating.
pub(crate) fn decode_exactly<const N: usize>(text: &[u8]) -> Result<[u8; N], NotBase64Url> {
    let mut bytes = [0; N];
    decode_into(text, &mut bytes)?;
    Ok(bytes)
}

fn decode_into(text: &[u8], bytes: &mut [u8]) -> Result<(), NotBase64Url> {
    let (quads, rest) = text.as_chunks::<4>();
    let (triples, end) = bytes.as_chunks_mut::<3>();
    if quads.len() != triples.len() {
        return Err(NotBase64Url);
    }
    // One check for the whole text: values are below 64, so only INVALID sets the high bits.
    let mut seen = 0;
    for (&[a, b, c, d], triple) in quads.iter().zip(triples) {
        let [a, b, c, d] = [value(a), value(b), value(c), value(d)];
        seen |= a | b | c | d;
        *triple = [(a << 2) | (b >> 4), (b << 4) | (c >> 2), (c << 6) | d];
    }
    let left_over = match (rest, end) {
        ([], []) => 0,
        (&[a, b], [first]) => {
            let [a, b] = [value(a), value(b)];
            seen |= a | b;
            *first = (a << 2) | (b >> 4);
            b & 0x0F
        }
        (&[a, b, c], [first, second]) => {
            let [a, b, c] = [value(a), value(b), value(c)];
            seen |= a | b | c;
            [*first, *second] = [(a << 2) | (b >> 4), (b << 4) | (c >> 2)];
            c & 0x03
        }
        _ => return Err(NotBase64Url),
    };
    if seen & 0xC0 == 0 && left_over == 0 {
        Ok(())
    } else {
        Err(NotBase64Url)
    }
}

/// Encodes bytes.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(4).div_ceil(3));
    for chunk in bytes.chunks(3) {
        let mut padded = [0; 3];
        for (byte, given) in padded.iter_mut().zip(chunk) {
            *byte = *given;
        }
        let [a, b, c] = padded;
        let sextets = [a >> 2, (a << 4) | (b >> 4), (b << 2) | (c >> 6), c];
        let characters = sextets.iter().take(chunk.len().saturating_add(1));
        text.extend(characters.map(|sextet| character(sextet & 0x3F)));
    }
    text
}

fn character(sextet: u8) -> char {
    let byte = ALPHABET.get(usize::from(sextet)).copied();
    char::from(byte.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_texts_decode_and_encode() {
        for (text, bytes) in [
            (&b""[..], &b""[..]),
            (b"Zg", b"f"),
            (b"Zm8", b"fo"),
            (b"Zm9v", b"foo"),
            (b"Zm9vYg", b"foob"),
            (b"-_-_", b"\xfb\xff\xbf"),
        ] {
            assert_eq!(decode(text).unwrap(), bytes);
            assert_eq!(encode(bytes).as_bytes(), text);
        }
    }

    #[test]
    fn a_text_of_another_length_is_not_decoded_exactly() {
        assert_eq!(decode_exactly(b"Zm9vYg").unwrap(), *b"foob");
        assert!(decode_exactly::<3>(b"Zm9vYg").is_err());
        assert!(decode_exactly::<5>(b"Zm9vYg").is_err());
        assert!(decode_exactly::<7>(b"Zm9vYg").is_err());
        assert!(decode_exactly::<0>(b"Z").is_err());
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
