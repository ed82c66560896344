//! Accounts: who somebody is, independent of how they prove it.

pub mod address;
pub mod admin;
pub mod erase;
pub mod export;
pub mod import;
pub mod invite;
pub mod operate;
pub mod profile;
pub mod register;
pub mod setup;

use std::collections::BTreeSet;
use std::fmt;

use unicode_normalization::UnicodeNormalization as _;
use uuid::Uuid;

use crate::email::EmailAddress;
use crate::names::names;
use crate::password::PasswordHash;
use crate::role::RoleName;
use crate::time::UnixTime;

/// Identifies an account for ever; the `sub` of its tokens.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AccountId(pub Uuid);

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

names! {
    /// Whether an account may be used; so called in the store and in the API.
    pub enum AccountStatus {
        /// It may.
        Active = "active",
        /// An admin stopped it.
        Suspended = "suspended",
        /// It waits for somebody to accept an invite; nobody can do anything with it until then.
        Invited = "invited",
    }
}

impl AccountStatus {
    /// Reads what a store in SQL keeps. An invited account is a suspended one with an invite there,
    /// so that whatever knows nothing of invites lets nobody in.
    #[must_use]
    pub fn from_stored(column: &str, has_invite: bool) -> Option<Self> {
        match (Self::parse(column)?, has_invite) {
            (Self::Suspended, true) => Some(Self::Invited),
            (status @ (Self::Active | Self::Suspended), _) => Some(status),
            (Self::Invited, _) => None,
        }
    }
}

/// Whether who registers must prove to read the mailbox before the account is of any use.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum EmailVerification {
    /// They must: until then there is no account, only a registration.
    #[default]
    Required,
    /// The account is there at once, and may be used; its roles count once the mailbox is proven.
    Optional,
}

/// What a person wants to be called: 1 to 100 code points without control characters, in NFC.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DisplayName(String);

/// Text that can't be a [`DisplayName`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("must be 1 to 100 characters, without control characters or spaces at the ends")]
pub struct DisplayNameError;

impl DisplayName {
    /// Reads a name.
    ///
    /// # Errors
    /// When it is empty, too long, padded, or has a control or direction-changing character.
    pub fn parse(text: &str) -> Result<Self, DisplayNameError> {
        let name: String = text.nfc().collect();
        let fits = (1..=100).contains(&name.chars().count());
        let padded = name.trim() != name;
        if !fits || padded || name.chars().any(is_unprintable) {
            return Err(DisplayNameError);
        }
        Ok(Self(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Control characters, line and paragraph separators, and those that change the direction of text.
pub(crate) fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{200E}' | '\u{200F}' | '\u{FEFF}'
        )
        || ('\u{202A}'..='\u{202E}').contains(&c)
        || ('\u{2066}'..='\u{2069}').contains(&c)
}

/// An account as the store holds it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Account {
    /// Its identity.
    pub id: AccountId,
    /// Where its mail goes; unique in its canonical form.
    pub email: EmailAddress,
    /// Whether somebody proved to read that mailbox.
    pub email_verified: bool,
    /// What its owner wants to be called.
    pub name: Option<DisplayName>,
    /// Whether it may be used.
    pub status: AccountStatus,
    /// Counts changes that must bite at once; in every token as `ver`.
    pub version: u64,
    /// Counts what voids the devices that once logged in: reset, change of password, suspension,
    /// an address that was put back. Whatever sets another password must raise it: a hash that is
    /// another one by the same count is known to be of the same password, made anew by a login.
    pub device_epoch: u64,
    /// The roles it was given, without the `user` that everyone has.
    pub roles: BTreeSet<RoleName>,
    /// When it was created.
    pub created_at: UnixTime,
    /// When somebody last logged in.
    pub last_login_at: Option<UnixTime>,
}

impl Account {
    /// What its owner is called in a mail to its own address. Nothing before somebody proved to read
    /// the mailbox: a stranger may have chosen the name, for what others would read in it.
    #[must_use]
    pub fn name_in_mail(&self) -> Option<&DisplayName> {
        self.name.as_ref().filter(|_| self.email_verified)
    }

    /// The roles that count. None do before somebody proved to read the mailbox: whoever gave them
    /// meant the owner of the address, and that may be somebody else.
    #[must_use]
    pub fn roles_in_force(&self) -> &BTreeSet<RoleName> {
        static NONE: BTreeSet<RoleName> = BTreeSet::new();
        if self.email_verified {
            &self.roles
        } else {
            &NONE
        }
    }
}

/// An account that doesn't exist yet.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Its identity.
    pub id: AccountId,
    /// Where its mail goes.
    pub email: EmailAddress,
    /// Whether the mailbox is proven already.
    pub email_verified: bool,
    /// What its owner wants to be called.
    pub name: Option<DisplayName>,
    /// Its password.
    pub password: PasswordHash,
    /// The roles it gets.
    pub roles: BTreeSet<RoleName>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_printable_lines() {
        for good in ["Ada", "Ada Lovelace", "阿達", "O'Brien-Smith"] {
            assert_eq!(DisplayName::parse(good).unwrap().as_str(), good);
        }
        let long = "a".repeat(101);
        for bad in ["", " Ada", "Ada\r\nBcc: x", "a\0b", "a\u{202E}b", &long] {
            assert_eq!(DisplayName::parse(bad), Err(DisplayNameError), "{bad:?}");
        }
    }
}
