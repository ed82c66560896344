//! Mail: what is sent, and how it waits in the outbox.
//!
//! A message is written in [`letter`], in the words of [`catalogue`], sealed under the master key,
//! and put into the outbox by the store, in the same transaction as what it tells of. [`worker`]
//! takes it out again and hands it to a [`MailTransport`].
//!
//! What strangers ask to be mailed to an address waits there first as a [`request`]: whether the
//! address has an account is looked up by the worker, behind the answer.

pub mod catalogue;
pub mod letter;
pub mod outbox;
pub mod reason;
mod recipient;
pub mod request;
mod sealing;
pub mod worker;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::account::AccountId;
use crate::names::names;
use crate::time::UnixTime;

names! {
    /// What waits in the outbox: what a message is about, which decides the wording and which
    /// limits count it, or which message is asked for; so called in the store, in the mailbox and
    /// in metrics.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum MailKind {
        /// Proves the mailbox of a registration.
        Verify = "verify",
        /// Tells the owner of an address that somebody tried to register it.
        AddressTaken = "address_taken",
        /// Carries the token that sets a new password.
        Reset = "reset",
        /// Tells that the password was reset.
        ResetNotice = "reset_notice",
        /// Tells that the password was changed.
        PasswordChangedNotice = "password_changed_notice",
        /// Carries the token that gives an account the address.
        AddressChange = "address_change",
        /// Tells the owner of an address that somebody tried to change to it.
        ChangeToTaken = "change_to_taken",
        /// Tells the old address of a change, and carries the token that takes it back.
        AddressChangeNotice = "address_change_notice",
        /// Tells that a change of address was taken back.
        AddressPutBackNotice = "address_put_back_notice",
        /// Carries the token that accepts an invite.
        Invite = "invite",
        /// Tells that the account is gone.
        ErasedNotice = "erased_notice",
        /// Tells that a used refresh token came back.
        ReplayNotice = "replay_notice",
        /// Asks for a [`MailKind::Verify`]; nothing that is sent.
        VerifyRequest = "verify_request",
        /// Asks for a [`MailKind::Reset`]; nothing that is sent.
        ResetRequest = "reset_request",
        /// Asks for a [`MailKind::AddressChange`]; nothing that is sent.
        AddressChangeRequest = "address_change_request",
    }
}

/// A message ready to be sent.
#[derive(Clone, Serialize, Deserialize)]
pub struct Message {
    /// The recipient, as a mail server takes it.
    pub to: String,
    /// What it is about.
    pub kind: MailKind,
    /// The subject line.
    pub subject: String,
    /// The text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
    /// The link in it.
    pub link: Option<String>,
    /// The token in it.
    pub token: Option<String>,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Message")
    }
}

/// A sealed message or request on its way into the outbox.
#[derive(Clone, Debug)]
pub struct NewMail {
    /// Its identity; also its Message-ID, so that a message sent twice is one message.
    pub id: Uuid,
    /// What it is about.
    pub kind: MailKind,
    /// The sealed message.
    pub sealed: Vec<u8>,
    /// The master key it is sealed under.
    pub master_key: String,
    /// When there is no use in sending it any more.
    pub expires_at: Option<UnixTime>,
    /// Whose it is: it goes unsent with the account. None for what is to be sent all the same.
    pub account: Option<AccountId>,
}

/// A message taken from the outbox under a lease.
#[derive(Clone, Debug)]
pub struct QueuedMail {
    /// Its identity.
    pub id: Uuid,
    /// The sealed message.
    pub sealed: Vec<u8>,
    /// The master key it is sealed under.
    pub master_key: String,
    /// How often it was tried before this time.
    pub attempts: u32,
    /// When it was put into the outbox.
    pub created_at: UnixTime,
    /// When there is no use in sending it any more.
    pub expires_at: Option<UnixTime>,
}

/// Why a message could not be handed over.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DeliveryError {
    /// The server can't be used, which says nothing about the message: it didn't hear of it.
    #[error("{0}")]
    Unavailable(String),
    /// It may go better later.
    #[error("{0}")]
    Transient(String),
    /// It will never go: the recipient was refused for good.
    #[error("{0}")]
    Permanent(String),
}

/// Where messages go: an SMTP server, or local mode's mailbox.
#[async_trait::async_trait]
pub trait MailTransport: Send + Sync {
    /// Hands one message over. `id` stays the same when it is tried again.
    async fn deliver(
        &self,
        id: Uuid,
        created_at: UnixTime,
        message: &Message,
    ) -> Result<(), DeliveryError>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::Named as _;

    #[test]
    fn a_kind_is_called_the_same_in_a_message_and_beside_it() {
        for kind in MailKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
