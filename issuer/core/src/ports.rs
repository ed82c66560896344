//! What a store must do. Each operation is atomic: all of it happens, with its audit rows, or
//! nothing does. Preconditions belong into the statement that writes, and what it touched is the
//! answer. Rules that need what the transaction read are functions of this crate
//! ([`crate::session::family::judge`], [`crate::role::grant`]) which the adapter calls there.
//!
//! To add an operation: name it after what must be atomic, say in its documentation what it checks
//! and which [`crate::audit::Action`] it records, and add its contract to the suite in `testing`.

pub mod addresses;
pub mod administration;
pub mod detached;
pub mod feed;
pub mod heads;
pub mod invites;
pub mod key_lifecycle;
pub mod operations;
pub mod outbox;
pub mod personal;
pub mod recovery;
pub mod trail;
pub mod unproven;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use crate::account::import::{ImportMode, ImportOutcome, ImportedAccount};
use crate::account::{
    Account, AccountId, AccountStatus, DisplayName, EmailVerification, NewAccount,
};
use crate::audit::{Context, Recorded};
use crate::email::EmailAddress;
use crate::limit::{Guess, GuessId, GuessKey, GuessPolicy};
use crate::mail::{NewMail, QueuedMail};
use crate::mailed_token::{MailedTokenHash, NewMailedToken};
use crate::password::PasswordHash;
use crate::role::grant::GrantError;
use crate::role::{Role, RoleCatalogue, RoleName};
use crate::session::refresh_token::Presented;
use crate::session::{Head, LiveSession, NewSession, RefreshPolicy, Session, SessionId};
use crate::signing::{InitialKeys, StoredKeys};
use crate::time::UnixTime;

/// A store that couldn't answer. It is never to be read as a yes or a no.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It can't be reached, is busy, full, or read-only: later it may answer again.
    #[error("the store is unavailable: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It answered what it should never answer.
    #[error("the store holds what it should not: {0}")]
    Corrupt(String),
}

/// The answer of a store.
pub type StoreResult<T> = Result<T, StoreError>;

/// An operation that a rule may refuse.
pub type Ruled<T, E> = StoreResult<Result<T, E>>;

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

/// What else opening a session does.
#[derive(Clone, Debug)]
pub struct LoginEffects {
    /// The hash the password was checked against; it must still be the account's.
    pub checked: PasswordHash,
    /// A better hash of the same password to keep from now on.
    pub rehashed: Option<PasswordHash>,
    /// Whether the mailbox must have been proven.
    pub verification: EmailVerification,
    /// The failed guesses that this success clears.
    pub clears: Option<GuessKey>,
    /// The most sessions an account may have; the least recently refreshed end.
    pub max_sessions: u32,
}

/// What came of a presented refresh token with a good MAC.
#[derive(Clone, Debug)]
pub enum Rotation {
    /// It was the head; this is the next one.
    Advanced(Box<Head>),
    /// It was the predecessor, within the grace; this is still the head.
    Repeated(Box<Head>),
    /// It had been used; the session is over, the owner is told.
    Replayed(AccountId),
    /// It was never issued; the session is over.
    FromFuture(AccountId),
    /// There is nothing to refresh.
    Dead,
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

/// Why an admin's change of an account is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AccountChangeError {
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
    /// back ([`addresses`]), in which case the registration can't be proven. Records `RegistrationRequested` either way. Both take
    /// the same writes, so that time doesn't tell them apart.
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
    /// every other registration of the address and their tokens go. Records
    /// `RegistrationVerified`. `None` where the token is no longer good or the address was taken
    /// meanwhile.
    async fn activate(
        &self,
        context: &Context,
        token: &MailedTokenHash,
        id: AccountId,
    ) -> StoreResult<Option<Account>>;

    /// What a password for this address is checked against. It asks the same of the database
    /// whatever there is, so that time doesn't tell.
    async fn credential(&self, canonical_email: &str, now: UnixTime) -> StoreResult<Credential>;

    /// The account and its password.
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
    /// [`RoleCatalogue::admin_roles`].
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
    ) -> Ruled<Account, AccountChangeError>;

    /// Replaces the roles, by the rules of [`crate::role::grant::may_set_roles`]; the actor must
    /// hold `users:write`; the last active, verified admin stays. Raises the version. Records
    /// `AccountRolesSet` with the roles before and after.
    async fn set_roles(
        &self,
        context: &Context,
        id: AccountId,
        roles: BTreeSet<RoleName>,
    ) -> Ruled<Account, AccountChangeError>;
}

/// Passwords and the tokens that set them.
#[async_trait]
pub trait PasswordStore: Send + Sync {
    /// Grants a `request` of the outbox, taking it out: keeps a reset token of an active account,
    /// voiding its earlier ones, and queues the mail. Records `ResetRequested`. False, with nothing
    /// done, where the account isn't there or isn't active, or the request is gone.
    async fn issue_reset(
        &self,
        context: &Context,
        request: Uuid,
        account: AccountId,
        token: NewMailedToken,
        mail: NewMail,
    ) -> StoreResult<bool>;

