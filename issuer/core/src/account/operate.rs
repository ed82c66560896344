//! What an operator does with accounts and their sessions, at the command line: everything an admin
//! may do, by the same operations of the store, in the name of the operator.

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::admin::AdminError;
use super::{Account, AccountId, AccountStatus};
use crate::email::EmailAddress;
use crate::issuer::Issuer;
use crate::ports::{AccountFilter, AdminRefusal, Credential, StoreResult};
use crate::session::{Session, SessionId};

/// How many accounts are read at a time where something is done with all.
const PAGE: u32 = 200;
/// With how many of them it is done at once.
const AT_ONCE: usize = 8;

impl Issuer {
    /// The account that has an address.
    ///
    /// # Errors
    /// When the store doesn't answer.
    pub async fn account_at(&self, email: &EmailAddress) -> StoreResult<Option<Account>> {
        let credential = self.store.credential(email.canonical(), self.now()).await?;
        Ok(match credential {
            Credential::Account { account, .. } => Some(*account),
            Credential::Pending { .. } | Credential::Unknown => None,
        })
    }

    /// Suspends or activates an account.
    ///
    /// # Errors
    /// See [`AdminError`].
    pub async fn set_status_as_operator(
        &self,
        id: AccountId,
        status: AccountStatus,
    ) -> Result<Account, AdminError> {
        let context = self.as_operator();
        Ok(self.store.set_status(&context, id, status).await??)
    }

    /// Has a reset token mailed to an account.
    ///
    /// # Errors
    /// See [`AdminError`].
    pub async fn send_reset_as_operator(&self, id: AccountId) -> Result<(), AdminError> {
        self.send_reset_as(&self.as_operator(), id).await
    }

    /// The live sessions of an account.
    ///
    /// # Errors
    /// See [`AdminError`].
    pub async fn sessions_of(&self, id: AccountId) -> Result<Vec<Session>, AdminError> {
        if self.store.account(id).await?.is_none() {
            return Err(AdminRefusal::NotFound.into());
        }
        let policy = &self.settings.refresh;
        Ok(self.sessions.sessions(id, self.now(), policy).await?)
    }

    /// Ends a session of an account; false where there was none.
    ///
    /// # Errors
    /// See [`AdminError`].
    pub async fn end_session_as_operator(
        &self,
        id: AccountId,
        session: SessionId,
    ) -> Result<bool, AdminError> {
        let context = self.as_operator();
        Ok(self.store.end_session_of(&context, id, session).await??)
    }

    /// Ends all sessions of an account; answers how many.
    ///
    /// # Errors
    /// See [`AdminError`].
    pub async fn end_sessions_as_operator(&self, id: AccountId) -> Result<u64, AdminError> {
        let context = self.as_operator();
        Ok(self.store.end_sessions_of(&context, id).await??)
    }

    /// Ends all sessions of everybody, account by account; answers how many. Where it
    /// fails, those before are over, and it may be begun again. Who logs in meanwhile may stay.
    ///
    /// # Errors
    /// See [`AdminError`].
    pub async fn end_everyones_sessions_as_operator(&self) -> Result<u64, AdminError> {
        let mut ended = 0_u64;
        let mut after = None;
        loop {
            let everybody = AccountFilter::default();
            let page = self.accounts(&everybody, after, PAGE).await?;
            let ids: Vec<AccountId> = page.into_iter().map(|account| account.id).collect();
            let Some(last) = ids.last() else {
                return Ok(ended);
            };
            after = Some(*last);
            let mut counts = stream::iter(ids)
                .map(|id| self.end_sessions_if_there(id))
                .buffer_unordered(AT_ONCE);
            while let Some(count) = counts.try_next().await? {
                ended = ended.saturating_add(count);
            }
        }
    }

    /// An account that was erased meanwhile has none.
    async fn end_sessions_if_there(&self, id: AccountId) -> Result<u64, AdminError> {
        match self.end_sessions_as_operator(id).await {
            Err(AdminError::Change(AdminRefusal::NotFound)) => Ok(0),
            answer => answer,
        }
    }
}
