//! What admins do with accounts. The store decides from what it holds, inside the transaction of
//! the change; a token's claims count for nothing here.

use std::collections::BTreeSet;

use super::{Account, AccountId, AccountStatus, DisplayName};
use crate::audit::{Context, Origin};
use crate::issuer::Issuer;
use crate::mailed_token::{NewMailedToken, Purpose};
use crate::ports::{AccountFilter, AdminRefusal, StoreError, StoreResult};
use crate::role::RoleName;
use crate::session::{LiveSession, SessionId, StaleLogin};

/// Why an admin's change is refused.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The rules refuse it.
    #[error(transparent)]
    Change(#[from] AdminRefusal),
    /// The password was proven too long ago.
    #[error(transparent)]
    ReauthenticationRequired(#[from] StaleLogin),
    /// The store doesn't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Issuer {
    /// Up to `limit` accounts that match, those after `after` only.
    ///
    /// # Errors
    /// When the store doesn't answer.
    pub async fn accounts(
        &self,
        filter: &AccountFilter,
        after: Option<AccountId>,
        limit: u32,
    ) -> StoreResult<Vec<Account>> {
        self.store.accounts(filter, after, limit).await
    }

    /// One account.
    ///
    /// # Errors
    /// When the store doesn't answer.
    pub async fn account(&self, id: AccountId) -> StoreResult<Option<Account>> {
        self.store.account(id).await
    }

    /// Stops an account: its sessions and devices are over.
    ///
    /// # Errors
    /// See [`AdminError`].
    pub async fn suspend(
        &self,
        origin: &Origin,
        session: &LiveSession,
        id: AccountId,
    ) -> Result<Account, AdminError> {
        self.set_status(origin, session, id, AccountStatus::Suspended)
            .await
    }

    /// Lets an account be used again.
    ///
    /// # Errors
    /// See [`AdminError`].
    pub async fn activate_account(
        &self,
        origin: &Origin,
        session: &LiveSession,
        id: AccountId,
    ) -> Result<Account, AdminError> {
        self.set_status(origin, session, id, AccountStatus::Active)
            .await
    }

    async fn set_status(
        &self,
        origin: &Origin,
        session: &LiveSession,
        id: AccountId,
        status: AccountStatus,
    ) -> Result<Account, AdminError> {
        let context = self.context_of(origin, session);
        Ok(self.store.set_status(&context, id, status).await??)
    }

    /// Replaces an account's roles; needs a fresh login.
    ///
    /// # Errors
    /// See [`AdminError`].
    pub async fn set_roles(
        &self,
        origin: &Origin,
        session: &LiveSession,
        id: AccountId,
        mut roles: BTreeSet<RoleName>,
    ) -> Result<Account, AdminError> {
        self.require_fresh(session)?;
        roles.remove(&RoleName::user());
        let context = self.context_of(origin, session);
        Ok(self.store.set_roles(&context, id, roles).await??)
    }

    /// Changes or removes somebody's name.
    ///
    /// # Errors
    /// See [`AdminError`].
    pub async fn rename_account(
        &self,
        origin: &Origin,
        session: &LiveSession,
        id: AccountId,
        name: Option<DisplayName>,
    ) -> Result<Account, AdminError> {
        let context = self.context_of(origin, session);
        Ok(self.store.rename_account(&context, id, name).await??)
    }

    /// Has a token that sets a new password mailed to an account. No budget of the recipient holds
    /// it up: who asks holds a permission.
    ///
    /// # Errors
    /// See [`AdminError`].
    pub async fn send_reset(
        &self,
        origin: &Origin,
        session: &LiveSession,
        id: AccountId,
    ) -> Result<(), AdminError> {
        self.send_reset_as(&self.context_of(origin, session), id)
            .await
    }

    pub(crate) async fn send_reset_as(
        &self,
        context: &Context,
        id: AccountId,
    ) -> Result<(), AdminError> {
        let (token, kept) = NewMailedToken::issue(Purpose::Reset, context.now, &*self.randomness);
        let expires_at = kept.expires_at;
        let letter = |account: &Account| {
            let name = account.name_in_mail();
            let message = self.letters.reset(&account.email, name, &token);
            self.seal(&message, Some(account.id), Some(expires_at))
        };
        Ok(self.store.send_reset(context, id, kept, &letter).await??)
    }

    /// Ends a session of somebody's account; false where there was none. A head of it that is kept
    /// elsewhere is never asked for again.
    ///
    /// # Errors
    /// See [`AdminError`].
    pub async fn end_session_of(
        &self,
        origin: &Origin,
        session: &LiveSession,
        id: AccountId,
        ended: SessionId,
    ) -> Result<bool, AdminError> {
        let context = self.context_of(origin, session);
        Ok(self.store.end_session_of(&context, id, ended).await??)
    }

    /// Ends all sessions of somebody's account.
    ///
    /// # Errors
    /// See [`AdminError`].
    pub async fn end_sessions_of(
        &self,
        origin: &Origin,
        session: &LiveSession,
        id: AccountId,
    ) -> Result<(), AdminError> {
        let context = self.context_of(origin, session);
        self.store.end_sessions_of(&context, id).await??;
        Ok(())
    }
}
