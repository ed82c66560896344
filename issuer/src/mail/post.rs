//! Where mail goes, as the settings say, and what the log is told of it on its way.

use std::sync::Arc;

use async_trait::async_trait;
use lettre::transport::smtp::extension::ClientId;
use signet_core::mail::{DeliveryError, MailTransport, Message};
use signet_core::time::UnixTime;
use uuid::Uuid;

use super::mailbox::Mailbox;
use super::smtp::{Smtp, TlsError};
use crate::config::MailSettings;

/// Where mail goes.
#[derive(Debug)]
pub enum Post {
    /// Into the mailbox of local mode.
    Mailbox(Arc<Mailbox>),
    /// To a mail server.
    Smtp(Box<Smtp>),
}

impl Post {
    /// Where the settings have it go.
    ///
    /// # Errors
    /// When this machine can't speak TLS.
    pub fn new(settings: &MailSettings) -> Result<Self, TlsError> {
        match settings {
            MailSettings::Mailbox => Ok(Self::Mailbox(Arc::default())),
            MailSettings::Smtp(smtp) => {
                let hello = ClientId::Domain(smtp.hello.clone());
                let smtp = Smtp::new(smtp.server.clone(), smtp.from.clone(), hello)?;
                Ok(Self::Smtp(Box::new(smtp)))
            }
        }
    }

    /// The mailbox, if it is one.
    #[must_use]
    pub fn mailbox(&self) -> Option<Arc<Mailbox>> {
        match self {
            Self::Mailbox(mailbox) => Some(Arc::clone(mailbox)),
            Self::Smtp(_) => None,
        }
    }
}

#[async_trait]
impl MailTransport for Post {
    /// Hands a message over, and tells the log if that fails.
    async fn deliver(
        &self,
        id: Uuid,
        created_at: UnixTime,
        message: &Message,
    ) -> Result<(), DeliveryError> {
        let delivered = match self {
            Self::Mailbox(mailbox) => mailbox.deliver(id, created_at, message).await,
            Self::Smtp(smtp) => smtp.deliver(id, created_at, message).await,
        };
        let kind = message.kind.as_str();
        match &delivered {
            Ok(()) => tracing::debug!(%id, kind, "a mail was handed over"),
            Err(DeliveryError::Unavailable(error)) => {
                tracing::error!(error, "the mail server can't be used: all mail waits");
            }
            Err(DeliveryError::Transient(error)) => {
                tracing::warn!(%id, kind, error, "a mail could not be sent now");
            }
            Err(DeliveryError::Permanent(error)) => {
                tracing::error!(%id, kind, error, "a mail will never be sent");
            }
        }
        delivered
    }
}