    /// The active account that a reset token belongs to, if the token is good at `now`.
    async fn reset_subject(
        &self,
        token: &MailedTokenHash,
        now: UnixTime,
    ) -> StoreResult<Option<Account>>;

    /// Uses the token up and sets the password: verifies the address, raises the version and the
    /// device epoch, ends all sessions, voids all mailed tokens of the account but those that give
    /// an address back, clears the guesses of `clears`, queues the notice. Records `PasswordReset`. False where the token is no longer
    /// good.
    async fn reset_password(
        &self,
        context: &Context,
        token: &MailedTokenHash,
        password: PasswordHash,
        clears: GuessKey,
        notice: NewMail,
    ) -> StoreResult<bool>;

    /// Replaces the password if it is still `current`: raises the device epoch, ends all sessions
    /// but `keep`, voids all mailed tokens of the account but those that give an address back,
    /// queues the notice. Records
    /// `PasswordChanged`. False where the password, the account or the session changed meanwhile.
    async fn change_password(
        &self,
        context: &Context,
        keep: SessionId,
        account: AccountId,
        current: &PasswordHash,
        new: PasswordHash,
        notice: NewMail,
    ) -> StoreResult<bool>;
}

/// Sessions and their refresh token families.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Opens a session at generation 0 if the account is active, verified (unless it needn't be) and
    /// still has the checked password. Records `SessionOpened`, and one `SessionEnded` for each that ends because
    /// there are too many. `None` otherwise.
    async fn open_session(
        &self,
        context: &Context,
        session: NewSession,
        effects: LoginEffects,
        policy: &RefreshPolicy,
    ) -> StoreResult<Option<Head>>;

    /// Carries out [`crate::session::family::judge`]. A repeat records `RefreshRepeated`, a
    /// replay `RefreshReplayed` and queues `notice`'s mail, a generation of the future
    /// `RefreshFromFuture`; the latter two end the session, and so does the first token after its
    /// time, as `SessionEnded`. A plain advance records nothing but the row's own time.
    async fn rotate(
        &self,
        context: &Context,
        presented: &Presented,
        policy: &RefreshPolicy,
        notice: &(dyn for<'a> Fn(&'a Account) -> NewMail + Send + Sync),
    ) -> StoreResult<Rotation>;

    /// Advances a live session as a refresh does and sets when its password was proven, if the
    /// account still has the checked password. Records `SessionReauthenticated`.
    async fn reauthenticate(
        &self,
        context: &Context,
        session: SessionId,
        account: AccountId,
        effects: LoginEffects,
        policy: &RefreshPolicy,
    ) -> StoreResult<Option<Head>>;

    /// The session of a verified access token, if it and its account are live at `now` and the
    /// account's version isn't above `version`.
    async fn live_session(
        &self,
        session: SessionId,
        account: AccountId,
        version: u64,
        now: UnixTime,
        policy: &RefreshPolicy,
    ) -> StoreResult<Option<LiveSession>>;

    /// The live sessions of an account, newest first.
    async fn sessions(
        &self,
        account: AccountId,
        now: UnixTime,
        policy: &RefreshPolicy,
    ) -> StoreResult<Vec<Session>>;

    /// Ends one session of the account. Records `SessionEnded`. False where there was none.
    async fn end_session(
        &self,
        context: &Context,
        account: AccountId,
        session: SessionId,
    ) -> StoreResult<bool>;

    /// Ends all sessions of the account but `keep`; answers how many. Records one `SessionEnded`
    /// for each.
    async fn end_other_sessions(
        &self,
        context: &Context,
        account: AccountId,
        keep: SessionId,
    ) -> StoreResult<u64>;

    /// Ends the session of a refresh token with a good MAC, whatever its generation. Records
    /// `SessionEnded`. False where it had ended.
    async fn end_family(&self, context: &Context, presented: &Presented) -> StoreResult<bool>;

    /// Whether what sessions need beside the store itself answers: nothing, where the store holds
    /// the heads of their families.
    async fn ping_heads(&self) -> StoreResult<()> {
        Ok(())
    }
}

/// Roles.
#[async_trait]
pub trait RoleStore: Send + Sync {
    /// All roles. `admin` and `user` are always among them.
    async fn role_catalogue(&self) -> StoreResult<Arc<RoleCatalogue>>;

    /// Adds a role by [`crate::role::grant::may_create`]; the actor must hold `roles:write`.
    /// Records `RoleCreated`.
    async fn create_role(&self, context: &Context, role: Role) -> Ruled<(), AccountChangeError>;

    /// Replaces a role by [`crate::role::grant::may_replace`]; the actor must hold `roles:write`.
    /// The last active, verified admin stays one. Raises the version of every account whose
    /// permissions shrink. Records `RoleReplaced`.
    async fn replace_role(&self, context: &Context, role: Role) -> Ruled<(), AccountChangeError>;

