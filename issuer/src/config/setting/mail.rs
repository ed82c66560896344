//! Settings of mail: the server, and whom messages are from.

use lettre::Address;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use url::{Host, Url};

use super::{Refusal, Setting, quoted, shown, text};
use crate::config::source::Raw;

const SMTP: u16 = 587;
const SMTPS: u16 = 465;

/// A mail server, before it is known whether it may do without TLS.
#[derive(Clone)]
pub(in crate::config) struct SmtpUrl {
    pub(in crate::config) host: String,
    pub(in crate::config) port: u16,
    /// Whether TLS comes first; if not, it is asked for (STARTTLS).
    pub(in crate::config) implicit_tls: bool,
    pub(in crate::config) credentials: Option<Credentials>,
}

impl std::fmt::Debug for SmtpUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SmtpUrl")
    }
}

impl Setting for SmtpUrl {
    fn kind() -> String {
        "`smtps://USER:PASSWORD@HOST:PORT` or `smtp://…`".to_owned()
    }

    fn read(raw: &Raw) -> Result<Self, Refusal> {
        // What was written may hold a password, so no fault repeats it.
        let url = Url::parse(text(raw)?).map_err(|_| Refusal::new("can't be read"))?;
        let implicit_tls = match url.scheme() {
            "smtps" => true,
            "smtp" => false,
            other => return Err(Refusal::new(format!("starts with {}", quoted(other)))),
        };
        let host = url.host_str().unwrap_or_default();
        if host.is_empty() {
            return Err(Refusal::new("names no host"));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            let hint = "leave out what follows the host and the port; TLS is never optional, so \
                        there is nothing to choose";
            return Err(Refusal::with_hint("has something behind the host", hint));
        }
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url
                .port()
                .unwrap_or(if implicit_tls { SMTPS } else { SMTP }),
            implicit_tls,
            credentials: credentials(&url)?,
        })
    }

    fn show(&self) -> String {
        shown("***")
    }
}

fn credentials(url: &Url) -> Result<Option<Credentials>, Refusal> {
    let decode = |part: &str| {
        percent_encoding::percent_decode_str(part)
            .decode_utf8()
            .map(std::borrow::Cow::into_owned)
            .map_err(|_| Refusal::new("has a user or a password that isn't UTF-8"))
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) => Err(Refusal::new("has a password, but no user")),
        (_, None) => Err(Refusal::new("has a user, but no password")),
        (user, Some(password)) => Ok(Some(Credentials::new(decode(user)?, decode(password)?))),
    }
}

/// Whom messages are from.
#[derive(Clone, Debug)]
pub(in crate::config) struct MailFrom(pub(in crate::config) Mailbox);

impl Setting for MailFrom {
    fn kind() -> String {
        "a mail address, such as `no-reply@example.com` or `Signet <no-reply@example.com>`"
            .to_owned()
    }

    fn read(raw: &Raw) -> Result<Self, Refusal> {
        let written = text(raw)?;
        let refused = || Refusal::new(format!("is {}", quoted(written)));
        if written.chars().any(char::is_control) {
            return Err(refused());
        }
        let mailbox = written.parse().map_err(|_| refused())?;
        in_ascii(mailbox).map(Self).ok_or_else(refused)
    }

    fn show(&self) -> String {
        shown(&self.0)
    }
}

/// An address that every mail server takes: a domain in other letters is written as DNS has it, and
/// before the `@` there is no such way.
fn in_ascii(mailbox: Mailbox) -> Option<Mailbox> {
    let Mailbox { name, email } = mailbox;
    if email.domain().is_ascii() {
        return email.user().is_ascii().then(|| Mailbox::new(name, email));
    }
    let Ok(Host::Domain(domain)) = Host::parse(email.domain()) else {
        return None;
    };
    let email = Address::new(email.user(), domain).ok()?;
    email.user().is_ascii().then(|| Mailbox::new(name, email))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smtp(text: &str) -> Result<SmtpUrl, Refusal> {
        SmtpUrl::read(&Raw::Text(text.to_owned()))
    }

    #[test]
    fn a_mail_server_has_a_host_and_a_usual_port() {
        for (written, host, port, implicit_tls, signs_in) in [
            (
                "smtp://mail.example.com",
                "mail.example.com",
                587,
                false,
                false,
            ),
            (
                "smtps://u:p%40ss@mail.example.com",
                "mail.example.com",
                465,
                true,
                true,
            ),
            ("smtp://127.0.0.1:1025", "127.0.0.1", 1025, false, false),
            ("smtp://[::1]:1025/", "::1", 1025, false, false),
        ] {
            let url = smtp(written).unwrap();
            assert_eq!((url.host.as_str(), url.port), (host, port), "{written}");
            assert_eq!(
                (url.implicit_tls, url.credentials.is_some()),
                (implicit_tls, signs_in)
            );
        }
    }

    #[test]
    fn no_fault_of_a_mail_server_repeats_the_password() {
        for wrong in [
            "",
            "mail.example.com",
            "http://u:hunter2@mail.example.com",
            "smtp://:hunter2@mail.example.com",
            "smtp://hunter2@mail.example.com",
            "smtp://u:hunter2@",
            "smtp://u:hunter2@mail.example.com/path",
            "smtp://u:hunter2@mail.example.com?tls=none",
            "smtp://u:hunter2%ff@mail.example.com",
            "smtp://u:hunter2@mail.example.com:99999",
        ] {
            let refused = smtp(wrong).unwrap_err();
            assert!(!format!("{refused:?}").contains("hunter2"), "{refused:?}");
        }
    }

    #[test]
    fn a_sender_is_one_line() {
        let from = |text: &str| MailFrom::read(&Raw::Text(text.to_owned()));
        for right in [
            "no-reply@example.com",
            "Signet <no-reply@example.com>",
            "signet@localhost",
        ] {
            assert!(from(right).is_ok(), "{right}");
        }
        let other_letters = from("\u{5D0} <post@b\u{FC}cher.example>").unwrap().0;
        assert_eq!(
            other_letters.email.to_string(),
            "post@xn--bcher-kva.example"
        );
        for wrong in [
            "",
            "Signet",
            "a@b\r\nBcc: c@d",
            "<a@b.c>, <d@e.f>",
            "a@",
            "b\u{FC}cher@example.com",
        ] {
            assert!(from(wrong).is_err(), "{wrong:?}");
        }
    }
}
