//! Registration: a pending row and a mail, then a proof that the same person reads both. Where the
//! proof is optional, the account itself in place of the pending row.
//!
//! Whoever clicks the link in a mail proves the mailbox; whoever has the registration's secret or
//! its password proves the registration. Both are needed, so that nobody activates a stranger's
//! credential for their own address by clicking a link.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{Account, AccountId, DisplayName, EmailVerification};
use crate::audit::{Actor, Origin};
use crate::email::EmailAddress;
use crate::issuer::{Issuer, TokenPair, TokenRequest, TokenRequestError};
use crate::limit::{Exceeded, LimitSubject, Reservation};
use crate::mail::request::Asked;
use crate::mailed_token::{MailedToken, MailedTokenHash, NewMailedToken, Purpose};
use crate::password::hasher::Match;
use crate::password::new::NewPasswordError;
use crate::password::pool::Overloaded;
use crate::password::{Password, PasswordHash};
use crate::ports::{NewRegistration, RegistrationMail, StoreError, StoreResult};
use crate::secret::SecretBytes;
use crate::tally::RegistrationStep;
use crate::time::UnixTime;

/// How long a registration waits for its mailbox to be proven, in seconds.
const REGISTRATION_LIFETIME: u64 = 7 * 86_400;

/// What somebody registers with.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Their address.
    pub email: EmailAddress,
    /// Their password.
    pub password: Password,
    /// What they want to be called.
    pub name: Option<DisplayName>,
}

/// The secret that a registration's answer carries: with the mailed token it activates exactly
/// this registration.
#[derive(Clone, Debug)]
pub struct RegistrationSecret(SecretBytes<32>);

impl RegistrationSecret {
    /// The 43 characters that go into the answer.
    #[must_use]
    pub fn reveal(&self) -> Zeroizing<String> {
        Zeroizing::new(Base64UrlUnpadded::encode_string(self.0.expose()))
    }

    fn hash(&self) -> [u8; 32] {
        hash_of_secret(self.0.expose())
    }
}

/// Why somebody can't be registered. A taken address is not among the reasons.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The password can't be taken now.
    #[error(transparent)]
    NewPassword(#[from] NewPasswordError),
    /// There were too many registrations from the client's address.
    #[error("too many registrations")]
    RateLimited {
        /// Seconds until the next.
        retry_after: u32,
    },
    /// So much mail waits that nobody would get theirs.
    #[error("too much mail waits to be sent")]
    OutboxFull,
    /// The store doesn't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Exceeded> for RegisterError {
    fn from(exceeded: Exceeded) -> Self {
        Self::RateLimited {
            retry_after: exceeded.retry_after,
        }
    }
}

/// A mailed token and what proves that it came to who registered.
#[derive(Clone, Debug)]
pub struct Verification {
    /// The mailed token, as it was sent.
    pub token: Zeroizing<String>,
    /// The registration's secret, as it was sent.
    pub registration: Option<Zeroizing<String>>,
    /// The registration's password.
    pub password: Option<Password>,
}

/// What a verification token is for, and what shows that it came to who registered.
struct Unproven {
    of: TokenOf,
    secret_hash: Option<[u8; 32]>,
    password: PasswordHash,
}

/// Whose a verification token is.
enum TokenOf {
    Registration,
    Account,
}

