//! Changing a password that is known.

use super::Password;
use super::new::NewPasswordError;
use crate::audit::Origin;
use crate::issuer::Issuer;
use crate::ports::StoreError;
use crate::session::LiveSession;
use crate::session::reauthenticate::ReauthenticateError;

/// Why a password isn't changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    /// The current password isn't proven, or was changed meanwhile.
    #[error(transparent)]
    Reauthenticate(#[from] ReauthenticateError),
    /// The new password can't be taken now.
    #[error(transparent)]
    NewPassword(#[from] NewPasswordError),
    /// The store doesn't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Issuer {
    /// Changes the password: all other sessions, devices and mailed tokens are over, and the
    /// owner is told by mail.
    ///
    /// # Errors
    /// See [`ChangePasswordError`].
    pub async fn change_password(
        &self,
        origin: &Origin,
        session: &LiveSession,
        current: Password,
        new: Password,
    ) -> Result<(), ChangePasswordError> {
        let (account, mut current) = self.prove_again(session, current).await?;
        let new = self.hash_new_password(new, &account.email).await?;
        let message = self
            .letters
            .password_changed_notice(&account.email, account.name_in_mail());
        let notice = self.seal(&message, Some(account.id), None);
        let context = self.context_of(origin, session);
        loop {
            let (keep, id) = (session.id, account.id);
            let (new, notice) = (new.clone(), notice.clone());
            let store = &self.store;
            let changing = store.change_password(&context, keep, id, &current, new, notice);
            if changing.await? {
                return Ok(());
            }
            let anew = self.hash_made_anew(&account, &current).await?;
            current = anew.ok_or(ReauthenticateError::SessionOver)?;
        }
    }
}
