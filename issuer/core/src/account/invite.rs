//! Invites: an admin names an address and roles, and whoever reads the mail takes the account over.
//!
//! The account is there from the invite on, with its roles, and is of no use to anybody before it is
//! accepted: it has no password, and a reset doesn't give it one, since how long an invite is good
//! is up to whoever gave it. See docs/adr/0026-who-has-an-account-before-the-mailbox-is-proven.md.

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use super::admin::AdminError;
use super::{Account, AccountId, DisplayName};
use crate::audit::{Actor, Context, Origin};
use crate::email::EmailAddress;
use crate::issuer::{Issuer, TokenPair, TokenRequest, TokenRequestError};
use crate::mailed_token::{NewMailedToken, Purpose};
use crate::password::new::NewPasswordError;
use crate::password::{Password, PasswordHash};
use crate::ports::StoreError;
use crate::ports::invites::{Acceptance, InviteError, NewInvite};
use crate::role::RoleName;
use crate::session::LiveSession;

/// Who is to be invited, and as what.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// Where the mail goes.
    pub email: EmailAddress,
    /// What they are called, until they say otherwise.
    pub name: Option<DisplayName>,
    /// The roles they will have.
    pub roles: BTreeSet<RoleName>,
}

/// Why nobody is invited.
#[derive(Debug, thiserror::Error)]
pub enum InvitationError {
    /// An account with that address exists, and isn't an invited one.
    #[error("an account with that address exists")]
    AddressTaken,
    /// The rules refuse it, or the store doesn't answer.
    #[error(transparent)]
    Admin(#[from] AdminError),
}

impl From<InviteError> for InvitationError {
    fn from(error: InviteError) -> Self {
        match error {
            InviteError::AddressTaken => Self::AddressTaken,
            InviteError::Change(refusal) => Self::Admin(refusal.into()),
        }
    }
}

impl From<StoreError> for InvitationError {
    fn from(error: StoreError) -> Self {
        Self::Admin(error.into())
    }
}

/// What accepts an invite.
#[derive(Clone, Debug)]
pub struct AcceptedInvite {
    /// The mailed token, as it was sent.
    pub token: Zeroizing<String>,
    /// The password from now on.
    pub password: Password,
    /// What one wants to be called; nothing keeps what the admin said.
    pub name: Option<DisplayName>,
}

/// Why an invite isn't accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The token is unknown, used, expired or voided.
    #[error("the token is not valid")]
    InvalidToken,
    /// The password can't be taken now; the token stays good.
    #[error(transparent)]
    NewPassword(#[from] NewPasswordError),
    /// The tokens can't be for that audience or client.
    #[error(transparent)]
    Request(#[from] TokenRequestError),
    /// The store doesn't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Issuer {
    /// Invites somebody, or invites them again, which voids the mail before. Needs a fresh login,
    /// for it gives roles, and `users:read` beside `users:write`, for it tells who has an account.
    ///
    /// # Errors
    /// See [`InvitationError`].
    pub async fn invite(
        &self,
        origin: &Origin,
        session: &LiveSession,
        invitation: Invitation,
    ) -> Result<Account, InvitationError> {
        self.require_fresh(session).map_err(AdminError::from)?;
        let context = self.context_of(origin, session);
        self.keep_invite(&context, invitation).await
    }

    /// Invites somebody for an operator.
    ///
    /// # Errors
    /// See [`InvitationError`].
    pub async fn invite_as_operator(
        &self,
        invitation: Invitation,
    ) -> Result<Account, InvitationError> {
        let context = self.as_operator();
        self.keep_invite(&context, invitation).await
    }

    async fn keep_invite(
        &self,
        context: &Context,
        invitation: Invitation,
    ) -> Result<Account, InvitationError> {
        let Invitation {
            email,
            name,
            mut roles,
        } = invitation;
        roles.remove(&RoleName::user());
        let id = AccountId(self.randomness.uuid());
        let (token, kept) = NewMailedToken::issue(Purpose::Invite, context.now, &*self.randomness);
        // Of no budget: strangers can't cause it, and mustn't be able to use it up.
        let message = self.letters.invite(&email, name.as_ref(), &token);
        let invite = NewInvite {
            id,
            mail: self.seal(&message, Some(id), Some(kept.expires_at)),
            email,
            name,
            roles,
            token: kept,
        };
        Ok(self.store.invite(context, invite).await??)
    }

    /// Accepts an invite: the account is its owner's from then on.
    ///
    /// # Errors
    /// See [`AcceptError`].
    pub async fn accept_invite(
        &self,
        origin: &Origin,
        accepted: AcceptedInvite,
    ) -> Result<Account, AcceptError> {
        let (account, _) = self.take_over(origin, accepted).await?;
        Ok(account)
    }

    /// Accepts an invite and logs its owner in.
    ///
    /// # Errors
    /// See [`AcceptError`].
    pub async fn accept_invite_and_open(
        &self,
        origin: &Origin,
        accepted: AcceptedInvite,
        request: &TokenRequest,
    ) -> Result<TokenPair, AcceptError> {
        let (audience, client) = self.resolve(request)?;
        // The mailed token isn't used up for a session that nobody can be given now.
        self.issuing_keyring().await?;
        let (account, password) = self.take_over(origin, accepted).await?;
        self.open_session(origin, &account, password, &audience, &client)
            .await?
            .ok_or(AcceptError::InvalidToken)
    }

    async fn take_over(
        &self,
        origin: &Origin,
        accepted: AcceptedInvite,
    ) -> Result<(Account, PasswordHash), AcceptError> {
        let token = self
            .mailed_token(&accepted.token)?
            .ok_or(AcceptError::InvalidToken)?;
        let hash = token.hash(Purpose::Invite);
        let invited = self
            .store
            .invited(&hash, self.now())
            .await?
            .ok_or(AcceptError::InvalidToken)?;
        let email = &invited.email;
        let password = self.hash_new_password(accepted.password, email).await?;
        let acceptance = Acceptance {
            password: password.clone(),
            name: accepted.name,
            clears: self.guess_keys().address(email),
        };
        let context = self.context(origin, Actor::Anonymous);
        let account = self
            .store
            .accept_invite(&context, &hash, acceptance)
            .await?
            .ok_or(AcceptError::InvalidToken)?;
        Ok((account, password))
    }
}
