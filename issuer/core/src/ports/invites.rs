//! Invites: accounts that an admin made for an address, and that are nobody's until whoever reads
//! its mail accepts.
//!
//! An invited account is a row like any other, with the roles it will have, no password, and an
//! address that isn't proven. It has [`crate::account::AccountStatus::Invited`], which no other
//! operation gives, and which only [`InviteStore::accept_invite`] and suspending end.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::{AdminRefusal, Ruled, StoreResult};
use crate::account::{Account, AccountId, DisplayName};
use crate::audit::Context;
use crate::email::EmailAddress;
use crate::limit::GuessKey;
use crate::mail::NewMail;
use crate::mailed_token::{MailedTokenHash, NewMailedToken};
use crate::password::PasswordHash;
use crate::role::RoleName;
use crate::time::UnixTime;

/// How long an account that nobody accepts is kept after its last invite, in seconds.
pub const INVITED_ACCOUNTS_KEPT: u64 = 30 * 86_400;

/// An invite on its way into the store.
#[derive(Clone, Debug)]
pub struct NewInvite {
    /// The identity of the account, where there is none yet.
    pub id: AccountId,
    /// Whom it is for.
    pub email: EmailAddress,
    /// What the admin calls them.
    pub name: Option<DisplayName>,
    /// The roles they will have, without `user`.
    pub roles: BTreeSet<RoleName>,
    /// The token that accepts it.
    pub token: NewMailedToken,
    /// The mail that carries the token.
    pub mail: NewMail,
}

/// Why nobody is invited.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InviteError {
    /// An account with that address exists, and isn't an invited one.
    #[error("an account with that address exists")]
    AddressTaken,
    /// The rules refuse it.
    #[error(transparent)]
    Change(#[from] AdminRefusal),
}

/// How an invite is accepted.
#[derive(Clone, Debug)]
pub struct Acceptance {
    /// The password of the account from now on.
    pub password: PasswordHash,
    /// What its owner wants to be called; nothing keeps what the admin said.
    pub name: Option<DisplayName>,
    /// The failed guesses that it clears.
    pub clears: GuessKey,
}

/// Invites.
#[async_trait]
pub trait InviteStore: Send + Sync {
    /// Makes an invited account, voiding pending registrations of the address, and queues the mail.
    /// Where the account is invited already, its roles are replaced, its name where there is a new
    /// one, and its token, which voids the one before. The actor must hold `users:write`, and
    /// `users:read`, since the answer tells who has an account;
    /// [`crate::role::grant::may_set_roles`] decides about the roles. Records `AccountInvited`.
    async fn invite(&self, context: &Context, invite: NewInvite) -> Ruled<Account, InviteError>;

    /// The invited account that a token belongs to, if the token is good at `now`.
    async fn invited(&self, token: &MailedTokenHash, now: UnixTime)
    -> StoreResult<Option<Account>>;

    /// Uses the token up and gives the account to whoever had it: sets the password and the name,
    /// verifies the address, activates. Records `InviteAccepted`. `None` where the token is no
    /// longer good or the account isn't invited any more.
    async fn accept_invite(
        &self,
        context: &Context,
        token: &MailedTokenHash,
        acceptance: Acceptance,
    ) -> StoreResult<Option<Account>>;
}