/// Why a mailbox isn't proven.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The token is unknown, used or expired, or what came beside it is wrong.
    #[error("the token is not valid, or what came with it doesn't belong to it")]
    InvalidToken,
    /// The tokens can't be for that audience or client.
    #[error(transparent)]
    Request(#[from] TokenRequestError),
    /// Too many passwords are being hashed.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
    /// The store doesn't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Issuer {
    /// Keeps a registration and mails a token, or, where the address is taken, tells its owner.
    /// Nothing in the answer or its time says which. A password that can't be taken doesn't count
    /// against how many registrations there may be.
    ///
    /// # Errors
    /// See [`RegisterError`].
    pub async fn register(
        &self,
        origin: &Origin,
        registration: Registration,
    ) -> Result<RegistrationSecret, RegisterError> {
        self.accept_new_password(&registration.password, &registration.email)?;
        if self.outbox_fullness.is_full() {
            return Err(RegisterError::OutboxFull);
        }
        let reserved = self.reserve_registration(origin).await?;
        let registered = self.keep_registration(origin, registration).await;
        match &registered {
            Ok(_) => self.tally.registrations.count(RegistrationStep::Requested),
            Err(_) => self.release(reserved).await,
        }
        registered
    }

    /// Takes a unit of the client's budget, before there is a hash to be made.
    async fn reserve_registration(&self, origin: &Origin) -> Result<Option<Reservation>, Exceeded> {
        let Some(ip) = origin.ip else { return Ok(None) };
        let (client, quota) = (LimitSubject::client(ip), self.settings.limits.registrations);
        let reserved = self.reserve("registration", client, quota).await?;
        Ok(Some(reserved))
    }

    async fn keep_registration(
        &self,
        origin: &Origin,
        registration: Registration,
    ) -> Result<RegistrationSecret, RegisterError> {
        let Registration {
            email,
            password,
            name,
        } = registration;
        let password = self.hash_accepted_password(password).await?;
        let context = self.context(origin, Actor::Anonymous);
        let secret = RegistrationSecret(self.randomness.secret());
        let (token, kept) = self.verification_token();
        let told = self.reserve_registration_mail(&email).await;
        let mail = match &told {
            Some(_) => self.registration_mail(&email, &token, kept.expires_at),
            None => RegistrationMail {
                verify: None,
                taken: None,
            },
        };
        let registration = NewRegistration {
            id: self.randomness.uuid(),
            secret_hash: secret.hash(),
            email,
            name,
            password,
            expires_at: context.now.saturating_add(REGISTRATION_LIFETIME),
            token: kept,
        };
        let stored = match self.settings.email_verification {
            EmailVerification::Required => self.store.register(&context, registration, mail).await,
            EmailVerification::Optional => {
                let id = AccountId(self.randomness.uuid());
                let store = &self.store;
                store
                    .register_at_once(&context, id, registration, mail)
                    .await
            }
        };
        if let Err(error) = stored {
            self.release(told.into_iter().flatten()).await;
            return Err(error.into());
        }
        Ok(secret)
    }

    fn registration_mail(
        &self,
        email: &EmailAddress,
        token: &MailedToken,
        good_until: UnixTime,
    ) -> RegistrationMail {
        let verify = self.letters.verify(email, token);
        let taken = self.letters.address_taken(email);
        RegistrationMail {
            verify: Some(self.seal(&verify, None, Some(good_until))),
            taken: Some(self.seal(&taken, None, Some(good_until))),
        }
    }

    /// Has a new token mailed to an address that waits to be proven; to any other, nothing. Nothing
    /// in the answer or its time says which: see [`crate::mail::request`].
    ///
    /// # Errors
    /// When the store doesn't answer.
    pub async fn resend_verification(
        &self,
        origin: &Origin,
        email: &EmailAddress,
    ) -> Result<(), StoreError> {
        // Without a mail the earlier token must stay good: nobody would get the new one.
        if self.may_send_other_mail(email).await {
            self.ask_for_mail(Asked::Verification, email, origin)
                .await?;
        }
        Ok(())
    }

    /// Proves a mailbox and makes the account.
    ///
    /// # Errors
    /// See [`VerifyError`].
    pub async fn verify_email(
        &self,
        origin: &Origin,
        verification: Verification,
    ) -> Result<Account, VerifyError> {
        let (account, _) = self.activate(origin, verification).await?;
        Ok(account)
    }

    /// Proves a mailbox, makes the account and logs it in.
    ///
    /// # Errors
    /// See [`VerifyError`].
    pub async fn verify_email_and_open(
        &self,
        origin: &Origin,
        verification: Verification,
        request: &TokenRequest,
    ) -> Result<TokenPair, VerifyError> {
        let (audience, client) = self.resolve(request)?;
        // The mailed token isn't used up for a session that nobody can be given now.
        self.issuing_keyring().await?;
        let (account, password) = self.activate(origin, verification).await?;
        self.open_session(origin, &account, password, &audience, &client)
            .await?
            .ok_or(VerifyError::InvalidToken)
    }

    async fn activate(
        &self,
        origin: &Origin,
        verification: Verification,
    ) -> Result<(Account, PasswordHash), VerifyError> {
        let token = self
            .mailed_token(&verification.token)?
            .ok_or(VerifyError::InvalidToken)?;
        let hash = token.hash(Purpose::Verify);
        let unproven = self.unproven(&hash).await?;
        let unproven = unproven.ok_or(VerifyError::InvalidToken)?;
        if !self.belongs(&verification, &unproven).await? {
            return Err(VerifyError::InvalidToken);
        }
        let context = self.context(origin, Actor::Anonymous);
        let guesses = |email: &EmailAddress| self.guess_keys().address(email);
        let store = &self.store;
        let proven = match unproven.of {
            TokenOf::Registration => {
                let id = AccountId(self.randomness.uuid());
                store.activate(&context, &hash, id, &guesses).await?
            }
            TokenOf::Account => store.prove_mailbox(&context, &hash, &guesses).await?,
        };
        let account = proven.ok_or(VerifyError::InvalidToken)?;
        self.tally.registrations.count(RegistrationStep::Verified);
        Ok((account, unproven.password))
    }

    async fn unproven(&self, token: &MailedTokenHash) -> StoreResult<Option<Unproven>> {
        let now = self.now();
        if let Some(pending) = self.store.pending_registration(token, now).await? {
            return Ok(Some(Unproven {
                of: TokenOf::Registration,
                secret_hash: Some(pending.secret_hash),
                password: pending.password,
            }));
        }
        let account = self.store.unproven_account(token, now).await?;
        Ok(account.map(|account| Unproven {
            of: TokenOf::Account,
            secret_hash: account.secret_hash,
            password: account.password,
        }))
    }

    /// Whether what came with the token belongs to the same registration or account, everything of
    /// it, and not nothing.
    async fn belongs(
        &self,
        verification: &Verification,
        unproven: &Unproven,
    ) -> Result<bool, Overloaded> {
        let secret_is_right = verification.registration.as_ref().map(|text| {
            let hash = unproven.secret_hash.as_ref();
            hash.is_some_and(|hash| is_secret_of(text, hash))
        });
        let password_is_right = match &verification.password {
            None => None,
            Some(password) => {
                let hash = unproven.password.clone();
                let answer = self.hashing.check(password.clone(), hash).await?;
                Some(answer != Match::Different)
            }
        };
        let proofs = [secret_is_right, password_is_right];
        Ok(proofs.contains(&Some(true)) && !proofs.contains(&Some(false)))
    }

    fn verification_token(&self) -> (MailedToken, NewMailedToken) {
        NewMailedToken::issue(Purpose::Verify, self.now(), &*self.randomness)
    }
}

fn is_secret_of(text: &str, hash: &[u8; 32]) -> bool {
    let mut bytes = Zeroizing::new([0; 32]);
    match Base64UrlUnpadded::decode(text, bytes.as_mut_slice()) {
        Ok(decoded) if decoded.len() == 32 => hash_of_secret(decoded).ct_eq(hash).into(),
        Ok(_) | Err(_) => false,
    }
}

fn hash_of_secret(secret: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(b"signet registration\0")
        .chain_update(secret)
        .finalize()
        .into()
}
