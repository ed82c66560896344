//! From a bearer's access token to the live session it stands for.

use uuid::Uuid;

use super::{LiveSession, SessionId};
use crate::account::AccountId;
use crate::issuer::Issuer;
use crate::ports::StoreError;

/// Why an access token is refused.
#[derive(Debug, thiserror::Error)]
pub enum BearerError {
    /// It is bad, for any reason, or its session or account is over.
    #[error("the access token is not valid")]
    Invalid,
    /// The store doesn't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Issuer {
    /// Checks an access token, and looks its session and account up.
    ///
    /// # Errors
    /// See [`BearerError`].
    pub async fn authenticate(&self, token: &[u8]) -> Result<LiveSession, BearerError> {
        let now = self.now();
        let verified = self
            .verifier
            .verify(token, &self.key_set, now)
            .map_err(|rejection| {
                tracing::debug!(code = rejection.code(), "access token refused");
                BearerError::Invalid
            })?;
        let claims = verified.claims();
        let session = Uuid::try_parse(claims.session_id()).map_err(|_| BearerError::Invalid)?;
        let account = Uuid::try_parse(claims.subject()).map_err(|_| BearerError::Invalid)?;
        let policy = &self.settings.refresh;
        self.store
            .live_session(
                SessionId(session),
                AccountId(account),
                claims.version(),
                now,
                policy,
            )
            .await?
            .ok_or(BearerError::Invalid)
    }
}
