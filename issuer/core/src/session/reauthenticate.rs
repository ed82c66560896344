//! Proving the password once more within a session, for what needs a fresh login.

use super::LiveSession;
use crate::audit::Origin;
use crate::issuer::{Issuer, TokenPair};
use crate::limit::{Guess, GuessKey};
use crate::password::hasher::Match;
use crate::password::pool::Overloaded;
use crate::password::{Password, PasswordHash};
use crate::ports::{LoginEffects, StoreError};

/// Why the password isn't proven.
#[derive(Debug, thiserror::Error)]
pub enum ReauthenticateError {
    /// It is another one.
    #[error("the password is wrong")]
    WrongPassword,
    /// There were too many failures in this session.
    #[error("too many wrong passwords")]
    RateLimited {
        /// Seconds until the next try.
        retry_after: u32,
    },
    /// The session or the account changed meanwhile.
    #[error("the session is over")]
    SessionOver,
    /// Too many passwords are being checked.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
    /// The store doesn't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Issuer {
    /// Renews the session's proof of the password and advances its refresh token.
    ///
    /// # Errors
    /// See [`ReauthenticateError`].
    pub async fn reauthenticate(
        &self,
        origin: &Origin,
        session: &LiveSession,
        password: Password,
    ) -> Result<TokenPair, ReauthenticateError> {
        let (checked, key) = self.prove_again(session, password).await?;
        let effects = LoginEffects {
            checked,
            rehashed: None,
            clears: Some(key),
            max_sessions: self.settings.max_sessions,
        };
        let context = self.context_of(origin, session);
        let policy = &self.settings.refresh;
        let head = self
            .store
            .reauthenticate(&context, session.id, session.account.id, effects, policy)
            .await?
            .ok_or(ReauthenticateError::SessionOver)?;
        Ok(self.token_pair(head, &session.audience, &session.client)?)
    }

    /// Checks the password of a session's account. Failures count against the session, not
    /// against the address: whoever holds a stolen token can't lock the owner out.
    pub(crate) async fn prove_again(
        &self,
        session: &LiveSession,
        password: Password,
    ) -> Result<(PasswordHash, GuessKey), ReauthenticateError> {
        let key = self.guess_keys.session(session.id);
        let policy = &self.settings.limits.guesses;
        match self.store.begin_guess(&key, self.now(), policy).await? {
            Guess::Allowed => {}
            Guess::Wait { retry_after } => {
                return Err(ReauthenticateError::RateLimited { retry_after });
            }
        }
        let (_, hash) = self
            .store
            .account_with_password(session.account.id)
            .await?
            .ok_or(ReauthenticateError::SessionOver)?;
        match self.hashing.check(password, hash.clone()).await? {
            Match::Different => Err(ReauthenticateError::WrongPassword),
            Match::Same | Match::SameButOutdated => {
                self.store.clear_guesses(&key).await?;
                Ok((hash, key))
            }
        }
    }
}
