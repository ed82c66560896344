//! Names and values as the ABI hands them over: how many there are, how long each is, and then
//! all of them, a zero behind each. Numbers have 32 bits and are little-endian.

/// Names and values, still in one piece.
pub(crate) struct Pairs(Vec<u8>);

impl Pairs {
    pub(super) fn new(serialized: Vec<u8>) -> Self {
        Self(serialized)
    }

    /// Each name and value, in their order. `None` where they can't be read.
    pub(crate) fn read(&self) -> Option<Vec<(&[u8], &[u8])>> {
        if self.0.is_empty() {
            return Some(Vec::new());
        }
        let (count, rest) = self.0.split_first_chunk()?;
        let lengths_size = length(count)?.checked_mul(8)?;
        let (lengths, mut texts) = rest.split_at_checked(lengths_size)?;
        let mut take = |size: &[u8; 4]| {
            let (text, rest) = texts.split_at_checked(length(size)?)?;
            (_, texts) = rest.split_first()?;
            Some(text)
        };
        let (lengths, _) = lengths.as_chunks::<4>();
        let (lengths, _) = lengths.as_chunks::<2>();
        let lengths = lengths.iter();
        lengths
            .map(|[name, value]| Some((take(name)?, take(value)?)))
            .collect()
    }
}

fn length(bytes: &[u8; 4]) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(*bytes)).ok()
}

/// The same of our own names and values. None of them is long.
pub(super) fn serialized(pairs: &[(&str, &str)]) -> Vec<u8> {
    let size = |length: usize| u32::try_from(length).unwrap_or_default().to_le_bytes();
    let mut serialized = Vec::from(size(pairs.len()));
    let texts = || pairs.iter().flat_map(|(name, value)| [name, value]);
    for text in texts() {
        serialized.extend(size(text.len()));
    }
    for text in texts() {
        serialized.extend_from_slice(text.as_bytes());
        serialized.push(0);
    }
    serialized
}
