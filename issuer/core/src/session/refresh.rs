//! Refresh: the next access token, and the next refresh token of the family.

use sha2::{Digest as _, Sha256};

use super::FamilyId;
use super::refresh_token::UntrustedRefreshToken;
use crate::account::Account;
use crate::audit::{Actor, Origin};
use crate::issuer::{Issuer, TokenPair, TokenRequest, TokenRequestError};
use crate::limit::{Exceeded, LimitKey, LimitSubject};
use crate::ports::{Rotation, StoreError};
use crate::tally::RefreshOutcome;

/// Why a session isn't refreshed.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The token is forged, expired, used, ended or unknown: one answer for all.
    #[error("the refresh token is not valid")]
    Invalid,
    /// The session is refreshed too often.
    #[error("the session is refreshed too often")]
    RateLimited {
        /// Seconds until the next try.
        retry_after: u32,
    },
    /// The tokens can't be for that audience or client.
    #[error(transparent)]
    Request(#[from] TokenRequestError),
    /// The store doesn't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Exceeded> for RefreshError {
    fn from(exceeded: Exceeded) -> Self {
        Self::RateLimited {
            retry_after: exceeded.retry_after,
        }
    }
}

impl Issuer {
    /// Refreshes a session. The tokens are for what the session was opened for, unless the
    /// request says otherwise.
    ///
    /// # Errors
    /// See [`RefreshError`].
    pub async fn refresh(
        &self,
        origin: &Origin,
        token: &UntrustedRefreshToken,
        request: &TokenRequest,
    ) -> Result<TokenPair, RefreshError> {
        let keyring = self.issuing_keyring().await?;
        let Some(presented) = token.check(keyring.mac()) else {
            self.tally.refreshes.count(RefreshOutcome::Invalid);
            return Err(RefreshError::Invalid);
        };
        let (audience, client) = self.resolve(request)?;
        let key = LimitKey {
            class: "refresh_session",
            subject: LimitSubject::Family(hash(&presented.family)),
        };
        let quota = self.settings.limits.refreshes;
        self.limiter.take(&key, quota).await?;
        let context = self.context(origin, Actor::Anonymous);
        let policy = &self.settings.refresh;
        let notice = |owner: &Account| {
            let message = self
                .letters
                .replay_notice(&owner.email, owner.name_in_mail());
            self.seal(&message, Some(owner.id), None)
        };
        let rotation = self
            .sessions
            .rotate(&context, &presented, policy, &notice)
            .await?;
        self.tally.refresh(&rotation);
        let head = match rotation {
            Rotation::Advanced(head) | Rotation::Repeated(head) => *head,
            Rotation::Replayed(account) => {
                tracing::warn!(%account, "a used refresh token came back; its session is over");
                return Err(RefreshError::Invalid);
            }
            Rotation::FromFuture(account) => {
                tracing::error!(
                    %account,
                    "a refresh token came that was never issued: the store went back in time, or \
                     a key leaked"
                );
                return Err(RefreshError::Invalid);
            }
            Rotation::Dead => return Err(RefreshError::Invalid),
        };
        let audience = match request.audience {
            Some(_) => audience,
            None => head.session.audience.clone(),
        };
        let client = match request.client {
            Some(_) => client,
            None => head.session.client.clone(),
        };
        Ok(self.token_pair(&keyring, head, &audience, &client)?)
    }
}

/// The limiter may live on another machine; family ids stay here.
fn hash(family: &FamilyId) -> [u8; 32] {
    Sha256::digest(family.as_bytes()).into()
}
