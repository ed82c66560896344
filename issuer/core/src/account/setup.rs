//! The first admin, and accounts that an operator creates on the command line.

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use super::{Account, AccountId, NewAccount};
use crate::audit::{Actor, Context, Origin};
use crate::email::EmailAddress;
use crate::issuer::{Issuer, TokenPair, TokenRequest, TokenRequestError};
use crate::mailed_token::{MailedToken, NewMailedToken, Purpose};
use crate::password::new::NewPasswordError;
use crate::password::{Password, PasswordHash};
use crate::ports::{CreateAccountError, FirstAdminError, StoreError};
use crate::role::RoleName;

/// What the first admin is made of.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The token of the setup link, as it was sent.
    pub token: Zeroizing<String>,
    /// Their address.
    pub email: EmailAddress,
    /// Their password.
    pub password: Password,
}

/// Why there is no first admin.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// There is an admin already.
    #[error("there is an admin already")]
    Closed,
    /// The token is unknown, used or expired.
    #[error("the setup token is not valid")]
    InvalidToken,
    /// The password can't be taken now; the token stays good.
    #[error(transparent)]
    NewPassword(#[from] NewPasswordError),
    /// An account with that address exists.
    #[error("an account with that address exists")]
    AddressTaken,
    /// The tokens can't be for that audience or client.
    #[error(transparent)]
    Request(#[from] TokenRequestError),
    /// The store doesn't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An account as an operator orders it.
#[derive(Clone, Debug)]
pub struct AccountOrder {
    /// Its address.
    pub email: EmailAddress,
    /// Its password.
    pub password: Password,
    /// Its roles, without `user`.
    pub roles: BTreeSet<RoleName>,
    /// Whether the operator vouches for the mailbox.
    pub verified: bool,
}

/// Why an ordered account isn't created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The password can't be taken now.
    #[error(transparent)]
    NewPassword(#[from] NewPasswordError),
    /// An account with that address exists.
    #[error("an account with that address exists")]
    AddressTaken,
    /// A role doesn't exist.
    #[error("there is no role called {0}")]
    UnknownRole(RoleName),
    /// The store doesn't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<FirstAdminError> for SetupError {
    fn from(error: FirstAdminError) -> Self {
        match error {
            FirstAdminError::AdminExists => Self::Closed,
            FirstAdminError::TokenUnusable => Self::InvalidToken,
            FirstAdminError::AddressTaken => Self::AddressTaken,
        }
    }
}

impl From<CreateAccountError> for CreateError {
    fn from(error: CreateAccountError) -> Self {
        match error {
            CreateAccountError::AddressTaken => Self::AddressTaken,
            CreateAccountError::UnknownRole(role) => Self::UnknownRole(role),
        }
    }
}

impl Issuer {
    /// Whether the first admin is still missing.
    ///
    /// # Errors
    /// When the store doesn't answer.
    pub async fn setup_is_open(&self) -> Result<bool, StoreError> {
        Ok(!self.store.admin_exists().await?)
    }

    /// A token for the setup link, voiding earlier ones; `None` once an admin exists.
    ///
    /// # Errors
    /// When the store doesn't answer.
    pub async fn issue_setup_link(&self) -> Result<Option<MailedToken>, StoreError> {
        if !self.setup_is_open().await? {
            return Ok(None);
        }
        let context = Context::internal(self.now(), Actor::System);
        let (token, kept) = NewMailedToken::issue(Purpose::Setup, context.now, &*self.randomness);
        self.store.issue_setup(&context, kept).await?;
        Ok(Some(token))
    }

    /// Creates the first admin.
    ///
    /// # Errors
    /// See [`SetupError`].
    pub async fn set_up(&self, origin: &Origin, setup: Setup) -> Result<Account, SetupError> {
        let (account, _) = self.make_first_admin(origin, setup).await?;
        Ok(account)
    }

    /// Creates the first admin and logs them in.
    ///
    /// # Errors
    /// See [`SetupError`].
    pub async fn set_up_and_open(
        &self,
        origin: &Origin,
        setup: Setup,
        request: &TokenRequest,
    ) -> Result<TokenPair, SetupError> {
        let (audience, client) = self.resolve(request)?;
        // The token of the link isn't used up for a session that nobody can be given now.
        self.issuing_keyring().await?;
        let (account, password) = self.make_first_admin(origin, setup).await?;
        self.open_session(origin, &account, password, &audience, &client)
            .await?
            .ok_or(SetupError::Closed)
    }

    async fn make_first_admin(
        &self,
        origin: &Origin,
        setup: Setup,
    ) -> Result<(Account, PasswordHash), SetupError> {
        if !self.setup_is_open().await? {
            return Err(SetupError::Closed);
        }
        let token = self
            .mailed_token(&setup.token)?
            .ok_or(SetupError::InvalidToken)?;
        let password = self.hash_new_password(setup.password, &setup.email).await?;
        let order = NewAccount {
            id: AccountId(self.randomness.uuid()),
            email: setup.email,
            email_verified: true,
            name: None,
            password: password.clone(),
            roles: BTreeSet::from([RoleName::admin()]),
        };
        let context = self.context(origin, Actor::Anonymous);
        let account = self
            .store
            .create_first_admin(&context, &token.hash(Purpose::Setup), order)
            .await??;
        Ok((account, password))
    }

    /// Creates an account for an operator.
    ///
    /// # Errors
    /// See [`CreateError`].
    pub async fn create_account_as_operator(
        &self,
        order: AccountOrder,
    ) -> Result<Account, CreateError> {
        let password = self.hash_new_password(order.password, &order.email).await?;
        let mut roles = order.roles;
        roles.remove(&RoleName::user());
        let account = NewAccount {
            id: AccountId(self.randomness.uuid()),
            email: order.email,
            email_verified: order.verified,
            name: None,
            password,
            roles,
        };
        let context = self.as_operator();
        Ok(self.store.create_account(&context, account).await??)
    }
}
