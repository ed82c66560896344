//! Passwords and the tokens that set them.

use async_trait::async_trait;
use uuid::Uuid;

use super::StoreResult;
use crate::account::{Account, AccountId};
use crate::audit::Context;
use crate::limit::GuessKey;
use crate::mail::NewMail;
use crate::mailed_token::{MailedTokenHash, NewMailedToken};
use crate::password::PasswordHash;
use crate::session::SessionId;
use crate::time::UnixTime;

/// Passwords and the tokens that set them.
#[async_trait]
pub trait PasswordStore: Send + Sync {
    /// Grants a `request` of the outbox, taking it out: keeps a reset token of an active account,
    /// voiding its earlier ones, and queues the mail. Records `ResetRequested`. False, with nothing
    /// done, where the account isn't there or isn't active, or the request is gone.
    async fn issue_reset(
        &self,
        context: &Context,
        request: Uuid,
        account: AccountId,
        token: NewMailedToken,
        mail: NewMail,
    ) -> StoreResult<bool>;

    /// The active account that a reset token belongs to, if the token is good at `now`.
    async fn reset_subject(
        &self,
        token: &MailedTokenHash,
        now: UnixTime,
    ) -> StoreResult<Option<Account>>;

    /// Uses the token up and sets the password: verifies the address, raises the version and the
    /// device epoch, ends all sessions, voids all mailed tokens of the account but those that give
    /// an address back, clears the guesses of `clears`, queues the notice. Records `PasswordReset`.
    /// False where the token is no longer good.
    async fn reset_password(
        &self,
        context: &Context,
        token: &MailedTokenHash,
        password: PasswordHash,
        clears: GuessKey,
        notice: NewMail,
    ) -> StoreResult<bool>;

    /// Replaces the password if it is still `current`: raises the device epoch, ends all sessions
    /// but `keep`, voids all mailed tokens of the account but those that give an address back,
    /// queues the notice. Records `PasswordChanged`. False where the password, the account or the
    /// session changed meanwhile.
    async fn change_password(
        &self,
        context: &Context,
        keep: SessionId,
        account: AccountId,
        current: &PasswordHash,
        new: PasswordHash,
        notice: NewMail,
    ) -> StoreResult<bool>;
}
