//! Erasing an account: its owner's right, an admin's duty.
//!
//! All of it goes in one transaction, and what stays is about nobody: the rows of the trail name an
//! id that leads nowhere. docs/adr/0023-what-stays-of-who-was-erased.md says what and why.

use super::AccountId;
use super::admin::AdminError;
use crate::audit::{Context, Origin};
use crate::email::EmailAddress;
use crate::issuer::Issuer;
use crate::password::Password;
use crate::ports::personal::{ErasureRight, Farewell};
use crate::ports::{AdminRefusal, Ruled, StoreError};
use crate::session::LiveSession;
use crate::session::reauthenticate::ReauthenticateError;

/// Why one's own account isn't erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// The password isn't proven, or was changed meanwhile.
    #[error(transparent)]
    Reauthenticate(#[from] ReauthenticateError),
    /// It would leave nobody who can administer.
    #[error("the last admin can't be removed")]
    LastAdmin,
    /// The store doesn't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<AdminRefusal> for EraseError {
    fn from(error: AdminRefusal) -> Self {
        match error {
            AdminRefusal::LastAdmin => Self::LastAdmin,
            // Nobody's rights are asked for here, so what else is refused is what isn't there.
            AdminRefusal::NotFound
            | AdminRefusal::NotActive
            | AdminRefusal::Invited
            | AdminRefusal::Forbidden
            | AdminRefusal::Grant(_) => ReauthenticateError::SessionOver.into(),
        }
    }
}

impl Issuer {
    /// Erases the session's own account, whose password is proven once more.
    ///
    /// # Errors
    /// See [`EraseError`].
    pub async fn erase_oneself(
        &self,
        origin: &Origin,
        session: &LiveSession,
        password: Password,
    ) -> Result<(), EraseError> {
        let (account, mut checked) = self.prove_again(session, password).await?;
        let context = self.context_of(origin, session);
        loop {
            let right = ErasureRight::Owner {
                session: session.id,
                checked: checked.clone(),
            };
            match self.erase(&context, account.id, &right).await? {
                Err(AdminRefusal::NotFound) => {
                    let anew = self.hash_made_anew(&account, &checked).await?;
                    checked = anew.ok_or(ReauthenticateError::SessionOver)?;
                }
                erased => return erased.map_err(EraseError::from),
            }
        }
    }

    /// Erases an account, as an admin; needs a fresh login.
    ///
    /// # Errors
    /// See [`AdminError`].
    pub async fn erase_account(
        &self,
        origin: &Origin,
        session: &LiveSession,
        id: AccountId,
    ) -> Result<(), AdminError> {
        self.require_fresh(session)?;
        let context = self.context_of(origin, session);
        self.erase(&context, id, &ErasureRight::Authority).await??;
        Ok(())
    }

    /// Erases an account, as an operator.
    ///
    /// # Errors
    /// See [`AdminError`].
    pub async fn erase_account_as_operator(&self, id: AccountId) -> Result<(), AdminError> {
        let context = self.as_operator();
        self.erase(&context, id, &ErasureRight::Authority).await??;
        Ok(())
    }

    async fn erase(
        &self,
        context: &Context,
        id: AccountId,
        right: &ErasureRight,
    ) -> Ruled<(), AdminRefusal> {
        // The name isn't used: the mail outlives the account by the time it takes to be sent.
        let farewell = |email: &EmailAddress| Farewell {
            clears: self.guess_keys().address(email),
            mail: self.seal(&self.letters.erased_notice(email), None, None),
        };
        let erased = self.store.erase(context, id, right, &farewell).await?;
        Ok(erased.inspect(|()| tracing::info!(account = %id, "an account was erased")))
    }
}
