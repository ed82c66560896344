//! Login: one address, one password, one hash, one answer for whatever is wrong.

use zeroize::Zeroizing;

use super::device::Device;
use super::{FamilyId, NewSession, SessionId};
use crate::account::{Account, AccountStatus};
use crate::audit::{Actor, Origin};
use crate::email::EmailAddress;
use crate::issuer::{Issuer, Reservation, TokenPair, TokenRequest, TokenRequestError};
use crate::limit::{Exceeded, Guess, GuessKey, LimitSubject};
use crate::password::hasher::Match;
use crate::password::pool::Overloaded;
use crate::password::{Password, PasswordHash};
use crate::ports::{Credential, LoginEffects, StoreError, StoreResult};

/// What somebody logs in with.
#[derive(Clone, Debug)]
pub struct Login {
    /// Their address.
    pub email: EmailAddress,
    /// Their password.
    pub password: Password,
    /// The token of the device, as it was sent.
    pub device: Option<Zeroizing<String>>,
    /// What the tokens are to be for.
    pub request: TokenRequest,
}

/// What a login gives.
#[derive(Clone, Debug)]
pub struct LoggedIn {
    /// The tokens.
    pub tokens: TokenPair,
    /// The token of the device, for the next login.
    pub device: Zeroizing<String>,
}

/// Why somebody isn't logged in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The address is unknown or the password is wrong.
    #[error("the address or the password is wrong")]
    InvalidCredentials,
    /// The password is right, but the mailbox isn't proven yet.
    #[error("the address is not confirmed yet")]
    EmailNotVerified,
    /// The password is right, but the account is suspended.
    #[error("the account is suspended")]
    Suspended,
    /// There were too many failures.
    #[error("too many failed logins")]
    RateLimited {
        /// Seconds until the next try.
        retry_after: u32,
    },
    /// The tokens can't be for that audience or client.
    #[error(transparent)]
    Request(#[from] TokenRequestError),
    /// Too many passwords are being checked.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
    /// The store doesn't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Exceeded> for LoginError {
    fn from(exceeded: Exceeded) -> Self {
        Self::RateLimited {
            retry_after: exceeded.retry_after,
        }
    }
}

/// A password that was right.
struct Proven {
    account: Account,
    checked: PasswordHash,
    outdated: bool,
}

impl Issuer {
    /// Logs somebody in.
    ///
    /// # Errors
    /// See [`LoginError`].
    pub async fn login(&self, origin: &Origin, login: Login) -> Result<LoggedIn, LoginError> {
        let (audience, client) = self.resolve(&login.request)?;
        let canonical = login.email.canonical();
        let credential = self.store.credential(canonical, self.now()).await?;
        let device = self.known_device(&login, &credential);
        let key = match &device {
            Some(device) => self.guess_keys.device(&device.id),
            None => self.guess_keys.address(&login.email),
        };
        let reserved = self.admit(origin, key).await?;
        let answer = self.prove(&login.password, credential).await;
        let proven = match answer {
            // Opening the session clears the guesses, in the same transaction.
            Ok(proven) => {
                self.release(reserved).await;
                proven
            }
            Err(refused @ (LoginError::EmailNotVerified | LoginError::Suspended)) => {
                self.release(reserved).await;
                self.store.clear_guesses(&key).await?;
                return Err(refused);
            }
            Err(wrong @ LoginError::InvalidCredentials) => return Err(wrong),
            // The password wasn't looked at: that is no failure of whoever typed it.
            Err(unchecked) => {
                self.release(reserved).await;
                return Err(unchecked);
            }
        };
        let rehashed = self.rehash(&login.password, proven.outdated).await?;
        let effects = LoginEffects {
            checked: proven.checked,
            rehashed,
            clears: Some(key),
            max_sessions: self.settings.max_sessions,
        };
        let session = self.new_session(&proven.account, &audience, &client);
        let tokens = self
            .open(origin, session, effects)
            .await?
            .ok_or(LoginError::InvalidCredentials)?;
        let id = device.map_or_else(|| self.randomness.array(), |device| device.id);
        let device = Device::new(id, &tokens.account)
            .token(&self.device_key)
            .unwrap_or_default();
        Ok(LoggedIn { tokens, device })
    }

