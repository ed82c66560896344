//! A new password on its way to its hash: what every use case does that takes one.

use super::policy::PasswordFault;
use super::pool::Overloaded;
use super::{Password, PasswordHash};
use crate::email::EmailAddress;
use crate::issuer::Issuer;

/// Why a new password can't be taken, or not now.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NewPasswordError {
    /// It is no good.
    #[error(transparent)]
    Weak(#[from] PasswordFault),
    /// Too many passwords are being hashed.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
}

impl Issuer {
    /// Holds a new password against the policy and hashes it.
    pub(crate) async fn hash_new_password(
        &self,
        password: Password,
        email: &EmailAddress,
    ) -> Result<PasswordHash, NewPasswordError> {
        self.accept_new_password(&password, email)?;
        self.hash_accepted_password(password).await
    }

    /// Hashes a new password that the policy has let through.
    pub(crate) async fn hash_accepted_password(
        &self,
        password: Password,
    ) -> Result<PasswordHash, NewPasswordError> {
        let salt = self.randomness.array();
        let hash = self.hashing.hash(password, salt).await?;
        hash.ok_or(NewPasswordError::Weak(PasswordFault::TooLong))
    }

    /// Holds a new password against the policy.
    pub(crate) fn accept_new_password(
        &self,
        password: &Password,
        email: &EmailAddress,
    ) -> Result<(), NewPasswordError> {
        let host = self.settings.issuer.split("://").last().unwrap_or_default();
        let names = [self.settings.product.as_str(), host];
        self.settings.password.check(password, email, &names)?;
        match self.hashing.hasher().longest_password() {
            Some(bytes) if password.expose().len() > bytes => {
                Err(PasswordFault::TooManyBytes { bytes }.into())
            }
            Some(_) | None => Ok(()),
        }
    }
}
