//! What a store must do. Each operation is atomic: all of it happens, with its audit rows, or
//! nothing does. Preconditions belong into the statement that writes, and what it touched is the
//! answer. Rules that need what the transaction read are functions of this crate
//! ([`crate::session::family::judge`], [`crate::role::grant`]) which the adapter calls there.
//!
//! To add an operation: name it after what must be atomic, say in its documentation what it checks
//! and which [`crate::audit::Action`] it records, and add its contract to the suite in `testing`.

mod accounts;
pub mod addresses;
pub mod administration;
pub mod detached;
pub mod feed;
pub mod heads;
pub mod invites;
pub mod key_lifecycle;
pub mod operations;
pub mod outbox;
mod passwords;
pub mod personal;
pub mod recovery;
mod sessions;
pub mod trail;
pub mod unproven;

use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use crate::audit::{Context, Recorded};
use crate::limit::{Guess, GuessId, GuessKey, GuessPolicy};
use crate::mail::{NewMail, QueuedMail};
use crate::role::{Role, RoleCatalogue, RoleName};
use crate::session::RefreshPolicy;
use crate::signing::{InitialKeys, StoredKeys};
use crate::time::UnixTime;

pub use accounts::{
    AccountFilter, AccountStore, AdminRefusal, CreateAccountError, Credential, FirstAdminError,
    NewRegistration, PendingRegistration, RegistrationMail,
};
pub use passwords::PasswordStore;
pub use sessions::{LoginEffects, Rotation, SessionStore};

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

/// Roles.
#[async_trait]
pub trait RoleStore: Send + Sync {
    /// All roles. `admin` and `user` are always among them.
    async fn role_catalogue(&self) -> StoreResult<Arc<RoleCatalogue>>;

    /// Adds a role by [`crate::role::grant::may_create`]; the actor must hold `roles:write`.
    /// Records `RoleCreated`.
    async fn create_role(&self, context: &Context, role: Role) -> Ruled<(), AdminRefusal>;

    /// Replaces a role by [`crate::role::grant::may_replace`]; the actor must hold `roles:write`.
    /// The last active, verified admin stays one. Raises the version of every account whose
    /// permissions shrink. Records `RoleReplaced`.
    async fn replace_role(&self, context: &Context, role: Role) -> Ruled<(), AdminRefusal>;

    /// Deletes a role nobody holds by [`crate::role::grant::may_delete`]; the actor must hold
    /// `roles:write`. Records `RoleDeleted`.
    async fn delete_role(&self, context: &Context, name: &RoleName) -> Ruled<(), AdminRefusal>;
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

    /// The latest time in the last 500 rows, each by the clock of who wrote it. What an operator
    /// records counts alone with what came after: so a row of the future is outlived. Asked every
    /// second by every process, so it is one small read.
    async fn latest_recorded(&self) -> StoreResult<Option<UnixTime>>;
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
    /// registration. Records `AccountExpired` for each account. Whoever changes something at the
    /// same time waits for one batch, however much there is.
    async fn sweep(&self, now: UnixTime, policy: &RefreshPolicy) -> StoreResult<Swept>;
}