    /// Deletes a role nobody holds by [`crate::role::grant::may_delete`]; the actor must hold
    /// `roles:write`. Records `RoleDeleted`.
    async fn delete_role(
        &self,
        context: &Context,
        name: &RoleName,
    ) -> Ruled<(), AccountChangeError>;
}

/// A batch of what was past its time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Swept {
    /// How many rows went.
    pub rows: u64,
    /// Whether there may be more of them.
    pub more: bool,
}

impl Swept {
    /// What went of each kind, where at most `limit` rows of a kind go at a time.
    #[must_use]
    pub fn of(kinds: &[u64], limit: u64) -> Self {
        Self {
            rows: kinds
                .iter()
                .fold(0, |sum: u64, rows| sum.saturating_add(*rows)),
            more: kinds.iter().any(|rows| *rows >= limit),
        }
    }
}

/// The outbox.
#[async_trait]
pub trait MailStore: Send + Sync {
    /// Puts a request for a message in, due at once. What it asks for puts the message in by itself.
    async fn queue_request(&self, now: UnixTime, request: NewMail) -> StoreResult<()>;

    /// Takes up to `limit` messages that are due, for `lease` seconds, those that have been due for
    /// longest first. What isn't marked within the lease is due again.
    async fn claim_mail(
        &self,
        now: UnixTime,
        lease: u64,
        limit: u32,
    ) -> StoreResult<Vec<QueuedMail>>;

    /// How many messages are due and nobody's.
    async fn due_mail(&self, now: UnixTime) -> StoreResult<u64>;

    /// Forgets a message that was handed over.
    async fn mail_delivered(&self, id: Uuid) -> StoreResult<()>;

    /// Puts a message back until `retry_at`.
    async fn mail_deferred(&self, id: Uuid, retry_at: UnixTime, error: &str) -> StoreResult<()>;

    /// Keeps a message as a dead letter.
    async fn mail_abandoned(&self, id: Uuid, now: UnixTime, error: &str) -> StoreResult<()>;
}

/// Failed guesses at passwords.
#[async_trait]
pub trait GuessStore: Send + Sync {
    /// Counts a guess before it is checked, so that parallel ones can't overrun the limit, unless
    /// [`GuessPolicy::judge`] says that it must wait.
    async fn begin_guess(
        &self,
        key: &GuessKey,
        now: UnixTime,
        policy: &GuessPolicy,
    ) -> StoreResult<Guess>;

    /// Takes exactly one guess back, for nobody looked at its password: the others stay as if it
    /// had never been. Done where it was cleared meanwhile.
    async fn withdraw_guess(&self, guess: GuessId) -> StoreResult<()>;

    /// Forgets the failures: somebody knew the password.
    async fn clear_guesses(&self, key: &GuessKey) -> StoreResult<()>;
}

/// Signing and MAC keys, sealed.
#[async_trait]
pub trait KeyStore: Send + Sync {
    /// The keys and the incarnation. Where the store has never had any, `initial` is kept first,
    /// exactly once among however many start at the same time, and `KeysCreated` recorded.
    async fn load_or_create_keys(
        &self,
        context: &Context,
        initial: InitialKeys,
    ) -> StoreResult<StoredKeys>;
}

/// The audit trail. It is written by the operations of the other ports.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Up to `limit` rows behind the place `after`, in order.
    async fn recorded(&self, after: u64, limit: u32) -> StoreResult<Vec<Recorded>>;
}

/// Everything a store does.
#[async_trait]
pub trait Store:
    AccountStore
    + PasswordStore
    + SessionStore
    + RoleStore
    + MailStore
    + GuessStore
    + KeyStore
    + key_lifecycle::KeyLifecycle
    + AuditStore
    + addresses::AddressStore
    + administration::AdministrationStore
    + detached::DetachedRows
    + feed::FeedStore
    + outbox::OutboxStore
    + personal::PersonalStore
    + recovery::RecoveryStore
    + invites::InviteStore
    + unproven::UnprovenStore
    + trail::TrailStore
    + operations::OperationsStore
{
    /// Whether it can read and write at the moment.
    async fn ping(&self) -> StoreResult<()>;

    /// Removes a batch of what is past its time: registrations, mailed tokens, sessions that ended
    /// or expired over a day ago, guesses of more than a day ago, dead letters of more than 30 days
    /// ago, accounts whose last invite is older than [`invites::INVITED_ACCOUNTS_KEPT`], and accounts
    /// that nobody used, proved or gave a role to within [`unproven::UNUSED_ACCOUNTS_KEPT`] of their
    /// registration. Records `AccountExpired` for each account. Whoever changes something at the same time waits for one batch, however much there is.
    async fn sweep(&self, now: UnixTime, policy: &RefreshPolicy) -> StoreResult<Swept>;
}
