//! What went wrong between us and a mail server: how far we came, what happened there, whose
//! matter it is, and what to do about it.

use std::fmt;
use std::io;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::response::Response;
use signet_core::mail::DeliveryError;
use signet_core::mail::reason::{line, without, without_token};

use crate::mail::mime::MimeError;

/// How far we came, in order.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Stage {
    /// Looking the server's name up.
    Resolve,
    /// Reaching it.
    Connect,
    /// Its greeting, and its answer to ours.
    Greeting,
    /// Asking for TLS.
    StartTls,
    /// TLS and the certificate.
    Tls,
    /// Our credentials.
    Auth,
    /// Whom the message is from.
    Sender,
    /// Whom it is for.
    Recipient,
    /// The message itself.
    Message,
}

impl Stage {
    /// A word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Greeting => "greeting",
            Self::StartTls => "starttls",
            Self::Tls => "tls",
            Self::Auth => "auth",
            Self::Sender => "sender",
            Self::Recipient => "recipient",
            Self::Message => "message",
        }
    }
}

/// What happened.
#[derive(Debug)]
pub(super) enum Cause {
    /// The server said no.
    Refused {
        /// Its code: 400 to 599, or one that is no answer to what was asked.
        code: u16,
        /// What it said.
        text: String,
    },
    /// The network, or TLS.
    Network(io::Error),
    /// There is no such name.
    NoAddress,
    /// It doesn't offer TLS.
    NotOffered,
    /// It went on in the clear where TLS was to begin.
    SaidTooMuch,
    /// It closed the connection.
    Closed,
    /// It doesn't speak SMTP.
    NoSmtp,
    /// It took too long.
    TooLong(u64),
    /// There is no message to be told.
    Unwritable(MimeError),
    /// Anything else that lettre says.
    Other(Error),
}

impl From<MimeError> for Cause {
    fn from(error: MimeError) -> Self {
        Self::Unwritable(error)
    }
}

impl Cause {
    pub(super) fn of(answer: &Response) -> Self {
        let lines: Vec<&str> = answer.message().collect();
        Self::Refused {
            code: answer.code().into(),
            text: lines.join(" "),
        }
    }
}

/// A conversation that didn't end well.
#[derive(Debug)]
pub struct Fault {
    /// How far it came.
    pub stage: Stage,
    pub(super) cause: Cause,
    /// What must not be told, though somebody may have said it, and what stands for it.
    hidden: Vec<(String, &'static str)>,
    /// The token in the message, of which no piece is told.
    token: Option<String>,
}

impl Fault {
    pub(super) fn new(stage: Stage, cause: Cause) -> Self {
        Self {
            stage,
            cause,
            hidden: Vec::new(),
            token: None,
        }
    }

    pub(super) fn smtp(stage: Stage, error: Error) -> Self {
        let cause = match error.status() {
            Some(code) => Cause::Refused {
                code: code.into(),
                text: std::error::Error::source(&error)
                    .map(ToString::to_string)
                    .unwrap_or_default(),
            },
            None if is_end(&error) => Cause::Closed,
            None => Cause::Other(error),
        };
        Self::new(stage, cause)
    }

    /// The same, and these words are never told.
    pub(super) fn hiding(mut self, words: Vec<String>, instead: &'static str) -> Self {
        let words = words.into_iter().map(|word| (word, instead));
        self.hidden.extend(words);
        self
    }

    /// The same, and nothing is told of what its reader can do with the message.
    pub(super) fn hiding_token(mut self, token: Option<&str>) -> Self {
        self.token = token.map(str::to_owned);
        self
    }

    /// What it means for the message. Before the recipient is named the server knows nothing of
    /// it: whatever it says concerns us, or itself.
    pub(super) fn into_delivery_error(self) -> DeliveryError {
        let told = self.to_string();
        if self.stage < Stage::Recipient {
            return DeliveryError::Unavailable(told);
        }
        match &self.cause {
            Cause::Refused { code, text } => match code {
                // We must say who we are, or said things in the wrong order: so to every message.
                503 | 530 | 535 | 538 => DeliveryError::Unavailable(told),
                // RFC 3463's "security or policy": most often that this server won't relay for us,
                // which somebody can set right. What it says of the message itself is final.
                500..=599 if self.stage == Stage::Recipient && text.starts_with("5.7.") => {
                    DeliveryError::Transient(told)
                }
                500..=599 => DeliveryError::Permanent(told),
                _ => DeliveryError::Transient(told),
            },
            Cause::Unwritable(_) => DeliveryError::Permanent(told),
            Cause::Network(_)
            | Cause::NoAddress
            | Cause::NotOffered
            | Cause::SaidTooMuch
            | Cause::Closed
            | Cause::NoSmtp
            | Cause::TooLong(_)
            | Cause::Other(_) => DeliveryError::Transient(told),
        }
    }

