//! What admins do with accounts. The store decides from what it holds, inside the transaction of
//! the change; a token's claims count for nothing here.

use std::collections::BTreeSet;

use super::{Account, AccountId, AccountStatus};
use crate::audit::Origin;
use crate::issuer::{FRESH, Issuer};
use crate::ports::{AccountChangeError, AccountFilter, StoreError, StoreResult};
use crate::role::RoleName;
use crate::session::LiveSession;

/// Why an admin's change is refused.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The rules refuse it.
    #[error(transparent)]
    Change(#[from] AccountChangeError),
    /// The password was proven too long ago.
    #[error("the password must have been proven within the last five minutes")]
    ReauthenticationRequired,
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

    /// Whether the session proved its password within the last [`FRESH`] seconds.
    pub(crate) fn require_fresh(&self, session: &LiveSession) -> Result<(), AdminError> {
        let limit = session.authenticated_at.saturating_add(FRESH);
        if self.now() <= limit {
            Ok(())
        } else {
            Err(AdminError::ReauthenticationRequired)
        }
    }
}
