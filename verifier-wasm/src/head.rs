//! The head of a request as JavaScript writes it: all texts one after the other (the method, the target,
//! then name and value of each header), and behind them the length of each, in four bytes, the least
//! first.

use signet_verifier::RequestHead;

type Header<'a> = (&'a [u8], &'a [u8]);

/// Reads a head of so many texts, and has something done with it. `None` where it isn't one, which
/// `js/core.js` never writes.
pub(crate) fn read<T>(
    written: &[u8],
    texts: usize,
    then: impl FnOnce(&RequestHead<'_>) -> T,
) -> Option<T> {
    let end = written.len().checked_sub(texts.checked_mul(4)?)?;
    let (mut rest, lengths) = written.split_at_checked(end)?;
    let (lengths, _) = lengths.as_chunks::<4>();
    let mut lengths = lengths.iter().map(|length| u32::from_le_bytes(*length));
    let mut next = || {
        let length = usize::try_from(lengths.next()?).ok()?;
        let (text, behind) = rest.split_at_checked(length)?;
        rest = behind;
        Some(text)
    };
    let (method, target) = (next()?, next()?);
    let mut headers: Vec<Header<'_>> = Vec::with_capacity(texts / 2);
    while let Some(name) = next() {
        headers.push((name, next()?));
    }
    Some(then(&RequestHead {
        method,
        target,
        headers: &headers,
    }))
}
