//! Accounts that are there before their mailbox is proven: those that registered where that is
//! optional, and those that an operator made or brought along.
//!
//! Their verification tokens are the account's own, so that whatever voids the tokens of an account
//! voids these. A pending registration, which is no account yet, is
//! [`super::AccountStore::register`]'s.

use async_trait::async_trait;
use uuid::Uuid;

use super::addresses::FindGuesses;
use super::{NewRegistration, RegistrationMail, StoreResult};
use crate::account::{Account, AccountId};
use crate::audit::Context;
use crate::mail::NewMail;
use crate::mailed_token::{MailedTokenHash, NewMailedToken};
use crate::password::PasswordHash;
use crate::time::UnixTime;

/// How long an account is kept that was registered, never proven, and never logged in to, in
/// seconds: as long as a registration.
pub const UNUSED_ACCOUNTS_KEPT: u64 = 7 * 86_400;

/// An active account whose mailbox isn't proven, and what shows that somebody is who made it.
#[derive(Clone, Debug)]
pub struct UnprovenAccount {
    /// The account.
    pub account: Account,
    /// SHA-256 of the secret that the registration's answer carried, if it was registered.
    pub secret_hash: Option<[u8; 32]>,
    /// Its password.
    pub password: PasswordHash,
}

/// Accounts whose mailbox isn't proven.
#[async_trait]
pub trait UnprovenStore: Send + Sync {
    /// Makes the account of a registration, active and unverified, where its address is free, and
    /// queues `verify`; pending registrations of the address go. Where an account has the address,
    /// keeps the registration, useless, and queues `taken`. Records `RegistrationRequested` either
    /// way. Both take the same writes, so that time doesn't tell them apart.
    async fn register_at_once(
        &self,
        context: &Context,
        id: AccountId,
        registration: NewRegistration,
        mail: RegistrationMail,
    ) -> StoreResult<()>;

    /// Grants a `request` of the outbox, taking it out: gives an active, unverified account a new
    /// verification token, voiding its earlier one, and queues the mail. Records
    /// `VerificationResent`. False, with nothing done, where there is no such account or the request
    /// is gone.
    async fn renew_account_verification(
        &self,
        context: &Context,
        request: Uuid,
        account: AccountId,
        token: NewMailedToken,
        mail: NewMail,
    ) -> StoreResult<bool>;

    /// The active, unverified account that a verification token belongs to, if the token is good at
    /// `now`.
    async fn unproven_account(
        &self,
        token: &MailedTokenHash,
        now: UnixTime,
    ) -> StoreResult<Option<UnprovenAccount>>;

    /// Uses the token up and verifies its account, whose sessions go on: whoever proves the mailbox
    /// showed that the password is theirs. Clears the guesses at its address. Records
    /// `AccountVerified`. `None` where the token is no longer good or the account is verified or
    /// stopped.
    async fn prove_mailbox(
        &self,
        context: &Context,
        token: &MailedTokenHash,
        guesses: FindGuesses<'_>,
    ) -> StoreResult<Option<Account>>;
}
