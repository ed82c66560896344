//! Accounts, and the registrations that become accounts.

use std::collections::BTreeSet;

use async_trait::async_trait;
use uuid::Uuid;

use super::addresses::FindGuesses;
use super::{Ruled, StoreResult};
use crate::account::import::{ImportMode, ImportOutcome, ImportedAccount};
use crate::account::{Account, AccountId, AccountStatus, DisplayName, NewAccount};
use crate::audit::Context;
use crate::email::EmailAddress;
use crate::mail::NewMail;
use crate::mailed_token::{MailedTokenHash, NewMailedToken};
use crate::password::PasswordHash;
use crate::role::RoleName;
use crate::role::grant::GrantError;
use crate::time::UnixTime;

/// A registration on its way into the store.
#[derive(Clone, Debug)]
pub struct NewRegistration {
    /// Its identity in the store.
    pub id: Uuid,
    /// SHA-256 of the secret that the registration's answer carries.
    pub secret_hash: [u8; 32],
    /// The address it asks for.
    pub email: EmailAddress,
    /// The name it asks for.
    pub name: Option<DisplayName>,
    /// The password it will have.
    pub password: PasswordHash,
    /// The first second at which it is gone.
    pub expires_at: UnixTime,
    /// The token that proves the mailbox.
    pub token: NewMailedToken,
}

/// The two messages of a registration, of which the store queues the one that fits. `None` where
/// the recipient already got enough mail.
#[derive(Clone, Debug)]
pub struct RegistrationMail {
    /// For an address that is free.
    pub verify: Option<NewMail>,
    /// For an address that is taken; the store says whose it is.
    pub taken: Option<NewMail>,
}

/// A registration that waits for its mailbox to be proven.
#[derive(Clone, Debug)]
pub struct PendingRegistration {
    /// Its identity in the store.
    pub id: Uuid,
    /// SHA-256 of the secret that the registration's answer carried.
    pub secret_hash: [u8; 32],
    /// The password it will have.
    pub password: PasswordHash,
}

/// What an address and its password are checked against.
#[derive(Clone, Debug)]
pub enum Credential {
    /// There is an account.
    Account {
        /// The account.
        account: Box<Account>,
        /// Its password.
        password: PasswordHash,
    },
    /// There is none, but somebody registered the address; the newest such registration.
    Pending {
        /// Its password.
        password: PasswordHash,
    },
    /// Nobody knows the address.
    Unknown,
}

/// Why the first admin can't be created.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FirstAdminError {
    /// Somebody was first.
    #[error("there is an admin already")]
    AdminExists,
    /// Unknown, used, or expired.
    #[error("the setup token is not valid")]
    TokenUnusable,
    /// An account with that address exists.
    #[error("the address is taken")]
    AddressTaken,
}

/// Why an account can't be created by an operator.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CreateAccountError {
    /// An account with that address exists.
    #[error("an account with that address exists")]
    AddressTaken,
    /// A role doesn't exist.
    #[error("there is no role called {0}")]
    UnknownRole(RoleName),
}

/// Why what an admin does with an account or a role is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AdminRefusal {
    /// There is no such account.
    #[error("there is no such account")]
    NotFound,
    /// The actor's own account is gone, suspended, or lacks the permission.
    #[error("the actor may not do this")]
    Forbidden,
    /// The account is suspended, and this is for accounts that are in use.
    #[error("the account is suspended")]
    NotActive,
    /// The account is invited: accepting the invite is what activates it.
    #[error("the account is invited, and becomes active when the invite is accepted")]
    Invited,
    /// It would leave nobody who can administer.
    #[error("the last admin can't be removed")]
    LastAdmin,
    /// The rules of grants refuse it.
    #[error(transparent)]
    Grant(#[from] GrantError),
}

/// Which accounts a list is to hold.
#[derive(Clone, Debug, Default)]
pub struct AccountFilter {
    /// Part of the canonical address or of the name, in any case (Unicode's lower case).
    pub text: Option<String>,
    /// Only accounts of this status.
    pub status: Option<AccountStatus>,
    /// Only accounts that were given this role.
    pub role: Option<RoleName>,
}

/// Accounts, registrations and what proves them.
#[async_trait]
pub trait AccountStore: Send + Sync {
    /// Keeps a registration, at most three per address (the oldest goes), and queues one of its
    /// messages: `verify` where the address is free, `taken` where an account has it or may get it
    /// back ([`super::addresses`]), in which case the registration can't be proven. Records
    /// `RegistrationRequested` either way. Both take the same writes, so that time doesn't tell them
    /// apart.
    async fn register(
        &self,
        context: &Context,
        registration: NewRegistration,
        mail: RegistrationMail,
    ) -> StoreResult<()>;

