//! What is said between us and a mail server, in order, and how far we have come.

use std::net::{IpAddr, SocketAddr};

use base64ct::{Base64, Encoding as _};
use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use tokio::net::{TcpStream, lookup_host};

use super::fault::{Cause, Fault, Stage};
use super::wire::{self, Certificate};
use super::{Security, Smtp};

/// A step that worked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// The server's name has these addresses.
    Resolved(Vec<IpAddr>),
    /// This one answers.
    Connected(SocketAddr),
    /// TLS came about, with this certificate.
    Encrypted(Certificate),
    /// There is no TLS, and none is asked for.
    InTheClear,
    /// It took our credentials.
    SignedIn,
    /// We have none.
    Anonymous,
    /// It takes mail from this sender.
    SenderAccepted(String),
    /// And for this recipient.
    RecipientAccepted(String),
    /// It has the message; this is what it said.
    Taken(String),
}

/// How far a conversation has come, and who is told.
pub(super) struct Progress<'a> {
    stage: Stage,
    tell: Option<&'a mut (dyn FnMut(Step) + Send)>,
}

impl<'a> Progress<'a> {
    pub(super) fn unseen() -> Self {
        Self {
            stage: Stage::Resolve,
            tell: None,
        }
    }

    pub(super) fn seen_by(tell: &'a mut (dyn FnMut(Step) + Send)) -> Self {
        Self {
            stage: Stage::Resolve,
            tell: Some(tell),
        }
    }

    /// What is being tried.
    pub(super) fn stage(&self) -> Stage {
        self.stage
    }

    fn at(&mut self, stage: Stage) -> Stage {
        self.stage = stage;
        stage
    }

    fn done(&mut self, step: impl FnOnce() -> Step) {
        if let Some(tell) = &mut self.tell {
            tell(step());
        }
    }
}

impl Smtp {
    /// Everything before a message: the way there, TLS, who we are.
    pub(super) async fn approach(
        &self,
        progress: &mut Progress<'_>,
    ) -> Result<AsyncSmtpConnection, Fault> {
        let tcp = self.reach(progress).await?;
        let hello = &self.hello;
        let (mut connection, certificate) = match (self.server.security, &self.tls) {
            (Security::Implicit, Some(tls)) => {
                progress.at(Stage::Tls);
                let (connection, shown) = wire::implicit_tls(tcp, tls, hello).await?;
                (connection, Some(shown))
            }
            (Security::StartTls, Some(tls)) => {
                progress.at(Stage::StartTls);
                let (connection, shown) = wire::start_tls(tcp, tls, hello).await?;
                (connection, Some(shown))
            }
            (Security::Plain, _) => {
                progress.at(Stage::Greeting);
                (wire::in_the_clear(tcp, hello).await?, None)
            }
            // A server that wants TLS was made with it.
            (Security::Implicit | Security::StartTls, None) => {
                return Err(Fault::new(Stage::Tls, Cause::NotOffered));
            }
        };
        progress.done(|| certificate.map_or(Step::InTheClear, Step::Encrypted));
        self.sign_in(&mut connection, progress).await?;
        Ok(connection)
    }

    /// The first of the server's addresses that answers.
    async fn reach(&self, progress: &mut Progress<'_>) -> Result<TcpStream, Fault> {
        let stage = progress.at(Stage::Resolve);
        let found = lookup_host((self.server.host.as_str(), self.server.port)).await;
        let found = found.map_err(|error| Fault::new(stage, Cause::Network(error)))?;
        let addresses: Vec<SocketAddr> = found.collect();
        let Some(share) = u32::try_from(addresses.len())
            .ok()
            .filter(|count| *count > 0)
        else {
            return Err(Fault::new(stage, Cause::NoAddress));
        };
        progress.done(|| Step::Resolved(addresses.iter().map(SocketAddr::ip).collect()));
        let stage = progress.at(Stage::Connect);
        // One that is silent leaves some time for the others, and for what comes after.
        let patience = self.patience.checked_div(share.saturating_mul(2));
        let patience = patience.unwrap_or(self.patience);
        let mut last = Fault::new(stage, Cause::NoAddress);
        for address in addresses {
            match tokio::time::timeout(patience, TcpStream::connect(address)).await {
                Ok(Ok(tcp)) => {
                    progress.done(|| Step::Connected(address));
                    return Ok(tcp);
                }
                Ok(Err(error)) => last = Fault::new(stage, Cause::Network(error)),
                Err(_) => last = Fault::new(stage, Cause::TooLong(patience.as_secs())),
            }
        }
        Err(last)
    }

    async fn sign_in(
        &self,
        connection: &mut AsyncSmtpConnection,
        progress: &mut Progress<'_>,
    ) -> Result<(), Fault> {
        let stage = progress.at(Stage::Auth);
        let Some(credentials) = &self.server.credentials else {
            progress.done(|| Step::Anonymous);
            return Ok(());
        };
        let mechanisms = [Mechanism::Plain, Mechanism::Login];
        let signed_in = connection.auth(&mechanisms, credentials).await;
        signed_in.map_err(|error| Fault::smtp(stage, error))?;
        progress.done(|| Step::SignedIn);
        Ok(())
    }

    /// Who it is from, who it is for, what it says.
    pub(super) async fn tell_message(
        &self,
        connection: &mut AsyncSmtpConnection,
        message: &lettre::Message,
        progress: &mut Progress<'_>,
    ) -> Result<(), Fault> {
        let envelope = message.envelope();
        let stage = progress.at(Stage::Sender);
        let from = Mail::new(envelope.from().cloned(), Vec::new());
        let heard = connection.command(from).await;
        heard.map_err(|error| Fault::smtp(stage, error))?;
        progress.done(|| Step::SenderAccepted(self.from.email.to_string()));
        let stage = progress.at(Stage::Recipient);
        for to in envelope.to() {
            let heard = connection.command(Rcpt::new(to.clone(), Vec::new())).await;
            heard.map_err(|error| Fault::smtp(stage, error))?;
            progress.done(|| Step::RecipientAccepted(to.to_string()));
        }
        let stage = progress.at(Stage::Message);
        let heard = connection.command(Data).await;
        heard.map_err(|error| Fault::smtp(stage, error))?;
        let taken = connection.message(&message.formatted()).await;
        let taken = taken.map_err(|error| Fault::smtp(stage, error))?;
        // "Go on" is no answer to a message, whatever lettre says.
        match Cause::of(&taken) {
            Cause::Refused {
                code: 200..=299,
                text,
            } => {
                progress.done(|| Step::Taken(text));
                Ok(())
            }
            refused => Err(Fault::new(stage, refused)),
        }
    }

    /// What a server may have heard of our credentials, and could say again.
    pub(super) fn secrets(&self) -> Vec<String> {
        let credentials = self.server.credentials.as_ref();
        let plain = credentials.and_then(|known| Mechanism::Plain.response(known, None).ok());
        let Some(plain) = plain else {
            return Vec::new();
        };
        let encoded = Base64::encode_string(plain.as_bytes());
        let password = plain.rsplit('\0').next().unwrap_or_default().to_owned();
        let encoded_password = Base64::encode_string(password.as_bytes());
        vec![encoded, encoded_password, password]
    }
}