    /// Whether the server may have the message all the same: it was being told, and no answer came.
    #[must_use]
    pub fn may_be_taken(&self) -> bool {
        match &self.cause {
            Cause::Network(_) | Cause::Closed | Cause::TooLong(_) | Cause::Other(_) => {
                self.stage == Stage::Message
            }
            Cause::Refused { .. }
            | Cause::NoAddress
            | Cause::NotOffered
            | Cause::SaidTooMuch
            | Cause::NoSmtp
            | Cause::Unwritable(_) => false,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match (self.stage, &self.cause) {
            (Stage::Message, _) if self.may_be_taken() => {
                "the server said neither yes nor no, and may have the message all the same: look \
                 for its Message-ID in the server's log. Signet sends such a one again, under the \
                 same Message-ID; this command doesn't"
            }
            (Stage::Resolve, _) => {
                "look at the host in smtp_url, and at the name servers of this machine"
            }
            (Stage::Connect, _) => {
                "look at host and port in smtp_url, and whether a firewall lets this machine out: \
                 many platforms close port 25, and leave 465 and 587 open"
            }
            (_, Cause::TooLong(_)) => {
                "ask the server's operator; a port that expects TLS from the first byte on (465) \
                 waits like this for who doesn't begin it: smtps://, not smtp://"
            }
            (Stage::StartTls, Cause::SaidTooMuch) => {
                "somebody between here and the server may be meddling; try smtps:// with port 465"
            }
            (Stage::StartTls, _) => {
                "nothing is ever sent without TLS: use smtps:// with the server's port for it (465), \
                 or have STARTTLS offered; if the server does offer it, somebody on the way takes it \
                 out"
            }
            (Stage::Tls, Cause::Network(error)) => certificate_hint(error),
            // Up to 504 it didn't understand us: it may be no mail server at all.
            (
                Stage::Greeting,
                Cause::Refused {
                    code: 505..=599, ..
                },
            ) => {
                "the server refuses this machine, or the name it gives, whatever the message: its \
                 own words say why; often the machine's address is on a list, or has no name in \
                 the DNS. Until that is mended all mail waits: docs/MAIL.md"
            }
            (
                Stage::Greeting,
                Cause::Refused {
                    code: 400..=499, ..
                },
            ) => {
                "the server wants this machine to come again later: its own words say why; mail \
                 waits, and goes on by itself"
            }
            (Stage::Tls | Stage::Greeting, _) => {
                "look at scheme and port in smtp_url: smtps:// is TLS from the first byte on (465), \
                 smtp:// is STARTTLS (587)"
            }
            (Stage::Auth, _) => {
                "look at user and password in smtp_url, percent-encoded; many providers want a \
                 password of its own for an application"
            }
            (Stage::Sender, _) => {
                "set mail_from to an address that the server lets these credentials send from"
            }
            (
                Stage::Recipient,
                Cause::Refused {
                    code: 400..=499, ..
                },
            ) => {
                "the server wants it again later (greylisting does this): Signet tries again by \
                 itself, this command doesn't"
            }
            (Stage::Recipient, _) => {
                "look at the address; if every address is refused, the server doesn't relay for us: \
                 it may want credentials, or this machine's address on its list"
            }
            (Stage::Message, _) => {
                "the server's own words say why; SPF, DKIM and DMARC of mail_from's domain are a \
                 common reason: docs/MAIL.md"
            }
        }
    }
}

/// Whether the other side closed: an "incomplete response", or TLS without a goodbye, of which
/// rustls says what is for programmers.
fn is_end(error: &Error) -> bool {
    let source = std::error::Error::source(error);
    let broken = source.and_then(|source| source.downcast_ref::<io::Error>());
    broken.is_some_and(|broken| broken.kind() == io::ErrorKind::UnexpectedEof)
        || (error.is_response() && error.to_string().contains("incomplete"))
}

/// What is wrong with a certificate, and what to do.
fn certificate_hint(error: &io::Error) -> &'static str {
    use rustls::{CertificateError, Error};
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        )) => {
            "the certificate is of an authority that this machine doesn't know: have the server show \
             its whole chain; an authority of your own goes into the file that SSL_CERT_FILE names"
        }
        Some(Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => "the certificate is for another name: put a name into smtp_url that stands in it",
        Some(Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        )) => {
            "the certificate has expired: its operator must renew it; look at this machine's clock"
        }
        _ => {
            "no TLS came about: look at scheme and port in smtp_url; smtps:// is TLS from the first \
             byte on (465), smtp:// is STARTTLS (587)"
        }
    }
}

impl fmt::Display for Fault {
    /// One line for the operator.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = match &self.cause {
            Cause::Refused { code, text } => format!("the mail server answered {code} {text}"),
            Cause::Network(error) => match self.stage {
                Stage::Resolve => format!("its name can't be looked up: {error}"),
                Stage::Connect => format!("can't be reached: {error}"),
                Stage::Tls => format!("TLS failed: {error}"),
                Stage::Greeting
                | Stage::StartTls
                | Stage::Auth
                | Stage::Sender
                | Stage::Recipient
                | Stage::Message => format!("the connection broke: {error}"),
            },
            Cause::NoAddress => "its name has no address".to_owned(),
            Cause::NotOffered => "it doesn't offer STARTTLS".to_owned(),
            Cause::SaidTooMuch => "it went on in the clear after its answer to STARTTLS".to_owned(),
            Cause::Closed => "the mail server closed the connection".to_owned(),
            Cause::NoSmtp => "what answers there doesn't speak SMTP".to_owned(),
            Cause::TooLong(seconds) => {
                format!("the mail server took longer than {seconds} seconds")
            }
            Cause::Unwritable(error) => error.to_string(),
            Cause::Other(error) => error.to_string(),
        };
        let mut told = format!("{}: {told}", self.stage.as_str());
        for (word, instead) in &self.hidden {
            told = without(&told, word, instead);
        }
        if let Some(token) = &self.token {
            told = without_token(&told, token);
        }
        f.write_str(&line(&told))
    }
}
