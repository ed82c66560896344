//! A message as it travels: headers, a text part and an HTML part (RFC 5322, RFC 2046).

use std::time::{Duration, SystemTime};

use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, MultiPartKind, SinglePart};
use signet_core::mail::Message;
use signet_core::time::UnixTime;
use uuid::Uuid;

/// Tells other programs not to answer (RFC 3834).
#[derive(Clone, Copy)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// A message that can't be written, whenever it is tried.
#[derive(Debug, thiserror::Error)]
pub(super) enum MimeError {
    /// The recipient is no address.
    #[error("the recipient's address can't be used")]
    Recipient,
    /// The parts don't make a message.
    #[error("the message can't be written: {0}")]
    Message(#[from] lettre::error::Error),
}

/// What a message says, and to whom.
#[derive(Clone, Copy)]
pub(super) struct Content<'a> {
    pub(super) to: &'a str,
    pub(super) subject: &'a str,
    pub(super) text: &'a str,
    pub(super) html: &'a str,
}

impl<'a> From<&'a Message> for Content<'a> {
    fn from(message: &'a Message) -> Self {
        Self {
            to: &message.to,
            subject: &message.subject,
            text: &message.text,
            html: &message.html,
        }
    }
}

/// The `Message-ID`: the same whenever the message is sent, and on the domain it is from.
pub(super) fn message_id(from: &Mailbox, id: Uuid) -> String {
    format!("<{id}@{}>", from.email.domain())
}

/// Writes a message, in ASCII and in lines that every server takes. Everything in it follows from
/// the arguments, so that a message that is sent again is the same message: same `Message-ID`, same
/// `Date`, and same boundary between its parts.
pub(super) fn write(
    from: &Mailbox,
    id: Uuid,
    created_at: UnixTime,
    content: Content<'_>,
) -> Result<lettre::Message, MimeError> {
    let to = content.to.parse().map_err(|_| MimeError::Recipient)?;
    let date = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(created_at.as_secs()));
    let parts = MultiPart::builder()
        .kind(MultiPartKind::Alternative)
        .boundary(id.simple().to_string())
        .singlepart(SinglePart::plain(content.text.to_owned()))
        .singlepart(SinglePart::html(content.html.to_owned()));
    let written = lettre::Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(one_line(content.subject))
        .date(date.unwrap_or(SystemTime::UNIX_EPOCH))
        .message_id(Some(message_id(from, id)))
        .header(AutoSubmitted)
        .multipart(parts)?;
    Ok(written)
}

/// A header in which nothing ends a line, not even once it is decoded.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use signet_core::mail::MailKind;

    use super::*;

    fn message(to: &str, subject: &str) -> Message {
        Message {
            to: to.to_owned(),
            kind: MailKind::Verify,
            subject: subject.to_owned(),
            text: "Grüße,\n\n.\nFrom here\n".to_owned(),
            html: "<p>Grüße</p>".to_owned(),
            link: None,
            token: None,
        }
    }

    fn written(message: &Message) -> String {
        let from = "Signet <no-reply@example.com>".parse().unwrap();
        let written = write(
            &from,
            Uuid::nil(),
            UnixTime::from_secs(1_800_000_000),
            message.into(),
        );
        String::from_utf8(written.unwrap().formatted()).unwrap()
    }

    #[test]
    fn the_same_mail_is_the_same_message() {
        let text = written(&message("ada@example.com", "Hello"));
        for line in [
            "From: Signet <no-reply@example.com>",
            "To: ada@example.com",
            "Subject: Hello",
            "Date: Fri, 15 Jan 2027 08:00:00 +0000",
            "Message-ID: <00000000-0000-0000-0000-000000000000@example.com>",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
        ] {
            assert!(text.contains(&format!("{line}\r\n")), "{line}: {text}");
        }
        assert!(
            text.contains("Content-Type: multipart/alternative;"),
            "{text}"
        );
        assert!(
            text.contains("Content-Type: text/plain; charset=utf-8"),
            "{text}"
        );
        assert!(
            text.contains("Content-Type: text/html; charset=utf-8"),
            "{text}"
        );
        assert!(text.is_ascii(), "{text}");
        assert!(
            !text.replace("\r\n", "").contains('\n'),
            "a bare line feed: {text}"
        );
    }

    #[test]
    fn no_line_is_longer_than_a_server_takes_and_all_is_ascii() {
        let long = Message {
            text: "word ".repeat(600) + "\n.\n..\n" + &"x".repeat(3_000) + "\n\u{1F600} ok",
            html: format!("<p>{}</p>", "ü".repeat(2_000)),
            ..message(
                "ada@example.com",
                &"Grüße \u{1F600} \u{5E9}\u{5DC}\u{5D5}\u{5DD} ".repeat(20),
            )
        };
        let text = written(&long);
        assert!(text.is_ascii(), "{text}");
        for line in text.split("\r\n") {
            assert!(line.len() <= 998, "{}: {line}", line.len());
            assert!(!line.contains(['\r', '\n', '\0']), "{line:?}");
        }
        assert_eq!(
            text,
            written(&long),
            "a message that is sent again is the same"
        );
    }

    #[test]
    fn no_text_starts_a_header_of_its_own() {
        let text = written(&message("ada@example.com", "Hello\r\nBcc: eve@example.com"));
        let is_header = |line: &str| line.to_ascii_lowercase().starts_with("bcc:");
        assert!(!text.lines().any(is_header), "{text}");
        assert!(
            text.contains("Subject: Hello  Bcc: eve@example.com\r\n"),
            "{text}"
        );
        for to in [
            "ada@example.com\r\nBcc: eve@example.com",
            "ada@example.com>,<eve@example.com",
            "",
        ] {
            let from = "Signet <no-reply@example.com>".parse().unwrap();
            let message = message(to, "x");
            let refused = write(
                &from,
                Uuid::nil(),
                UnixTime::from_secs(0),
                (&message).into(),
            );
            assert!(matches!(refused, Err(MimeError::Recipient)), "{to:?}");
        }
    }
}
