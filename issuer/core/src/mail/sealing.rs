//! The seal under which everything waits in the outbox: whoever reads the store learns neither whom
//! a message is to nor what is in it.

use serde::Serialize;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::request::Unsealed;
use super::{MailKind, Message, NewMail, QueuedMail};
use crate::account::AccountId;
use crate::issuer::Issuer;
use crate::signing::seal::{OpenError, Sealed};
use crate::time::UnixTime;

impl Issuer {
    /// Seals a message for the outbox: one to an `account`, or to somebody who has none.
    pub(crate) fn seal(
        &self,
        message: &Message,
        account: Option<AccountId>,
        expires_at: Option<UnixTime>,
    ) -> NewMail {
        let mail = self.seal_for_outbox(message.kind, message, expires_at);
        NewMail { account, ..mail }
    }

    /// Seals what is to wait in the outbox.
    pub(super) fn seal_for_outbox(
        &self,
        kind: MailKind,
        content: &impl Serialize,
        expires_at: Option<UnixTime>,
    ) -> NewMail {
        let id = self.randomness.uuid();
        NewMail {
            id,
            kind,
            sealed: self.sealed_bytes(id, content),
            master_key: self.master_keys.current().id().to_owned(),
            expires_at,
            account: None,
        }
    }

    /// Neither step fails for what the outbox holds; if one did, the worker would keep the empty
    /// value as a dead letter that says so.
    fn sealed_bytes(&self, id: Uuid, content: &impl Serialize) -> Vec<u8> {
        let plain = Zeroizing::new(serde_json::to_vec(content).unwrap_or_default());
        self.master_keys
            .seal(Sealed::Mail, &id.to_string(), &plain, &*self.randomness)
            .unwrap_or_default()
    }

    /// What is under the seal of an entry.
    pub(super) fn unseal(&self, mail: &QueuedMail) -> Result<Unsealed, OpenError> {
        let name = mail.id.to_string();
        let plain = self
            .master_keys
            .open(Sealed::Mail, &name, &mail.master_key, &mail.sealed)?;
        serde_json::from_slice(&plain).map_err(|_| OpenError::Changed)
    }
}
