//! Sending mail by SMTP (RFC 5321), over TLS with a certificate that is always checked.
//!
//! A message goes through a [`conversation`] on a connection of its own ([`wire`]): what one server
//! or one slow answer does to a message can't reach the next one, and a few connections a second
//! are nothing to a mail server. What goes wrong there is a [`fault`], which knows whether it
//! concerns the message, its recipient, or all mail.

mod conversation;
pub mod fault;
mod wire;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use signet_core::mail::{DeliveryError, MailTransport, Message};
use signet_core::time::UnixTime;
use uuid::Uuid;

use self::conversation::Progress;
pub use self::conversation::Step;
use self::fault::{Cause, Fault, Stage};
use self::wire::Tls;
pub use self::wire::{Certificate, TlsError};
use super::mime::{self, Content};

/// How long one message may take, from the first packet to the server's word on it. A batch of the
/// outbox fits into its lease with it, and a tick with one message into a minute.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a server may take over its goodbye.
const FAREWELL: Duration = Duration::from_secs(1);

/// How the way to a server is protected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Security {
    /// TLS from the first byte on (RFC 8314).
    Implicit,
    /// STARTTLS, without which nothing is sent.
    StartTls,
    /// None: to a server on this machine only, in local mode only.
    Plain,
}

/// An SMTP server and how to get in.
#[derive(Clone)]
pub struct Server {
    /// Its name, which its certificate must have.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the way there is protected.
    pub security: Security,
    /// What it is told, if it asks who we are.
    pub credentials: Option<Credentials>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({}:{})", self.host, self.port)
    }
}

/// Hands messages to an SMTP server.
pub struct Smtp {
    server: Server,
    tls: Option<Tls>,
    hello: ClientId,
    from: Mailbox,
    patience: Duration,
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

/// What came of a conversation, and whom we still have to leave.
type Talked = (AsyncSmtpConnection, Result<(), Fault>);

/// A message that isn't one of the issuer's own: an operator tries the way.
#[derive(Clone, Copy, Debug)]
pub struct Trial<'a> {
    /// Its id; also in its Message-ID.
    pub id: Uuid,
    /// The present.
    pub now: UnixTime,
    /// Whom it is for.
    pub to: &'a str,
    /// Its subject.
    pub subject: &'a str,
    /// What it says.
    pub text: &'a str,
    /// The same as HTML.
    pub html: &'a str,
}

impl Smtp {
    /// A transport that sends as `from`, and greets the server as `hello`.
    ///
    /// # Errors
    /// When TLS can't be spoken with that server from this machine.
    pub fn new(server: Server, from: Mailbox, hello: ClientId) -> Result<Self, TlsError> {
        let tls = match server.security {
            Security::Plain => None,
            Security::Implicit | Security::StartTls => Some(Tls::to(&server.host)?),
        };
        Ok(Self {
            server,
            tls,
            hello,
            from,
            patience: PATIENCE,
        })
    }

    /// Meets the server as for a message, its certificate and our credentials included, and leaves.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn greet(&self) -> Result<(), Fault> {
        let mut progress = Progress::unseen();
        self.within_patience(&mut progress, async |progress| {
            let connection = self.approach(progress).await?;
            Ok((connection, Ok(())))
        })
        .await
    }

    /// Sends a message and tells of every step that worked.
    ///
    /// # Errors
    /// What went wrong, if anything did: the step after the last that was told.
    pub async fn send(
        &self,
        trial: Trial<'_>,
        tell: &mut (dyn FnMut(Step) + Send),
    ) -> Result<(), Fault> {
        let content = Content {
            to: trial.to,
            subject: trial.subject,
            text: trial.text,
            html: trial.html,
        };
        let written = mime::write(&self.from, trial.id, trial.now, content);
        let written = written.map_err(|error| Fault::new(Stage::Message, error.into()))?;
        let mut progress = Progress::seen_by(tell);
        self.hand_over(&written, &mut progress).await
    }

    /// The Message-ID of the message with this id.
    #[must_use]
    pub fn message_id(&self, id: Uuid) -> String {
        mime::message_id(&self.from, id)
    }

    async fn hand_over(
        &self,
        message: &lettre::Message,
        progress: &mut Progress<'_>,
    ) -> Result<(), Fault> {
        self.within_patience(progress, async |progress| {
            let mut connection = self.approach(progress).await?;
            let handed = self.tell_message(&mut connection, message, progress).await;
            Ok((connection, handed))
        })
        .await
    }

    /// Runs a conversation to its goodbye, or leaves it where it takes too long.
    async fn within_patience(
        &self,
        progress: &mut Progress<'_>,
        talk: impl AsyncFnOnce(&mut Progress<'_>) -> Result<Talked, Fault>,
    ) -> Result<(), Fault> {
        let talked = tokio::time::timeout(self.patience, talk(progress)).await;
        let outcome = match talked {
            Ok(Ok((mut connection, outcome))) => {
                // How it says goodbye, and whether it does, changes nothing: the message is the
                // server's by now, or isn't.
                let _ = tokio::time::timeout(FAREWELL, connection.abort()).await;
                outcome
            }
            Ok(Err(fault)) => Err(fault),
            Err(_) => {
                let cause = Cause::TooLong(self.patience.as_secs());
                Err(Fault::new(progress.stage(), cause))
            }
        };
        outcome.map_err(|fault| fault.hiding(self.secrets(), "<password>"))
    }
}

#[async_trait]
impl MailTransport for Smtp {
    async fn deliver(
        &self,
        id: Uuid,
        created_at: UnixTime,
        message: &Message,
    ) -> Result<(), DeliveryError> {
        let written = mime::write(&self.from, id, created_at, message.into())
            .map_err(|error| DeliveryError::Permanent(error.to_string()))?;
        self.hand_over(&written, &mut Progress::unseen())
            .await
            .map_err(|fault| {
                // It goes into the log as it is.
                let recipient = vec![message.to.clone()];
                fault
                    .hiding(recipient, "<recipient>")
                    .hiding_token(message.token.as_deref())
                    .into_delivery_error()
            })
    }
}

#[cfg(test)]
mod tests;