    /// Counts the guess on every budget it may use up, before it is checked: parallel guesses
    /// can't overrun a budget that way.
    async fn admit(&self, origin: &Origin, key: GuessKey) -> Result<Vec<Reservation>, LoginError> {
        let limits = &self.settings.limits;
        let mut reserved = Vec::with_capacity(2);
        if let Some(ip) = origin.ip {
            let (client, quota) = (LimitSubject::client(ip), limits.failed_logins_by_client);
            reserved.push(self.reserve("failed_login_client", client, quota).await?);
        }
        let (person, quota) = (LimitSubject::Person(key), limits.failed_logins_by_person);
        reserved.push(self.reserve("failed_login_person", person, quota).await?);
        let now = self.now();
        match self.store.begin_guess(&key, now, &limits.guesses).await? {
            Guess::Allowed => Ok(reserved),
            Guess::Wait { retry_after } => {
                self.release(reserved).await;
                Err(LoginError::RateLimited { retry_after })
            }
        }
    }

    /// Checks the password with exactly one hash, whatever there is to check it against.
    async fn prove(
        &self,
        password: &Password,
        credential: Credential,
    ) -> Result<Proven, LoginError> {
        match credential {
            Credential::Unknown => {
                self.hashing.check_nothing(password.clone()).await?;
                Err(LoginError::InvalidCredentials)
            }
            Credential::Pending { password: hash } => {
                match self.hashing.check(password.clone(), hash).await? {
                    Match::Different => Err(LoginError::InvalidCredentials),
                    Match::Same | Match::SameButOutdated => Err(LoginError::EmailNotVerified),
                }
            }
            Credential::Account {
                account,
                password: checked,
            } => {
                let matched = self
                    .hashing
                    .check(password.clone(), checked.clone())
                    .await?;
                match (matched, account.status, account.email_verified) {
                    (Match::Different, _, _) => Err(LoginError::InvalidCredentials),
                    (_, AccountStatus::Suspended, _) => Err(LoginError::Suspended),
                    (_, AccountStatus::Active, false) => Err(LoginError::EmailNotVerified),
                    (_, AccountStatus::Active, true) => Ok(Proven {
                        account: *account,
                        checked,
                        outdated: matched == Match::SameButOutdated,
                    }),
                }
            }
        }
    }

    /// A new hash of a password whose stored one is outdated.
    async fn rehash(
        &self,
        password: &Password,
        outdated: bool,
    ) -> Result<Option<PasswordHash>, Overloaded> {
        if !outdated {
            return Ok(None);
        }
        let salt = self.randomness.array();
        self.hashing.hash(password.clone(), salt).await
    }

    /// The device of a login, if its account still knows it.
    fn known_device(&self, login: &Login, credential: &Credential) -> Option<Device> {
        let device = Device::check(login.device.as_ref()?, &self.device_key)?;
        match credential {
            Credential::Account { account, .. } if device.is_known_to(account) => Some(device),
            Credential::Account { .. } | Credential::Pending { .. } | Credential::Unknown => None,
        }
    }

    /// Opens a session for an account whose password has just been set or proven in another way.
    pub(crate) async fn open_session(
        &self,
        origin: &Origin,
        account: &Account,
        checked: PasswordHash,
        audience: &str,
        client: &str,
    ) -> StoreResult<Option<TokenPair>> {
        let effects = LoginEffects {
            checked,
            rehashed: None,
            clears: None,
            max_sessions: self.settings.max_sessions,
        };
        let session = self.new_session(account, audience, client);
        self.open(origin, session, effects).await
    }

    async fn open(
        &self,
        origin: &Origin,
        session: NewSession,
        effects: LoginEffects,
    ) -> StoreResult<Option<TokenPair>> {
        let context = self.context(origin, Actor::Account(session.account));
        let (audience, client) = (session.audience.clone(), session.client.clone());
        let policy = &self.settings.refresh;
        let head = self
            .store
            .open_session(&context, session, effects, policy)
            .await?;
        head.map(|head| self.token_pair(head, &audience, &client))
            .transpose()
    }

    fn new_session(&self, account: &Account, audience: &str, client: &str) -> NewSession {
        NewSession {
            id: SessionId(self.randomness.uuid()),
            family: FamilyId::new(self.randomness.array()),
            account: account.id,
            audience: audience.to_owned(),
            client: client.to_owned(),
        }
    }
}
