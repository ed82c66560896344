//! A forgotten password: a mail, then one stateless step with the token in it.

use zeroize::Zeroizing;

use super::Password;
use super::policy::PasswordFault;
use super::pool::Overloaded;
use crate::account::AccountStatus;
use crate::audit::{Actor, Origin};
use crate::email::EmailAddress;
use crate::issuer::{Issuer, NewPasswordError};
use crate::mailed_token::{MailedToken, NewMailedToken, Purpose};
use crate::ports::{Credential, StoreError};

/// Why a password isn't reset.
#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    /// The token is unknown, used, expired or voided.
    #[error("the token is not valid")]
    InvalidToken,
    /// The new password is no good; the token stays good.
    #[error(transparent)]
    Weak(#[from] PasswordFault),
    /// Too many passwords are being hashed; the token stays good.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
    /// The store doesn't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<NewPasswordError> for ResetError {
    fn from(error: NewPasswordError) -> Self {
        match error {
            NewPasswordError::Weak(fault) => Self::Weak(fault),
            NewPasswordError::Overloaded(overloaded) => Self::Overloaded(overloaded),
        }
    }
}

impl Issuer {
    /// Mails a token to the owner of an active account; to any other address, nothing. Nothing in
    /// the answer says which.
    ///
    /// # Errors
    /// When the store doesn't answer.
    pub async fn forgot_password(
        &self,
        origin: &Origin,
        email: &EmailAddress,
    ) -> Result<(), StoreError> {
        let limits = &self.settings.limits;
        let may_mail = self
            .may_mail("mail_reset", &limits.reset_mails, email)
            .await;
        let context = self.context(origin, Actor::Anonymous);
        let credential = self
            .store
            .credential(email.canonical(), context.now)
            .await?;
        let account = match credential {
            Credential::Account { account, .. } => account,
            Credential::Pending { .. } | Credential::Unknown => return Ok(()),
        };
        if !may_mail || account.status != AccountStatus::Active {
            return Ok(());
        }
        let (token, kept) = NewMailedToken::issue(Purpose::Reset, context.now, &*self.randomness);
        let message = self
            .letters
            .reset(&account.email, account.name.as_ref(), &token);
        let mail = self.seal(&message, Some(kept.expires_at));
        self.store
            .issue_reset(&context, account.id, kept, mail)
            .await?;
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
        let token = MailedToken::parse(&token).ok_or(ResetError::InvalidToken)?;
        let hash = token.hash(Purpose::Reset);
        let account = self
            .store
            .reset_subject(&hash, self.now())
            .await?
            .ok_or(ResetError::InvalidToken)?;
        let password = self.hash_new_password(password, &account.email).await?;
        let message = self
            .letters
            .reset_notice(&account.email, account.name.as_ref());
        let notice = self.seal(&message, None);
        let context = self.context(origin, Actor::Anonymous);
        let clears = self.guess_keys.address(&account.email);
        let was_reset = self
            .store
            .reset_password(&context, &hash, password, clears, notice)
            .await?;
        if was_reset {
            Ok(())
        } else {
            Err(ResetError::InvalidToken)
        }
    }
}
