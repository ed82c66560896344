//! Administration: of people, and of what they may do.
//!
//! Every operation names the permission it needs; the store decides again, in the transaction of
//! the change, whether the actor may do just this to just that.

pub(crate) mod audit;
pub(super) mod invites;
pub(crate) mod keys;
pub(crate) mod outbox;
pub(super) mod roles;
pub(super) mod sessions;
pub(crate) mod users;
