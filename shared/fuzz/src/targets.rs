//! The targets, one for each kind of input.

pub mod feed;
pub mod head;
pub mod key_set;
pub mod policy;
pub mod token;
