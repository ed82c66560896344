//! Login: one address, one password, one hash, one answer for whatever is wrong.

use zeroize::Zeroizing;

use super::attempt::{Attempt, FailureBudget, NoAttempt};
use super::device::Device;
use super::floor::ResponseFloor;
use super::{FamilyId, NewSession, SessionId};
use crate::account::{Account, AccountStatus, EmailVerification};
use crate::audit::{Actor, Origin};
use crate::email::EmailAddress;
use crate::issuer::{Issuer, TokenPair, TokenRequest, TokenRequestError};
use crate::limit::{GuessKey, LimitSubject};
use crate::password::hasher::Match;
use crate::password::pool::{Overloaded, Place};
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

impl From<NoAttempt> for LoginError {
    fn from(refused: NoAttempt) -> Self {
        match refused {
            NoAttempt::RateLimited { retry_after } => Self::RateLimited { retry_after },
            NoAttempt::Overloaded(overloaded) => Self::Overloaded(overloaded),
            NoAttempt::Store(error) => Self::Store(error),
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
    /// The least time that the answer to a login takes.
    #[must_use]
    pub fn login_floor(&self) -> ResponseFloor {
        self.settings.login_floor
    }

    /// Logs somebody in. Whatever comes of it takes the time of the response floor at least, unless
    /// it is that there is too much to do, which says nothing about anybody.
    ///
    /// # Errors
    /// See [`LoginError`].
    pub async fn login(&self, origin: &Origin, login: Login) -> Result<LoggedIn, LoginError> {
        let (audience, client) = self.resolve(&login.request)?;
        let outcome = match self.hashing.turn_away_if_full() {
            Ok(()) => {
                let work = self.attempt_login(origin, login, &audience, &client);
                self.login_floor().hold(&*self.randomness, work).await
            }
            Err(overloaded) => Err(overloaded.into()),
        };
        self.tally.login(&outcome);
        outcome
    }

    async fn attempt_login(
        &self,
        origin: &Origin,
        login: Login,
        audience: &str,
        client: &str,
    ) -> Result<LoggedIn, LoginError> {
        // Nothing is hashed or counted for a login that couldn't end well.
        self.issuing_keyring().await?;
        let canonical = login.email.canonical();
        let credential = self.store.credential(canonical, self.now()).await?;
        let device = self.known_device(&login, &credential);
        let key = match &device {
            Some(device) => self.guess_keys().device(&device.id),
            None => self.guess_keys().address(&login.email),
        };
        let budgets = self.failed_login_budgets(origin, key);
        let (attempt, place) = self.begin_attempt(key, &budgets).await?;
        let outcome = match self.prove(place, &login.password, credential).await {
            Ok(proven) => {
                let session = self.new_session(&proven.account, audience, client);
                self.enter(origin, &login.password, proven, session, key)
                    .await
            }
            Err(refused) => Err(refused),
        };
        let tokens = self.settle(attempt, outcome).await?;
        let id = device.map_or_else(|| self.randomness.array(), |device| device.id);
        let device = Device::new(id, &tokens.account)
            .token(&self.device_key())
            .unwrap_or_default();
        Ok(LoggedIn { tokens, device })
    }

    /// The budgets of the client's address and of whose password it is, which failures use up.
    fn failed_login_budgets(&self, origin: &Origin, key: GuessKey) -> Vec<FailureBudget> {
        let limits = &self.settings.limits;
        let of_client = origin.ip.map(|ip| FailureBudget {
            class: "failed_login_client",
            subject: LimitSubject::client(ip),
            quota: limits.failed_logins_by_client,
        });
        let of_person = FailureBudget {
            class: "failed_login_person",
            subject: LimitSubject::Person(key),
            quota: limits.failed_logins_by_person,
        };
        of_client.into_iter().chain([of_person]).collect()
    }

    /// Opens the session of a password that was right, which clears the guesses.
    async fn enter(
        &self,
        origin: &Origin,
        password: &Password,
        proven: Proven,
        session: NewSession,
        clears: GuessKey,
    ) -> Result<TokenPair, LoginError> {
        let effects = LoginEffects {
            checked: proven.checked,
            rehashed: self.rehash(password, proven.outdated).await,
            verification: self.settings.email_verification,
            clears: Some(clears),
            max_sessions: self.settings.max_sessions,
        };
        self.open(origin, &proven.account, session, effects)
            .await?
            .ok_or(LoginError::InvalidCredentials)
    }

    /// Counts the attempt for what came of it.
    async fn settle<T>(
        &self,
        attempt: Attempt,
        outcome: Result<T, LoginError>,
    ) -> Result<T, LoginError> {
        match &outcome {
            Ok(_) => self.release_attempt(attempt).await,
            Err(LoginError::InvalidCredentials) => attempt.stay_counted(),
            Err(LoginError::EmailNotVerified | LoginError::Suspended) => {
                self.clear_attempt(attempt).await?;
            }
            Err(
                LoginError::Overloaded(_)
                | LoginError::Store(_)
                | LoginError::RateLimited { .. }
                | LoginError::Request(_),
            ) => self.take_back(attempt).await,
        }
        outcome
    }

    /// Checks the password with exactly one hash, whatever there is to check it against.
    async fn prove(
        &self,
        place: Place<'_>,
        password: &Password,
        credential: Credential,
    ) -> Result<Proven, LoginError> {
        match credential {
            Credential::Unknown => {
                place.check_nothing(password.clone()).await?;
                Err(LoginError::InvalidCredentials)
            }
            Credential::Pending { password: hash } => {
                match place.check(password.clone(), hash).await? {
                    Match::Different => Err(LoginError::InvalidCredentials),
                    Match::Same | Match::SameButOutdated => Err(LoginError::EmailNotVerified),
                }
            }
            Credential::Account {
                account,
                password: checked,
            } => {
                let matched = place.check(password.clone(), checked.clone()).await?;
                let may_enter = account.email_verified
                    || self.settings.email_verification == EmailVerification::Optional;
                match (matched, account.status, may_enter) {
                    (Match::Different, _, _) => Err(LoginError::InvalidCredentials),
                    // Nobody has a password to it.
                    (_, AccountStatus::Invited, _) => Err(LoginError::InvalidCredentials),
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

    /// A new hash of a password whose stored one is outdated. Where there is too much to do, the
    /// next login makes it: this one has had its hash.
    async fn rehash(&self, password: &Password, outdated: bool) -> Option<PasswordHash> {
        if !outdated {
            return None;
        }
        let salt = self.randomness.array();
        self.hashing
            .hash(password.clone(), salt)
            .await
            .unwrap_or_default()
    }

    /// The hash that took the place of `checked`, where it is one of the same password: a login made
    /// it anew. `account` is what was read with `checked`. Whatever sets another password raises the
    /// device epoch in the same transaction, and a hash that is made anew leaves it.
    pub(crate) async fn hash_made_anew(
        &self,
        account: &Account,
        checked: &PasswordHash,
    ) -> StoreResult<Option<PasswordHash>> {
        let Some((now, hash)) = self.store.account_with_password(account.id).await? else {
            return Ok(None);
        };
        let is_same_password = now.device_epoch == account.device_epoch;
        Ok((is_same_password && hash != *checked).then_some(hash))
    }

    /// The device of a login, if its account still knows it.
    fn known_device(&self, login: &Login, credential: &Credential) -> Option<Device> {
        let device = Device::check(login.device.as_ref()?, &self.device_key())?;
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
            verification: EmailVerification::Required,
            clears: None,
            max_sessions: self.settings.max_sessions,
        };
        let session = self.new_session(account, audience, client);
        self.open(origin, account, session, effects).await
    }

    /// Opens the session for the password that was checked, also where another login has made its
    /// hash anew since then: that is no reason to turn anybody away who was right.
    async fn open(
        &self,
        origin: &Origin,
        account: &Account,
        session: NewSession,
        mut effects: LoginEffects,
    ) -> StoreResult<Option<TokenPair>> {
        let context = self.context(origin, Actor::Account(account.id));
        let policy = &self.settings.refresh;
        let keyring = self.issuing_keyring().await?;
        loop {
            let (next, with) = (session.clone(), effects.clone());
            let opening = self.sessions.open_session(&context, next, with, policy);
            if let Some(head) = opening.await? {
                let (audience, client) = (&session.audience, &session.client);
                return self.token_pair(&keyring, head, audience, client).map(Some);
            }
            let anew = self.hash_made_anew(account, &effects.checked).await?;
            let Some(anew) = anew else { return Ok(None) };
            effects.checked = anew;
            effects.rehashed = None;
        }
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
