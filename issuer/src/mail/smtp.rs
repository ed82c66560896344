//! Sending mail by SMTP (RFC 5321), over TLS with a certificate that is always checked.
//!
//! Each message has a connection of its own: what one server or one slow answer does to a message
//! can't reach the next one.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::Mailbox;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use signet_core::mail::{DeliveryError, MailTransport, Message};
use signet_core::time::UnixTime;
use uuid::Uuid;

use super::mime;

/// How long one message may take, from the first packet to the server's last word. A batch of the
/// outbox fits into its lease with it.
const PATIENCE: Duration = Duration::from_secs(12);

/// The longest reason that is kept, in characters.
const LONGEST_REASON: usize = 300;

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
    tls: Option<TlsParameters>,
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

/// A conversation that didn't end well.
enum Failure {
    /// Before the server had heard of the message: our settings, its state, the network.
    Approach(Error),
    /// The server's word, or silence, on the message.
    Handover(Error),
}

impl Smtp {
    /// A transport that sends as `from`, and greets the server as `hello`.
    ///
    /// # Errors
    /// When TLS can't be set up: the machine has no certificate authorities, or the server's name
    /// is none.
    pub fn new(server: Server, from: Mailbox, hello: ClientId) -> Result<Self, Error> {
        let tls = match server.security {
            Security::Plain => None,
            Security::Implicit | Security::StartTls => {
                Some(TlsParameters::new_rustls(server.host.clone())?)
            }
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
    /// What went wrong, for the operator.
    pub async fn greet(&self) -> Result<(), String> {
        match tokio::time::timeout(self.patience, self.connect()).await {
            Ok(Ok(mut connection)) => {
                connection.abort().await;
                Ok(())
            }
            Ok(Err(error)) => Err(told(&error)),
            Err(_) => Err(self.took_too_long()),
        }
    }

    fn took_too_long(&self) -> String {
        let seconds = self.patience.as_secs();
        format!("the mail server took longer than {seconds} seconds")
    }

    async fn converse(&self, message: &lettre::Message) -> Result<(), Failure> {
        let mut connection = self.connect().await.map_err(Failure::Approach)?;
        let sent = connection
            .send(message.envelope(), &message.formatted())
            .await;
        // The message is the server's now; how it says goodbye changes nothing.
        connection.abort().await;
        sent.map(drop).map_err(Failure::Handover)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let Server {
            host,
            port,
            security,
            credentials,
        } = &self.server;
        let (from_the_start, later) = match security {
            Security::Implicit => (self.tls.clone(), None),
            Security::StartTls => (None, self.tls.clone()),
            Security::Plain => (None, None),
        };
        let address = (host.as_str(), *port);
        let mut connection = AsyncSmtpConnection::connect_tokio1(
            address,
            Some(self.patience),
            &self.hello,
            from_the_start,
            None,
        )
        .await?;
        if let Some(tls) = later {
            connection.starttls(tls, &self.hello).await?;
        }
        if let Some(credentials) = credentials {
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            connection.auth(&mechanisms, credentials).await?;
        }
        Ok(connection)
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
        let written = mime::write(&self.from, id, created_at, message)
            .map_err(|error| DeliveryError::Permanent(error.to_string()))?;
        let failure = match tokio::time::timeout(self.patience, self.converse(&written)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(failure)) => failure,
            Err(_) => {
                return Err(DeliveryError::Transient(self.took_too_long()));
            }
        };
        Err(match failure {
            Failure::Handover(error) if error.is_permanent() => {
                DeliveryError::Permanent(reason(&error, &message.to))
            }
            Failure::Handover(error) | Failure::Approach(error) => {
                DeliveryError::Transient(reason(&error, &message.to))
            }
        })
    }
}

/// What went wrong with a message, without the recipient.
fn reason(error: &Error, recipient: &str) -> String {
    told(error).replace(recipient, "<recipient>")
}

/// What went wrong, for the operator: one line.
fn told(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST_REASON)
        .collect()
}

#[cfg(test)]
mod tests;
