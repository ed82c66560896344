//! What admins and operators do to accounts beside suspending them and setting roles
//! ([`super::AccountStore`]). Each asks for a permission, and that the actor holds everything the
//! account holds, by [`crate::role::grant::may_act_on`], in the transaction of the change.

use async_trait::async_trait;

use super::{AdminRefusal, Ruled};
use crate::account::{Account, AccountId, DisplayName};
use crate::audit::Context;
use crate::mail::NewMail;
use crate::mailed_token::NewMailedToken;
use crate::session::SessionId;

/// Accounts under administration.
#[async_trait]
pub trait AdministrationStore: Send + Sync {
    /// Changes the name of somebody's account; the actor must hold `users:write`. Records
    /// `AccountRenamed`.
    async fn rename_account(
        &self,
        context: &Context,
        id: AccountId,
        name: Option<DisplayName>,
    ) -> Ruled<Account, AdminRefusal>;

    /// Keeps a reset token of an active account, voiding its earlier ones, and queues the letter,
    /// which is written for the account as it is; the actor must hold `users:write`. Records
    /// `ResetRequested`. A suspended or invited account is refused: nobody could use the token.
    async fn send_reset(
        &self,
        context: &Context,
        id: AccountId,
        token: NewMailedToken,
        letter: &(dyn for<'a> Fn(&'a Account) -> NewMail + Send + Sync),
    ) -> Ruled<(), AdminRefusal>;

    /// Ends a session of somebody's account; the actor must hold `sessions:write`. Records
    /// `SessionEnded`. False where there was none.
    async fn end_session_of(
        &self,
        context: &Context,
        id: AccountId,
        session: SessionId,
    ) -> Ruled<bool, AdminRefusal>;

    /// Ends all sessions of somebody's account; the actor must hold `sessions:write`. Records one
    /// `SessionEnded` for each; answers how many.
    async fn end_sessions_of(&self, context: &Context, id: AccountId) -> Ruled<u64, AdminRefusal>;
}
