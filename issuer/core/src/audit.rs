//! The audit trail: one row for each change, in the change's own transaction, chained by hashes so
//! that an edited, removed or reordered row shows.
//!
//! Rows stay for ever, and what they say of a person must be able to go: so a row names accounts by
//! their random ids, and the client's address isn't in it. The row holds a commitment to the
//! address ([`chain`]); the address itself is kept beside it, as long as its owner is.
//!
//! To record a new kind of change, add an [`Action`]; the store operation that makes the change
//! calls [`Context::event`] and writes the row with it.

pub mod chain;
pub mod read;
pub mod verification;

use serde_json::Value;
use uuid::Uuid;

pub use chain::{Placed, Recorded};

use crate::account::AccountId;
use crate::names::names;
use crate::time::UnixTime;

/// Who asks for a change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Actor {
    /// Somebody who isn't known (yet).
    Anonymous,
    /// Somebody who is logged in.
    Account(AccountId),
    /// Whoever runs the command line on the issuer's machine; may do everything.
    Operator,
    /// The issuer itself.
    System,
}

impl Actor {
    /// The name in the trail.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Anonymous => "anonymous".to_owned(),
            Self::Account(id) => id.to_string(),
            Self::Operator => "operator".to_owned(),
            Self::System => "system".to_owned(),
        }
    }
}

/// Where a request came from.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Origin {
    /// The client's address.
    pub ip: Option<std::net::IpAddr>,
    /// The client's `User-Agent`, at most 256 bytes.
    pub user_agent: Option<String>,
    /// The id in the answer's `x-request-id`.
    pub request_id: Option<String>,
}

/// When, by whom and from where: what every change is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Context {
    /// The time of the change.
    pub now: UnixTime,
    /// Who asks.
    pub actor: Actor,
    /// From where.
    pub origin: Origin,
}

impl Context {
    /// A context without a request behind it.
    #[must_use]
    pub fn internal(now: UnixTime, actor: Actor) -> Self {
        Self {
            now,
            actor,
            origin: Origin::default(),
        }
    }

    /// The event of one change in this context.
    #[must_use]
    pub fn event(&self, action: Action, subject: Option<AccountId>, detail: Value) -> Event {
        Event {
            at: self.now,
            actor: self.actor.describe(),
            action: action.as_str().to_owned(),
            subject: subject.map(|id| id.to_string()),
            detail: detail.to_string(),
            ip: self.origin.ip.map(|ip| ip.to_string()),
            request_id: self.origin.request_id.clone(),
            registration: None,
        }
    }
}

