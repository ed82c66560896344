//! Accounts that another system had, with the passwords they had there.
//!
//! A hash that came along is checked as it came, against the password as it is typed; the first
//! right login replaces it by one of Signet's own ([`crate::password::hasher`]). An account without
//! one is given a password by a reset. Where the address is not known to be its owner's, so is one
//! with a password: nobody logs in before the mailbox is proven.
//!
//! Whoever runs an import again gets what is missing, and nothing twice: what is there stays as it
//! is.

use std::collections::BTreeSet;

use super::{AccountId, AccountStatus, DisplayName};
use crate::email::EmailAddress;
use crate::issuer::Issuer;
use crate::password::PasswordHash;
use crate::ports::StoreResult;
use crate::role::RoleName;
use crate::time::UnixTime;

/// An account as another system had it.
#[derive(Clone, Debug)]
pub struct AccountElsewhere {
    /// The identity it is to keep; a new one where there is none.
    pub id: Option<AccountId>,
    /// Where its mail goes.
    pub email: EmailAddress,
    /// Whether the other system had the mailbox proven.
    pub email_verified: bool,
    /// What its owner wants to be called.
    pub name: Option<DisplayName>,
    /// Its hash, or [`PasswordHash::none`].
    pub password: PasswordHash,
    /// Its roles here.
    pub roles: BTreeSet<RoleName>,
    /// Whether it may be used.
    pub status: AccountStatus,
    /// When it was created; now where nobody knows.
    pub created_at: Option<UnixTime>,
}

/// An account on its way into the store.
#[derive(Clone, Debug)]
pub struct ImportedAccount {
    /// Its identity.
    pub id: AccountId,
    /// When it was created.
    pub created_at: UnixTime,
    /// The rest. Its own `id` and `created_at` are what they were.
    pub account: AccountElsewhere,
}

/// Whether an import is meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ImportMode {
    /// It is.
    Keep,
    /// It only says what would come of it.
    Rehearse,
}

/// What came of one account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ImportOutcome {
    /// It is there now.
    Imported,
    /// There is an account with its address, which stays as it is.
    AddressTaken,
    /// There is an account with its identity and another address.
    IdTaken,
    /// It has a role that doesn't exist.
    UnknownRole(RoleName),
}

impl Issuer {
    /// Imports accounts, all in one step of the store, so few that nobody waits long for them: a
    /// hundred or so. Answers what came of each.
    ///
    /// # Errors
    /// When the store doesn't answer; none of them is there then.
    pub async fn import_accounts_as_operator(
        &self,
        accounts: Vec<AccountElsewhere>,
        mode: ImportMode,
    ) -> StoreResult<Vec<ImportOutcome>> {
        let context = self.as_operator();
        let accounts: Vec<ImportedAccount> = accounts
            .into_iter()
            .map(|account| ImportedAccount {
                id: account
                    .id
                    .unwrap_or_else(|| AccountId(self.randomness.uuid())),
                created_at: account.created_at.unwrap_or(context.now),
                account,
            })
            .collect();
        self.store.import_accounts(&context, &accounts, mode).await
    }
}
