//! Everything that is held about a person, for them to read.

use super::{Account, AccountId};
use crate::account::admin::AdminError;
use crate::audit::{Context, Origin, Recorded};
use crate::email::EmailAddress;
use crate::issuer::Issuer;
use crate::mail::MailKind;
use crate::password::PasswordHash;
use crate::ports::{AdminRefusal, StoreResult};
use crate::session::{LiveSession, Session};
use crate::time::UnixTime;

/// Everything that is held about a person, as it was at one moment.
#[derive(Clone, Debug)]
pub struct Held {
    /// The account, with its roles.
    pub account: Account,
    /// Its password, of which nobody gets more to see than how it is kept.
    pub password: PasswordHash,
    /// Its sessions, those that ended included.
    pub sessions: Vec<HeldSession>,
    /// What waits for its address to be proven, whoever asked for it.
    pub registrations: Vec<HeldRegistration>,
    /// Tokens that were mailed and not used.
    pub mailed_tokens: Vec<HeldToken>,
    /// Mail to it that wasn't sent.
    pub mail: Vec<HeldMail>,
    /// How many wrong passwords for its address are remembered.
    pub failed_guesses: u64,
    /// What the trail says it did, and what happened to it.
    pub trail: Vec<Recorded>,
}

/// A session, live or ended.
#[derive(Clone, Debug)]
pub struct HeldSession {
    /// What its owner sees in the list.
    pub session: Session,
    /// How often it was refreshed, where the database counts that.
    pub refreshes: Option<u32>,
    /// When the password was last proven in it.
    pub authenticated_at: UnixTime,
    /// When it was ended.
    pub ended_at: Option<UnixTime>,
    /// Whom its tokens are for.
    pub audience: String,
    /// Whom they are issued to.
    pub client: String,
}

/// A registration that nobody has proven.
#[derive(Clone, Debug)]
pub struct HeldRegistration {
    /// The address as it was typed.
    pub email: String,
    /// The name it asks for.
    pub name: Option<String>,
    /// When it was asked for.
    pub created_at: UnixTime,
    /// When it goes.
    pub expires_at: UnixTime,
}

/// A mailed token that is good.
#[derive(Clone, Debug)]
pub struct HeldToken {
    /// What it allows.
    pub purpose: String,
    /// The address that a change of address, or its undo, leads to.
    pub leads_to: Option<String>,
    /// When it goes.
    pub expires_at: UnixTime,
}

/// A message that waits.
#[derive(Clone, Debug)]
pub struct HeldMail {
    /// What it is about.
    pub kind: String,
    /// When it was written.
    pub created_at: UnixTime,
    /// When it is tried next.
    pub due_at: UnixTime,
    /// When there is no use in it any more.
    pub expires_at: Option<UnixTime>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up.
    pub abandoned_at: Option<UnixTime>,
    /// What the mail server said.
    pub last_error: Option<String>,
}

impl Held {
    /// Who asked for what a row of the trail tells, as far as that is this person's to know: of
    /// somebody else, nothing but that it was somebody else.
    #[must_use]
    pub fn actor_of<'a>(&self, row: &'a Recorded) -> &'a str {
        let actor = row.event.actor.as_str();
        match actor {
            "anonymous" | "operator" | "system" => actor,
            _ if self.is_by_itself(row) => "account",
            _ => "another account",
        }
    }

    /// The client's address of a row, where it isn't somebody else's.
    #[must_use]
    pub fn address_of<'a>(&self, row: &'a Recorded) -> Option<&'a str> {
        let is_ours = self.is_by_itself(row) || self.actor_of(row) == "anonymous";
        row.event.ip.as_deref().filter(|_| is_ours)
    }

    fn is_by_itself(&self, row: &Recorded) -> bool {
        row.event.actor == self.account.id.to_string()
    }

    /// The same without the letter to an address that the person asked to change to. Where somebody
    /// has that address, they get another letter: so whether this one waits would tell who has an
    /// account. That a change is asked for is told in either case, by its token.
    fn without_mail_to_others(mut self) -> Self {
        let to_others = MailKind::AddressChange.as_str();
        self.mail.retain(|mail| mail.kind != to_others);
        self
    }
}

impl Issuer {
    /// Everything that is held about the session's person; needs a fresh login.
    ///
    /// # Errors
    /// See [`AdminError`].
    pub async fn export(&self, origin: &Origin, session: &LiveSession) -> Result<Held, AdminError> {
        self.require_fresh(session)?;
        let context = self.context_of(origin, session);
        let held = self.export_of(&context, session.account.id).await?;
        Ok(held.ok_or(AdminRefusal::NotFound)?)
    }

    /// Everything that is held about a person, for an operator who has to answer them; `None` where
    /// there is no such account.
    ///
    /// # Errors
    /// When the store doesn't answer.
    pub async fn export_as_operator(&self, id: AccountId) -> StoreResult<Option<Held>> {
        let context = self.as_operator();
        self.export_of(&context, id).await
    }

    async fn export_of(&self, context: &Context, id: AccountId) -> StoreResult<Option<Held>> {
        let guesses = |email: &EmailAddress| self.guess_keys().address(email);
        let held = self.store.export(context, id, &guesses).await?;
        Ok(held.map(Held::without_mail_to_others))
    }
}