names! {
    /// What happened; so called in the trail.
    pub enum Action {
        /// Somebody asked for an account.
        RegistrationRequested = "registration.requested",
        /// A new verification mail was asked for.
        VerificationResent = "registration.resent",
        /// A registration became an account.
        RegistrationVerified = "registration.verified",
        /// An operator or the setup link created an account.
        AccountCreated = "account.created",
        /// An operator brought the account along from another system.
        AccountImported = "account.imported",
        /// Somebody was invited, or invited again.
        AccountInvited = "account.invited",
        /// An invite was accepted: the account is its owner's.
        InviteAccepted = "invite.accepted",
        /// The owner of an account proved the mailbox after it was made.
        AccountVerified = "account.verified",
        /// An account went because nobody accepted its invite, or nobody ever used it.
        AccountExpired = "account.expired",
        /// The name was changed.
        AccountRenamed = "account.renamed",
        /// A change of address was asked for.
        AddressChangeRequested = "address.change_requested",
        /// What was asked for was taken back before it was confirmed.
        AddressChangeCancelled = "address.change_cancelled",
        /// The address was changed.
        AddressChanged = "address.changed",
        /// An earlier address was put back.
        AddressPutBack = "address.put_back",
        /// An admin suspended the account.
        AccountSuspended = "account.suspended",
        /// An admin activated the account again.
        AccountActivated = "account.activated",
        /// The account's roles were replaced.
        AccountRolesSet = "account.roles_set",
        /// A session began.
        SessionOpened = "session.opened",
        /// A session proved its password again.
        SessionReauthenticated = "session.reauthenticated",
        /// A session was ended by its owner or an admin.
        SessionEnded = "session.ended",
        /// A refresh token was presented once more within the grace.
        RefreshRepeated = "refresh.repeated",
        /// A used refresh token came back; its session ended.
        RefreshReplayed = "refresh.replayed",
        /// A refresh token of the future came; its session ended.
        RefreshFromFuture = "refresh.from_future",
        /// A reset mail was asked for.
        ResetRequested = "password.reset_requested",
        /// The password was set with a mailed token.
        PasswordReset = "password.reset",
        /// The password was changed by its owner.
        PasswordChanged = "password.changed",
        /// A role was created.
        RoleCreated = "role.created",
        /// A role was changed.
        RoleReplaced = "role.replaced",
        /// A role was deleted.
        RoleDeleted = "role.deleted",
        /// Signing and MAC keys were made for an empty store.
        KeysCreated = "keys.created",
        /// A signing key was published that will sign.
        KeyPublished = "keys.published",
        /// The published key began to sign, and the one before it stopped.
        KeyRotated = "keys.rotated",
        /// A signing key is published no more.
        KeyRemoved = "keys.removed",
        /// A signing key was taken away, and its tokens are refused.
        KeyRevoked = "keys.revoked",
        /// An operator brought a signing key along.
        KeyImported = "keys.imported",
        /// A new key makes refresh tokens.
        MacKeyAdded = "keys.mac_added",
        /// A key of refresh tokens that can't be in use any more was forgotten.
        MacKeyRemoved = "keys.mac_removed",
        /// What another master key had sealed was sealed anew.
        KeysResealed = "keys.resealed",
        /// The store went back in time and began a new life.
        StoreRestored = "store.restored",
        /// An admin had a message tried again.
        MailRetried = "mail.retried",
        /// A part of a process failed, which goes on without it.
        ServiceDegraded = "service.degraded",
        /// It does its work again.
        ServiceRestored = "service.restored",
        /// A setup link was made.
        SetupLinkIssued = "setup.link_issued",
        /// Somebody got everything that is held about a person.
        AccountExported = "account.exported",
        /// An account was erased, with everything about its person.
        AccountErased = "account.erased",
        /// Somebody took the trail away to read it elsewhere.
        AuditExported = "audit.exported",
    }
}

/// One row of the trail, before it has its place in the chain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Event {
    /// When it happened.
    pub at: UnixTime,
    /// Who asked for it.
    pub actor: String,
    /// What happened: [`Action::as_str`].
    pub action: String,
    /// The account it happened to.
    pub subject: Option<String>,
    /// More, as a JSON object. Never a name, an address or a client's address: the detail of a row
    /// stays when its person is erased.
    pub detail: String,
    /// The client's address, as long as it is kept.
    pub ip: Option<String>,
    /// The request's id.
    pub request_id: Option<String>,
    /// The registration that an event without an account is part of. It isn't in the row; the
    /// client's address goes with it.
    pub registration: Option<Uuid>,
}

/// Whose a client's address is: it is kept as long as they are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AddressOwner {
    /// The account that acted, or that somebody unknown did something to.
    Account(AccountId),
    /// A registration that is no account yet.
    Registration(Uuid),
}

impl Event {
    /// The event as part of a registration.
    #[must_use]
    pub fn of_registration(self, registration: Uuid) -> Self {
        Self {
            registration: Some(registration),
            ..self
        }
    }

    /// Whose the client's address is; an address that is nobody's isn't kept.
    #[must_use]
    pub fn address_owner(&self) -> Option<AddressOwner> {
        let account = |text: &str| Uuid::try_parse(text).ok().map(AccountId);
        account(&self.actor)
            .or_else(|| self.subject.as_deref().and_then(account))
            .map(AddressOwner::Account)
            .or(self.registration.map(AddressOwner::Registration))
    }
}
