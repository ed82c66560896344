//! Where the mails of a test end up.

use std::sync::Mutex;

use signet_core::mail::{DeliveryError, MailTransport, Message};
use signet_core::time::UnixTime;
use uuid::Uuid;

/// Every message that was sent, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Inbox(Mutex<Vec<Message>>);

impl Inbox {
    /// The messages to an address.
    pub(crate) fn messages(&self, to: &str) -> Vec<Message> {
        let messages = self.0.lock().unwrap();
        messages
            .iter()
            .filter(|one| one.to == to)
            .cloned()
            .collect()
    }
}

#[async_trait::async_trait]
impl MailTransport for Inbox {
    async fn deliver(&self, _: Uuid, _: UnixTime, message: &Message) -> Result<(), DeliveryError> {
        self.0.lock().unwrap().push(message.clone());
        Ok(())
    }
}
