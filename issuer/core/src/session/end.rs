//! Listing sessions, and ending them.

use super::bearer::UntrustedAccessToken;
use super::refresh_token::UntrustedRefreshToken;
use super::{LiveSession, Session, SessionId};
use crate::audit::{Actor, Origin};
use crate::issuer::Issuer;
use crate::ports::StoreResult;

impl Issuer {
    /// The live sessions of the session's account.
    ///
    /// # Errors
    /// When the store doesn't answer.
    pub async fn sessions(&self, session: &LiveSession) -> StoreResult<Vec<Session>> {
        let policy = &self.settings.refresh;
        self.sessions
            .sessions(session.account.id, self.now(), policy)
            .await
    }

    /// Ends the session of a refresh token. Any token will do: one that names no live session has
    /// nothing to end.
    ///
    /// # Errors
    /// When the store doesn't answer; the session may still live then.
    pub async fn logout_with_refresh_token(
        &self,
        origin: &Origin,
        token: &UntrustedRefreshToken,
    ) -> StoreResult<()> {
        // With old keys at hand a token may look forged that isn't.
        let keyring = self.signing_keyring().await?;
        if let Some(presented) = token.check(keyring.mac()) {
            let context = self.context(origin, Actor::Anonymous);
            self.sessions.end_family(&context, &presented).await?;
        }
        Ok(())
    }

    /// Ends the session of an access token. Any token will do that one of our keys has signed:
    /// where its time is over or its account's rights have changed, it opens nothing, but its
    /// session goes on, and whoever logs out means that. Who stole such a token ends one session.
    ///
    /// # Errors
    /// When the store doesn't answer; the session may still live then.
    pub async fn logout_with_access_token(
        &self,
        origin: &Origin,
        token: &UntrustedAccessToken,
    ) -> StoreResult<()> {
        let Some(named) = self.signed_for(token).await? else {
            return Ok(());
        };
        // An old token proves nobody: it may have been found where old things lie.
        let actor = match self.now() < named.expires_at {
            true => Actor::Account(named.account),
            false => Actor::Anonymous,
        };
        let context = self.context(origin, actor);
        self.sessions
            .end_session(&context, named.account, named.session)
            .await?;
        Ok(())
    }

    /// Ends one session of the session's account; false where there was none.
    ///
    /// # Errors
    /// When the store doesn't answer; the session may still live then.
    pub async fn end_session(
        &self,
        origin: &Origin,
        session: &LiveSession,
        id: SessionId,
    ) -> StoreResult<bool> {
        let context = self.context_of(origin, session);
        self.sessions
            .end_session(&context, session.account.id, id)
            .await
    }

    /// Ends every other session of the session's account.
    ///
    /// # Errors
    /// When the store doesn't answer; the sessions may still live then.
    pub async fn end_other_sessions(
        &self,
        origin: &Origin,
        session: &LiveSession,
    ) -> StoreResult<()> {
        let context = self.context_of(origin, session);
        self.sessions
            .end_other_sessions(&context, session.account.id, session.id)
            .await?;
        Ok(())
    }
}
