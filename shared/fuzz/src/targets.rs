//! The targets, one for each kind of input.

pub mod feed;
pub mod key_set;
pub mod policy;
pub mod request_head;
pub mod token;
