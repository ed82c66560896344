//! A forgotten password: a mail, then one stateless step with the token in it.

use zeroize::Zeroizing;

use super::Password;
use super::new::NewPasswordError;
use crate::audit::{Actor, Origin};
use crate::email::EmailAddress;
use crate::issuer::Issuer;
use crate::mail::request::Asked;
use crate::mailed_token::Purpose;
use crate::ports::StoreError;
use crate::tally::ResetStep;

/// Why a password isn't reset.
#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    /// The token is unknown, used, expired or voided.
    #[error("the token is not valid")]
    InvalidToken,
    /// The new password can't be taken now; the token stays good.
    #[error(transparent)]
    NewPassword(#[from] NewPasswordError),
    /// The store doesn't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Issuer {
    /// Has a token mailed to the owner of an active account; to any other address, nothing. Nothing
    /// in the answer or its time says which: see [`crate::mail::request`].
    ///
    /// # Errors
    /// When the store doesn't answer.
    pub async fn forgot_password(
        &self,
        origin: &Origin,
        email: &EmailAddress,
    ) -> Result<(), StoreError> {
        self.tally.resets.count(ResetStep::Requested);
        let quotas = &self.settings.limits.reset_mails;
        if self.may_mail("mail_reset", quotas, email).await {
            self.ask_for_mail(Asked::Reset, email, origin).await?;
        }
        Ok(())
    }

    /// Sets a new password: all sessions, devices and other mailed tokens are over, the owner is
    /// told by mail, and nobody is logged in.
    ///
    /// # Errors
    /// See [`ResetError`].
    pub async fn reset_password(
        &self,
        origin: &Origin,
        token: Zeroizing<String>,
        password: Password,
    ) -> Result<(), ResetError> {
        let token = self.mailed_token(&token)?.ok_or(ResetError::InvalidToken)?;
        let hash = token.hash(Purpose::Reset);
        let account = self
            .store
            .reset_subject(&hash, self.now())
            .await?
            .ok_or(ResetError::InvalidToken)?;
        let password = self.hash_new_password(password, &account.email).await?;
        let message = self
            .letters
            .reset_notice(&account.email, account.name_in_mail());
        let notice = self.seal(&message, Some(account.id), None);
        let context = self.context(origin, Actor::Anonymous);
        let clears = self.guess_keys().address(&account.email);
        let was_reset = self
            .store
            .reset_password(&context, &hash, password, clears, notice)
            .await?;
        if was_reset {
            self.tally.resets.count(ResetStep::Done);
            Ok(())
        } else {
            Err(ResetError::InvalidToken)
        }
    }
}
