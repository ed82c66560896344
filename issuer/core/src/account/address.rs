//! Changing one's address: asked for with the password, confirmed from the new mailbox, undone from
//! the old one.
//!
//! Asking changes nothing. What is asked for waits in the outbox as a [`crate::mail::request`], so
//! that neither the answer nor its time says whether somebody has the new address; the worker has
//! the letters written by what it finds then. Whoever follows the mail to the new address shows that
//! they read it, which is all that a change needs; the mail to the old address lets its reader take
//! everything back for three days. Why the two are unequal is told in
//! docs/adr/0025-an-address-can-be-taken-back.md.

use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Account, AccountId};
use crate::audit::{Actor, Context, Origin};
use crate::email::EmailAddress;
use crate::issuer::Issuer;
use crate::limit::{Exceeded, LimitKey, LimitSubject};
use crate::mail::request::Asked;
use crate::mailed_token::{NewMailedToken, Purpose};
use crate::password::Password;
use crate::ports::addresses::{AskedChange, ChangeLetters, UndoEffects, Undone};
use crate::ports::{StoreError, StoreResult};
use crate::session::LiveSession;
use crate::session::reauthenticate::ReauthenticateError;

/// Why a change of address can't be asked for. That somebody has the address is not among the
/// reasons.
#[derive(Debug, thiserror::Error)]
pub enum AskForChangeError {
    /// The password isn't proven.
    #[error(transparent)]
    Reauthenticate(#[from] ReauthenticateError),
    /// It is the address that the account has.
    #[error("is the address of this account already")]
    SameAddress,
    /// Too many changes were asked for.
    #[error("too many changes of address")]
    RateLimited {
        /// Seconds until the next try.
        retry_after: u32,
    },
    /// The store doesn't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Exceeded> for AskForChangeError {
    fn from(exceeded: Exceeded) -> Self {
        Self::RateLimited {
            retry_after: exceeded.retry_after,
        }
    }
}

/// Why an address isn't changed, or isn't taken back.
#[derive(Debug, thiserror::Error)]
pub enum ChangeAddressError {
    /// The token is unknown, used, expired or voided, or the address was taken meanwhile.
    #[error("the token is not valid")]
    InvalidToken,
    /// The store doesn't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the token of a mail was for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Settled {
    /// It led to the new address.
    Changed,
    /// It led back to the old address, or kept it.
    Undone(Undone),
}

impl Issuer {
    /// Has a token mailed to the new address, or, where somebody has it, tells them; tells the old
    /// address in either case. Nothing in the answer or its time says which.
    ///
    /// # Errors
    /// See [`AskForChangeError`].
    pub async fn ask_for_address_change(
        &self,
        origin: &Origin,
        session: &LiveSession,
        email: &EmailAddress,
        password: Password,
    ) -> Result<(), AskForChangeError> {
        let account = &session.account;
        self.prove_again(session, password).await?;
        if email.canonical() == account.email.canonical() {
            return Err(AskForChangeError::SameAddress);
        }
        self.take_from_change_budget(account.id).await?;
        // Without a mail to the new address nothing is begun: an earlier change stays good, and
        // there is nothing to warn the old address of.
        if self.may_send_other_mail(email).await {
            let asked = Asked::AddressChange {
                account: account.id.0,
                device_epoch: account.device_epoch,
            };
            self.ask_for_mail(asked, email, origin).await?;
        }
        Ok(())
    }

    /// Each change that is asked for writes to the old address, which no recipient's budget keeps
    /// from it; so an account has a budget of its own.
    async fn take_from_change_budget(&self, account: AccountId) -> Result<(), Exceeded> {
        let key = LimitKey {
            class: "address_change",
            subject: LimitSubject::Person(self.guess_keys().account(account)),
        };
        let quota = self.settings.limits.address_changes;
        self.limiter.take(&key, quota).await.map(|_| ())
    }

