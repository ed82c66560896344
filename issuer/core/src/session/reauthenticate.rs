//! Proving the password once more within a session, for what needs a fresh login.

use super::LiveSession;
use super::attempt::NoAttempt;
use crate::account::{Account, EmailVerification};
use crate::audit::Origin;
use crate::issuer::{Issuer, TokenPair};
use crate::password::hasher::Match;
use crate::password::pool::{Overloaded, Place};
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
    /// The session, the account or its password changed meanwhile.
    #[error("the session is over")]
    SessionOver,
    /// Too many passwords are being checked.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
    /// The store doesn't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<NoAttempt> for ReauthenticateError {
    fn from(refused: NoAttempt) -> Self {
        match refused {
            NoAttempt::RateLimited { retry_after } => Self::RateLimited { retry_after },
            NoAttempt::Overloaded(overloaded) => Self::Overloaded(overloaded),
            NoAttempt::Store(error) => Self::Store(error),
        }
    }
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
        let keyring = self.issuing_keyring().await?;
        let (account, checked) = self.prove_again(session, password).await?;
        let mut effects = LoginEffects {
            checked,
            rehashed: None,
            // Whoever is in is in.
            verification: EmailVerification::Optional,
            clears: None,
            max_sessions: self.settings.max_sessions,
        };
        let context = self.context_of(origin, session);
        let policy = &self.settings.refresh;
        loop {
            let (id, with) = (session.id, effects.clone());
            let sessions = &self.sessions;
            let proving = sessions.reauthenticate(&context, id, account.id, with, policy);
            if let Some(head) = proving.await? {
                let (audience, client) = (&session.audience, &session.client);
                return Ok(self.token_pair(&keyring, head, audience, client)?);
            }
            let anew = self.hash_made_anew(&account, &effects.checked).await?;
            effects.checked = anew.ok_or(ReauthenticateError::SessionOver)?;
        }
    }

    /// Checks the password of a session's account; answers the account, and the hash that it was
    /// checked against. What changes only an account that still has this hash is tried once more
    /// where [`Issuer::hash_made_anew`] finds another of the same password. Failures count against
    /// the session, not against the address: whoever holds a stolen token can't lock the owner out.
    pub(crate) async fn prove_again(
        &self,
        session: &LiveSession,
        password: Password,
    ) -> Result<(Account, PasswordHash), ReauthenticateError> {
        let key = self.guess_keys().session(session.id);
        let (attempt, place) = self.begin_attempt(key, &[]).await?;
        let outcome = self.check_again(session, place, password).await;
        match &outcome {
            Ok(_) => self.clear_attempt(attempt).await?,
            Err(ReauthenticateError::WrongPassword) => attempt.stay_counted(),
            Err(
                ReauthenticateError::SessionOver
                | ReauthenticateError::Overloaded(_)
                | ReauthenticateError::Store(_)
                | ReauthenticateError::RateLimited { .. },
            ) => self.take_back(attempt).await,
        }
        outcome
    }

    async fn check_again(
        &self,
        session: &LiveSession,
        place: Place<'_>,
        password: Password,
    ) -> Result<(Account, PasswordHash), ReauthenticateError> {
        let (account, hash) = self
            .store
            .account_with_password(session.account.id)
            .await?
            .ok_or(ReauthenticateError::SessionOver)?;
        match place.check(password, hash.clone()).await? {
            Match::Different => Err(ReauthenticateError::WrongPassword),
            Match::Same | Match::SameButOutdated => Ok((account, hash)),
        }
    }
}
