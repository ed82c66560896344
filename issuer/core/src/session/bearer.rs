//! From a bearer's access token to the session it stands for: live and looked up, where somebody
//! acts in it; by its name alone, where it is only to end ([`super::end`]).

use std::fmt;

use signet_verifier::{VerifiedToken, Verifier};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{LiveSession, SessionId};
use crate::account::AccountId;
use crate::issuer::Issuer;
use crate::ports::{StoreError, StoreResult};
use crate::time::UnixTime;

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

/// An access token as a client sent it: unchecked, and secret all the same.
#[derive(Clone)]
pub struct UntrustedAccessToken(Zeroizing<Vec<u8>>);

impl UntrustedAccessToken {
    /// Takes whatever was sent.
    #[must_use]
    pub fn new(token: &[u8]) -> Self {
        Self(Zeroizing::new(token.to_vec()))
    }
}

impl fmt::Debug for UntrustedAccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UntrustedAccessToken")
    }
}

/// Whose session a token was signed for. It says nothing of whether the token opens anything.
pub(super) struct SignedFor {
    pub(super) session: SessionId,
    pub(super) account: AccountId,
    /// The first second at which the token is over.
    pub(super) expires_at: UnixTime,
}

impl SignedFor {
    fn read(token: &VerifiedToken) -> Option<Self> {
        let claims = token.claims();
        Some(Self {
            session: SessionId(Uuid::try_parse(claims.session_id()).ok()?),
            account: AccountId(Uuid::try_parse(claims.subject()).ok()?),
            expires_at: claims.expires_at(),
        })
    }
}

impl Issuer {
    /// Looks up the session and the account of a token that one of our keys has signed.
    ///
    /// # Errors
    /// See [`BearerError`].
    pub async fn authenticate(&self, token: &VerifiedToken) -> Result<LiveSession, BearerError> {
        let named = SignedFor::read(token).ok_or(BearerError::Invalid)?;
        let policy = &self.settings.refresh;
        self.sessions
            .live_session(
                named.session,
                named.account,
                token.claims().version(),
                self.now(),
                policy,
            )
            .await?
            .ok_or(BearerError::Invalid)
    }

    /// Whose session a token was signed for, if one of our keys has signed it, as long ago as a
    /// session may last.
    pub(super) async fn signed_for(
        &self,
        token: &UntrustedAccessToken,
    ) -> StoreResult<Option<SignedFor>> {
        let keys = self.checking_keys().await?;
        let audiences = self.settings.audiences.iter().map(String::as_str);
        let verifier =
            Verifier::new(&self.settings.issuer, audiences).leeway(self.settings.refresh.absolute);
        let signed = verifier.verify(&token.0, &keys, self.now());
        Ok(signed.ok().as_ref().and_then(SignedFor::read))
    }
}
