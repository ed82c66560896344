//! Where the plain part of a string ends: eight bytes at a time, as most of JSON is inside of strings.

/// How many bytes stand for themselves before a quote, a backslash or a control character.
pub(super) fn plain_length(text: &str) -> usize {
    let (blocks, tail) = text.as_bytes().as_chunks::<8>();
    for (index, block) in blocks.iter().enumerate() {
        if let Some(before) = plain_in_block(*block) {
            return index.saturating_mul(8).saturating_add(before);
        }
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | ..0x20);
    let plain_in_tail = tail.iter().position(is_special).unwrap_or(tail.len());
    text.len()
        .saturating_sub(tail.len())
        .saturating_add(plain_in_tail)
}

/// The same of a block, `None` if all of it is plain. A byte is below a limit where taking the limit
/// off sets its high bit; what that borrows from the bytes behind it comes too late to matter
/// (Warren, "Hacker's Delight", section 6-1).
fn plain_in_block(block: [u8; 8]) -> Option<usize> {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    let block = u64::from_le_bytes(block);
    let below = |bytes: u64, limit: u64| bytes.wrapping_sub(EACH.wrapping_mul(limit)) & !bytes;
    let equal = |byte: u8| below(block ^ EACH.wrapping_mul(byte.into()), 1);
    let special = (below(block, 0x20) | equal(b'"') | equal(b'\\')) & EACH.wrapping_mul(0x80);
    let bits = usize::try_from(special.trailing_zeros()).ok()?;
    (special != 0).then_some(bits / 8)
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    fn one_by_one(text: &str) -> usize {
        let mut bytes = text.bytes();
        let is_special = |byte| byte == b'"' || byte == b'\\' || byte < 0x20;
        bytes.position(is_special).unwrap_or(text.len())
    }

    #[test]
    fn every_byte_is_plain_or_special_wherever_it_stands() {
        for length in 1..20 {
            for at in 0..length {
                for character in ('\0'..='\u{ff}').chain(['\u{20ac}', '\u{1f600}']) {
                    let mut text = String::from("!#[]~\u{7f}") + &"a".repeat(length);
                    text.insert(at, character);
                    assert_eq!(plain_length(&text), one_by_one(&text), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn the_first_of_two_special_bytes_counts() {
        for first in ["\"", "\\", "\0", "\u{1f}"] {
            for other in ["\"", "\\", "\0", "\u{1f}", "#", " ", "]"] {
                for before in 0..10 {
                    let text = "a".repeat(before) + first + other + "aaaaaaaaa";
                    assert_eq!(plain_length(&text), before, "{text:?}");
                }
            }
        }
    }
}