    /// Does what a request for a change asks for; false where it isn't asked for any more.
    pub(crate) async fn issue_address_change(
        &self,
        context: &Context,
        request: Uuid,
        account: AccountId,
        device_epoch: u64,
        email: EmailAddress,
    ) -> StoreResult<bool> {
        let issue = |purpose| NewMailedToken::issue(purpose, context.now, &*self.randomness);
        let (change_token, change) = issue(Purpose::EmailChange);
        let (undo_token, undo) = issue(Purpose::EmailUndo);
        let (good_until, undone_until) = (change.expires_at, undo.expires_at);
        let to_new = email.clone();
        let letters = move |account: &Account| {
            let name = account.name_in_mail();
            let change = self.letters.address_change(&to_new, &change_token);
            let taken = self.letters.change_to_taken(&to_new);
            let notice = self
                .letters
                .address_change_notice(&account.email, name, &undo_token);
            ChangeLetters {
                change: self.seal(&change, Some(account.id), Some(good_until)),
                taken: self.seal(&taken, None, Some(good_until)),
                notice: self.seal(&notice, Some(account.id), Some(undone_until)),
            }
        };
        let asked = AskedChange {
            account,
            device_epoch,
            email,
            change,
            undo,
        };
        self.store
            .issue_address_change(context, request, asked, &letters)
            .await
    }

    /// Changes the address with the token from the new mailbox. Sessions stay.
    ///
    /// # Errors
    /// See [`ChangeAddressError`].
    pub async fn change_address(
        &self,
        origin: &Origin,
        token: &Zeroizing<String>,
    ) -> Result<(), ChangeAddressError> {
        let token = self
            .mailed_token(token)?
            .ok_or(ChangeAddressError::InvalidToken)?;
        let hash = token.hash(Purpose::EmailChange);
        let context = self.context(origin, Actor::Anonymous);
        let guesses = |email: &EmailAddress| self.guess_keys().address(email);
        match self.store.change_address(&context, &hash, &guesses).await? {
            true => Ok(()),
            false => Err(ChangeAddressError::InvalidToken),
        }
    }

    /// Takes a change back with the token from the old mailbox: before it was confirmed, it is void;
    /// after that, the address is put back, all sessions and devices are over, and both addresses
    /// are told.
    ///
    /// # Errors
    /// See [`ChangeAddressError`].
    pub async fn undo_address_change(
        &self,
        origin: &Origin,
        token: &Zeroizing<String>,
    ) -> Result<Undone, ChangeAddressError> {
        let token = self
            .mailed_token(token)?
            .ok_or(ChangeAddressError::InvalidToken)?;
        let hash = token.hash(Purpose::EmailUndo);
        let context = self.context(origin, Actor::Anonymous);
        let effects = |account: &Account, restored: &EmailAddress| {
            let notice = |to: &EmailAddress| {
                let letter = self.letters.address_put_back(to, account.name_in_mail());
                self.seal(&letter, Some(account.id), None)
            };
            UndoEffects {
                clears: self.guess_keys().address(restored),
                notices: [notice(restored), notice(&account.email)],
            }
        };
        self.store
            .undo_address_change(&context, &hash, &effects)
            .await?
            .ok_or(ChangeAddressError::InvalidToken)
    }

    /// Does what the token of either mail is for: what a page does, which has one field for both.
    ///
    /// # Errors
    /// See [`ChangeAddressError`].
    pub async fn settle_address_change(
        &self,
        origin: &Origin,
        token: &Zeroizing<String>,
    ) -> Result<Settled, ChangeAddressError> {
        match self.change_address(origin, token).await {
            Ok(()) => Ok(Settled::Changed),
            Err(ChangeAddressError::InvalidToken) => self
                .undo_address_change(origin, token)
                .await
                .map(Settled::Undone),
            Err(error @ ChangeAddressError::Store(_)) => Err(error),
        }
    }
}