    /// Grants a `request` of the outbox, taking it out: gives the newest pending registration of
    /// the address a new verification token, voiding its earlier one, and queues the mail. Records
    /// `VerificationResent`. False, with nothing done, where there is none, an account has the
    /// address or may get it back, or the request is gone.
    async fn renew_verification(
        &self,
        context: &Context,
        request: Uuid,
        canonical_email: &str,
        token: NewMailedToken,
        mail: NewMail,
    ) -> StoreResult<bool>;

    /// The registration that a verification token belongs to, if the token is good at `now` and no
    /// account has the address.
    async fn pending_registration(
        &self,
        token: &MailedTokenHash,
        now: UnixTime,
    ) -> StoreResult<Option<PendingRegistration>>;

    /// Uses the token up and makes the account `id` of its registration, verified and active;
    /// every other registration of the address and their tokens go, and so do the guesses at the
    /// address from before somebody proved to read its mail. Records `RegistrationVerified`. `None`
    /// where the token is no longer good or the address was taken meanwhile.
    async fn activate(
        &self,
        context: &Context,
        token: &MailedTokenHash,
        id: AccountId,
        guesses: FindGuesses<'_>,
    ) -> StoreResult<Option<Account>>;

    /// What a password for this address is checked against, the account and the hash as they were
    /// at one moment. It asks the same of the database whatever there is, so that time doesn't tell.
    async fn credential(&self, canonical_email: &str, now: UnixTime) -> StoreResult<Credential>;

    /// The account and its password, as they were at one moment: the device epoch tells which
    /// password the hash is of.
    async fn account_with_password(
        &self,
        id: AccountId,
    ) -> StoreResult<Option<(Account, PasswordHash)>>;

    /// The account.
    async fn account(&self, id: AccountId) -> StoreResult<Option<Account>>;

    /// Up to `limit` accounts that match, by creation, those after `after` only.
    async fn accounts(
        &self,
        filter: &AccountFilter,
        after: Option<AccountId>,
        limit: u32,
    ) -> StoreResult<Vec<Account>>;

    /// Changes the name. Records `AccountRenamed`. `None` where there is no such account.
    async fn rename(
        &self,
        context: &Context,
        id: AccountId,
        name: Option<DisplayName>,
    ) -> StoreResult<Option<Account>>;

    /// Creates an account without a registration, voiding pending registrations of the address.
    /// Records `AccountCreated`.
    async fn create_account(
        &self,
        context: &Context,
        account: NewAccount,
    ) -> Ruled<Account, CreateAccountError>;

    /// Creates accounts that another system had, each for itself, in order: one that can't be
    /// created keeps no other from it. Voids pending registrations of their addresses. Records one
    /// `AccountImported` for each that was created. A rehearsal answers the same and leaves
    /// everything as it was.
    async fn import_accounts(
        &self,
        context: &Context,
        accounts: &[ImportedAccount],
        mode: ImportMode,
    ) -> StoreResult<Vec<ImportOutcome>>;

    /// Whether an active, verified admin exists: somebody with a role among
    /// [`crate::role::RoleCatalogue::admin_roles`].
    async fn admin_exists(&self) -> StoreResult<bool>;

    /// Keeps a setup token, voiding earlier ones. Records `SetupLinkIssued`.
    async fn issue_setup(&self, context: &Context, token: NewMailedToken) -> StoreResult<()>;

    /// Uses the setup token up and creates `account`, which must hold `admin`, if no admin exists.
    /// Voids every setup token. Records `AccountCreated`.
    async fn create_first_admin(
        &self,
        context: &Context,
        token: &MailedTokenHash,
        account: NewAccount,
    ) -> Ruled<Account, FirstAdminError>;

    /// Suspends or activates; an invited account can't be activated, and suspending one takes the
    /// invite back. Only an invite makes an account `Invited`. The actor must hold `users:write` and
    /// everything the target holds; the last active, verified admin stays. Suspending raises the
    /// version and the device epoch, ends all sessions, and voids a change of address that was
    /// asked for. Records `AccountSuspended` or `AccountActivated`; setting what is
    /// set already is done without a record.
    async fn set_status(
        &self,
        context: &Context,
        id: AccountId,
        status: AccountStatus,
    ) -> Ruled<Account, AdminRefusal>;

    /// Replaces the roles, by the rules of [`crate::role::grant::may_set_roles`]; the actor must
    /// hold `users:write`; the last active, verified admin stays. Raises the version. Records
    /// `AccountRolesSet` with the roles before and after.
    async fn set_roles(
        &self,
        context: &Context,
        id: AccountId,
        roles: BTreeSet<RoleName>,
    ) -> Ruled<Account, AdminRefusal>;
}
