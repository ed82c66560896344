//! Strict JSON (RFC 8259): UTF-8 only, and every name once.
//!
//! A text from outside is checked as a whole before anything in it is looked at (`check`). What
//! comes out is [`Checked`]: still the text, from which values are read where they are asked for,
//! without a tree and nearly without allocation, since any size of unknown values may stand beside
//! the few that matter. [`Value`] is the tree, for those who want everything.
//!
//! A member that is named twice, a lone surrogate, and whatever exceeds the [`Limits`] is refused.
//! Duplicates are found after escapes are resolved, and told only of text that is JSON otherwise.
//! Nesting is bounded before it is followed, so no input can exhaust the stack.

mod check;
mod checked;
mod plain;
mod quoted;
mod scanner;
mod value;

pub use checked::{Checked, Object};
pub(crate) use quoted::quoted;
pub use value::Value;

/// How much structure is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// How deep arrays and objects may nest; the outermost counts as 1.
    pub depth: usize,
    /// How many members one object may have.
    pub members: usize,
    /// How long one string may be, in bytes of UTF-8 after escapes are resolved; names included.
    pub string: usize,
}

impl Limits {
    /// Headers and claims of tokens.
    pub const TOKEN: Self = Self {
        depth: 8,
        members: 64,
        string: 1_024,
    };

    /// Documents whose size is bounded in another way: key sets and feeds.
    pub const DOCUMENT: Self = Self {
        depth: 128,
        members: usize::MAX,
        string: usize::MAX,
    };
}

/// Why a text isn't read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum JsonError {
    /// It isn't JSON in UTF-8, or isn't an object where one is asked for.
    Syntax,
    /// It exceeds a limit.
    Limit,
    /// An object names a member twice.
    Duplicate,
}

/// Checks a text that holds one value and nothing else.
///
/// # Errors
/// See [`JsonError`].
pub fn check(text: &[u8], limits: &Limits) -> Result<(), JsonError> {
    Checked::parse(text, limits).map(|_| ())
}

#[cfg(test)]
mod tests;
