//! Everything about one person at once: giving it out, and letting it go.
//!
//! Whoever adds a table or a column decides here what becomes of it: the test
//! `issuer/tests/api/personal.rs` fails before that.

use async_trait::async_trait;

use super::{AdminRefusal, Ruled, StoreResult};
use crate::account::AccountId;
use crate::account::export::Held;
use crate::audit::Context;
use crate::email::EmailAddress;
use crate::limit::GuessKey;
use crate::mail::NewMail;
use crate::password::PasswordHash;
use crate::session::SessionId;

/// By what right an account is erased.
#[derive(Clone, Debug)]
pub enum ErasureRight {
    /// Its owner asks for it, in this session, and has just typed this password.
    Owner {
        /// The session; it must be live.
        session: SessionId,
        /// What the password was checked against; it must still be the account's.
        checked: PasswordHash,
    },
    /// The actor may act on it: `users:write`, and everything that it holds.
    Authority,
}

/// What depends on the address that the account turns out to have.
#[derive(Clone, Debug)]
pub struct Farewell {
    /// The failed guesses at its password.
    pub clears: GuessKey,
    /// The last mail, which is the account's no more.
    pub mail: NewMail,
}

/// What a store holds of a person.
#[async_trait]
pub trait PersonalStore: Send + Sync {
    /// Records `AccountExported` and, once that is durable, reads all that is held at one moment.
    /// `None` where there is no such account.
    async fn export(
        &self,
        context: &Context,
        id: AccountId,
        guesses: &(dyn for<'a> Fn(&'a EmailAddress) -> GuessKey + Send + Sync),
    ) -> StoreResult<Option<Held>>;

    /// Erases an account: its roles, sessions, mailed tokens, unsent mail and failed guesses, the
    /// registrations of its address, and the clients' addresses in the trail that are its own. The
    /// trail stays, with the account's id in it. The last active, verified admin stays. Queues the
    /// farewell. Records `AccountErased`.
    ///
    /// [`AdminRefusal::NotFound`] where there is none, or where its owner's session or
    /// password are no more what they were.
    async fn erase(
        &self,
        context: &Context,
        id: AccountId,
        right: &ErasureRight,
        farewell: &(dyn for<'a> Fn(&'a EmailAddress) -> Farewell + Send + Sync),
    ) -> Ruled<(), AdminRefusal>;
}
