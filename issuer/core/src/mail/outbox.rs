//! The outbox as operators see it: what waits, what died of what, and having it tried again.
//!
//! An entry is shown without its recipient and its content, which stay under their seal: whoever
//! reads the list learns that a mail of some kind isn't getting through and why, and neither whose
//! it is nor anything that could be used in their place.

use std::sync::atomic::{AtomicBool, Ordering};

use uuid::Uuid;

use super::MailKind;
use super::request::Unsealed;
use crate::account::AccountId;
use crate::audit::{Context, Origin};
use crate::issuer::Issuer;
use crate::mailed_token::{MailedToken, MailedTokenHash, Purpose};
use crate::names::names;
use crate::ports::outbox::RetryRefusal;
use crate::ports::{StoreError, StoreResult};
use crate::session::LiveSession;
use crate::time::UnixTime;

/// How many messages may wait before nobody new is registered.
const MOST_WAITING: u32 = 100_000;

impl MailKind {
    /// What the token in such a message is for.
    pub(crate) fn carries(self) -> Option<Purpose> {
        match self {
            Self::Verify => Some(Purpose::Verify),
            Self::Reset => Some(Purpose::Reset),
            Self::AddressChange => Some(Purpose::EmailChange),
            Self::AddressChangeNotice => Some(Purpose::EmailUndo),
            Self::Invite => Some(Purpose::Invite),
            Self::AddressTaken
            | Self::ChangeToTaken
            | Self::AddressPutBackNotice
            | Self::ErasedNotice
            | Self::ResetNotice
            | Self::PasswordChangedNotice
            | Self::ReplayNotice
            | Self::VerifyRequest
            | Self::ResetRequest
            | Self::AddressChangeRequest => None,
        }
    }
}

names! {
    /// Whether an entry will be tried again by itself; so called on the wire.
    pub enum OutboxState {
        /// It will.
        Waiting = "waiting",
        /// It won't: it was refused for good, tried too often, or expired.
        Dead = "dead",
    }
}

/// An entry of the outbox, without what is under its seal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OutboxEntry {
    /// Its identity; also in the Message-ID.
    pub id: Uuid,
    /// The account it is for, if it is for one.
    pub account: Option<AccountId>,
    /// What it is about: [`MailKind::as_str`], or the name of a kind of a newer release.
    pub kind: String,
    /// Whether it will be tried again.
    pub state: OutboxState,
    /// When it was put into the outbox.
    pub created_at: UnixTime,
    /// When it is tried next, or would have been.
    pub due_at: UnixTime,
    /// When there is no use in sending it any more.
    pub expires_at: Option<UnixTime>,
    /// How often the server was told of it.
    pub attempts: u32,
    /// What went wrong the last time.
    pub last_error: Option<String>,
}

/// Which entries a list is to hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct OutboxFilter {
    /// Only those of this state.
    pub state: Option<OutboxState>,
    /// Only those of this kind.
    pub kind: Option<MailKind>,
}

/// A place in the list. It stays where it was when its entry goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OutboxPlace {
    /// When the entry was put into the outbox.
    pub created_at: UnixTime,
    /// Which of that second.
    pub id: Uuid,
}

impl OutboxEntry {
    /// Where it is in the list.
    #[must_use]
    pub fn place(&self) -> OutboxPlace {
        OutboxPlace {
            created_at: self.created_at,
            id: self.id,
        }
    }
}

/// Why a message isn't tried again.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// The rules refuse it.
    #[error(transparent)]
    Refused(#[from] RetryRefusal),
    /// It can't be read, so it can't be sent.
    #[error("the message doesn't open under the master key")]
    Unreadable,
    /// The store doesn't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the worker saw of the outbox the last time it looked: whether it is full.
#[derive(Debug, Default)]
pub(crate) struct Fullness(AtomicBool);

impl Fullness {
    pub(crate) fn is_full(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Issuer {
    /// Up to `limit` entries of the outbox that match, newest first, those behind `after` only.
    ///
    /// # Errors
    /// When the store doesn't answer.
    pub async fn outbox(
        &self,
        filter: &OutboxFilter,
        after: Option<OutboxPlace>,
        limit: u32,
    ) -> StoreResult<Vec<OutboxEntry>> {
        self.store.outbox(filter, after, limit).await
    }

    /// Has a message tried again at once, as an admin asks.
    ///
    /// # Errors
    /// See [`RetryError`].
    pub async fn retry_mail(
        &self,
        origin: &Origin,
        session: &LiveSession,
        id: Uuid,
    ) -> Result<(), RetryError> {
        self.retry(&self.context_of(origin, session), id).await
    }

    /// The same as whoever runs the command line asks.
    ///
    /// # Errors
    /// See [`RetryError`].
    pub async fn retry_mail_as_operator(&self, id: Uuid) -> Result<(), RetryError> {
        self.retry(&self.as_operator(), id).await
    }

    /// What is in the message stays as it is, so whether its token is good is asked in the
    /// transaction of the change.
    async fn retry(&self, context: &Context, id: Uuid) -> Result<(), RetryError> {
        let mail = self.store.waiting_or_dead(id).await?;
        let mail = mail.ok_or(RetryRefusal::NotFound)?;
        let token = match self.unseal(&mail) {
            Err(_) => return Err(RetryError::Unreadable),
            Ok(Unsealed::Request(_)) => None,
            Ok(Unsealed::Message(message)) => token_in(message.kind, message.token.as_deref()),
        };
        Ok(self.store.retry_mail(context, id, token.as_ref()).await??)
    }

    /// Looks whether the outbox is full. The bound is a rough one, so nobody waits for the look.
    pub(crate) async fn measure_outbox(&self) -> StoreResult<()> {
        let is_full = self.store.outbox_holds(MOST_WAITING).await?;
        if is_full && !self.outbox_fullness.is_full() {
            tracing::error!(
                most = MOST_WAITING,
                "the outbox is full: nobody new is registered until mail gets through"
            );
        }
        self.outbox_fullness.0.store(is_full, Ordering::Relaxed);
        Ok(())
    }
}

/// The hash of the token that a message carries, as the store has it while it is good.
fn token_in(kind: MailKind, token: Option<&str>) -> Option<MailedTokenHash> {
    let token = MailedToken::parse(token?)?;
    kind.carries().map(|purpose| token.hash(purpose))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::OperatingSystem;

    #[test]
    fn the_token_in_a_message_is_known_by_what_it_is_for() {
        let token = MailedToken::generate(&OperatingSystem);
        let text = token.reveal();
        let found = token_in(MailKind::Reset, Some(&text));
        assert!(found == Some(token.hash(Purpose::Reset)));
        assert!(token_in(MailKind::ResetNotice, Some(&text)).is_none());
        assert!(token_in(MailKind::Reset, Some("x")).is_none());
        assert!(token_in(MailKind::Reset, None).is_none());
    }
}
