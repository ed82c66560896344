//! What people change about themselves, beyond address and password.

use super::{Account, DisplayName};
use crate::audit::Origin;
use crate::issuer::Issuer;
use crate::ports::StoreError;
use crate::session::LiveSession;

/// Why a name isn't changed.
#[derive(Debug, thiserror::Error)]
pub enum RenameError {
    /// The account is gone.
    #[error("the account is gone")]
    AccountGone,
    /// The store doesn't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Issuer {
    /// Changes or removes the name.
    ///
    /// # Errors
    /// See [`RenameError`].
    pub async fn rename(
        &self,
        origin: &Origin,
        session: &LiveSession,
        name: Option<DisplayName>,
    ) -> Result<Account, RenameError> {
        let context = self.context_of(origin, session);
        self.store
            .rename(&context, session.account.id, name)
            .await?
            .ok_or(RenameError::AccountGone)
    }
}
