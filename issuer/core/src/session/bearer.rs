//! From a bearer's verified access token to the live session it stands for.

use signet_verifier::VerifiedToken;
use uuid::Uuid;

use super::{LiveSession, SessionId};
use crate::account::AccountId;
use crate::issuer::Issuer;
use crate::ports::StoreError;

/// Why an access token is refused.
#[derive(Debug, thiserror::Error)]
pub enum BearerError {
    /// Its session or account is over.
    #[error("the access token is not valid")]
    Invalid,
    /// The store doesn't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Issuer {
    /// Looks up the session and the account of a token that one of our keys has signed.
    ///
    /// # Errors
    /// See [`BearerError`].
    pub async fn authenticate(&self, token: &VerifiedToken) -> Result<LiveSession, BearerError> {
        let claims = token.claims();
        let session = Uuid::try_parse(claims.session_id()).map_err(|_| BearerError::Invalid)?;
        let account = Uuid::try_parse(claims.subject()).map_err(|_| BearerError::Invalid)?;
        let policy = &self.settings.refresh;
        self.sessions
            .live_session(
                SessionId(session),
                AccountId(account),
                claims.version(),
                self.now(),
                policy,
            )
            .await?
            .ok_or(BearerError::Invalid)
    }
}
