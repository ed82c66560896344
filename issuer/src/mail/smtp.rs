//! Mail by SMTP, with lettre on rustls: `smtps://` speaks TLS from the first byte, `smtp://` must
//! be upgraded by STARTTLS. Certificates are always checked, and a server that doesn't offer TLS
//! gets nothing. Only in local mode may a server on the loopback interface be spoken to in clear.

use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::{self, AsyncSmtpTransportBuilder};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message as Letter, Tokio1Executor};
use signet_core::mail::{DeliveryError, MailTransport, Message};
use signet_core::time::UnixTime;
use url::{Host, Url};
use uuid::Uuid;

/// How long one message may take, from the connection to the last answer. lettre's own limit ends
/// with the connection.
const DEADLINE: Duration = Duration::from_secs(30);

/// Replies that speak of our credentials, not of the message: they go away when an operator mends
/// the configuration (RFC 4954, section 6).
const AUTHENTICATION_REPLIES: [u16; 4] = [530, 534, 535, 538];

/// Hands messages to one SMTP server.
pub struct SmtpTransport {
    server: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl std::fmt::Debug for SmtpTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SmtpTransport")
    }
}

/// Why an `smtp_url` can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SmtpUrlError {
    /// Another scheme.
    #[error("must start with smtps:// (TLS) or smtp:// (STARTTLS)")]
    Scheme,
    /// No server.
    #[error("names no server")]
    Host,
    /// TLS can't be set up.
    #[error("TLS can't be used: {0}")]
    Tls(#[from] smtp::Error),
}

impl SmtpTransport {
    /// A transport to the server of `url`: `smtps://[USER:PASSWORD@]HOST[:PORT]` or `smtp://…`.
    /// `is_local` says whether the issuer runs in local mode.
    ///
    /// # Errors
    /// See [`SmtpUrlError`].
    pub fn new(url: &Url, from: Mailbox, is_local: bool) -> Result<Self, SmtpUrlError> {
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or(SmtpUrlError::Host)?;
        let parameters = || TlsParameters::new(host.to_owned());
        let (tls, default_port) = match url.scheme() {
            "smtps" => (Tls::Wrapper(parameters()?), 465),
            "smtp" if is_local && is_loopback(url) => (Tls::None, 25),
            "smtp" => (Tls::Required(parameters()?), 587),
            _ => return Err(SmtpUrlError::Scheme),
        };
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .tls(tls)
            .port(url.port().unwrap_or(default_port))
            .timeout(Some(DEADLINE));
        Ok(Self {
            server: with_credentials(builder, url).build(),
            from,
        })
    }

    fn letter(
        &self,
        id: Uuid,
        created_at: UnixTime,
        message: &Message,
    ) -> Result<Letter, DeliveryError> {
        let permanent = |reason: String| DeliveryError::Permanent(reason);
        let to: Mailbox = message
            .to
            .parse()
            .map_err(|_| permanent("the recipient's address can't be used".to_owned()))?;
        let date = UNIX_EPOCH.checked_add(Duration::from_secs(created_at.as_secs()));
        let auto_submitted = HeaderName::new_from_ascii_str("Auto-Submitted");
        let bodies = MultiPart::alternative_plain_html(message.text.clone(), message.html.clone());
        let mut letter = Letter::builder()
            .from(self.from.clone())
            .to(to)
            .subject(message.subject.clone())
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .date(date.unwrap_or(UNIX_EPOCH))
            .multipart(bodies)
            .map_err(|error| permanent(error.to_string()))?;
        letter.headers_mut().insert_raw(HeaderValue::new(
            auto_submitted,
            "auto-generated".to_owned(),
        ));
        Ok(letter)
    }
}

fn with_credentials(builder: AsyncSmtpTransportBuilder, url: &Url) -> AsyncSmtpTransportBuilder {
    if url.username().is_empty() {
        return builder;
    }
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    let password = decode(url.password().unwrap_or_default());
    builder.credentials(Credentials::new(decode(url.username()), password))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => {
            name == "localhost"
                || name
                    .parse()
                    .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
        }
        None => false,
    }
}

fn classify(error: &smtp::Error) -> DeliveryError {
    let code = error.status().map(u16::from);
    let speaks_of_us = code.is_some_and(|code| AUTHENTICATION_REPLIES.contains(&code));
    if error.is_permanent() && !speaks_of_us {
        DeliveryError::Permanent(error.to_string())
    } else {
        DeliveryError::Transient(error.to_string())
    }
}

#[async_trait]
impl MailTransport for SmtpTransport {
    async fn deliver(
        &self,
        id: Uuid,
        created_at: UnixTime,
        message: &Message,
    ) -> Result<(), DeliveryError> {
        let letter = self.letter(id, created_at, message)?;
        match tokio::time::timeout(DEADLINE, self.server.send(letter)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(classify(&error)),
            Err(_) => Err(DeliveryError::Transient(
                "the server took too long".to_owned(),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use signet_core::mail::MailKind;

    use super::*;

    fn transport(url: &str, is_local: bool) -> Result<SmtpTransport, SmtpUrlError> {
        let from = "Signet <signet@example.com>".parse().unwrap();
        SmtpTransport::new(&url.parse().unwrap(), from, is_local)
    }

    #[tokio::test]
    async fn a_message_keeps_its_id_and_says_that_a_program_wrote_it() {
        let transport = transport("smtps://mail.example.com", false).unwrap();
        let message = Message {
            to: "ada@example.com".to_owned(),
            kind: MailKind::Verify,
            subject: "Bestätige\u{202e}".to_owned(),
            text: "Grüße".to_owned(),
            html: "<p>Grüße</p>".to_owned(),
            link: None,
            token: None,
        };
        let id = Uuid::from_u128(7);
        let letter = transport.letter(id, UnixTime::from_secs(1_800_000_000), &message);
        let text = String::from_utf8(letter.unwrap().formatted()).unwrap();
        for line in [
            "Message-ID: <00000000-0000-0000-0000-000000000007@example.com>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Date: Fri, 15 Jan 2027 08:00:00 +0000\r\n",
            "To: ada@example.com\r\n",
            "multipart/alternative",
        ] {
            assert!(text.contains(line), "{line:?} in\n{text}");
        }
    }

    #[test]
    fn only_local_mode_speaks_in_clear_and_only_to_itself() {
        for (url, is_local) in [
            ("smtp://127.0.0.1:2525", true),
            ("smtp://localhost", true),
            ("smtp://user:p%40ss@mail.example.com:587", false),
        ] {
            assert!(transport(url, is_local).is_ok(), "{url}");
        }
        assert!(matches!(
            transport("http://mail.example.com", false),
            Err(SmtpUrlError::Scheme)
        ));
        let is = |url: &str| is_loopback(&url.parse().unwrap());
        assert!(is("smtp://[::1]") && is("smtp://127.9.9.9"));
        assert!(!is("smtp://mail.example.com") && !is("smtp://127.0.0.1.example.com"));
    }
}
