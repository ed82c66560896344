//! The wording of each message: subject, text, HTML, and the link.
//!
//! Tokens stand in the fragment of a link, which no server or referrer sees, and as text beside
//! it. To add a kind, add it to [`super::MailKind`] and write its [`Letter`] here.

use zeroize::Zeroizing;

use super::{MailKind, Message};
use crate::account::DisplayName;
use crate::email::EmailAddress;
use crate::mailed_token::MailedToken;

/// The pages that links in mails point to: absolute URLs without a fragment.
#[derive(Clone, Debug)]
pub struct Links {
    /// Where a mailbox is proven.
    pub verify: String,
    /// Where a password is reset.
    pub reset: String,
}

/// Writes messages in the name of one product.
#[derive(Clone, Debug)]
pub struct Letters {
    product: String,
    links: Links,
}

/// One message in parts; both bodies are made of the same paragraphs.
struct Letter<'a> {
    kind: MailKind,
    subject: String,
    paragraphs: Vec<String>,
    action: Option<(&'a str, String, Zeroizing<String>)>,
}

impl Letters {
    /// Messages of `product`, with links to `links`.
    #[must_use]
    pub fn new(product: String, links: Links) -> Self {
        Self { product, links }
    }

    /// Asks the recipient to prove the mailbox.
    #[must_use]
    pub fn verify(
        &self,
        to: &EmailAddress,
        name: Option<&DisplayName>,
        token: &MailedToken,
    ) -> Message {
        let product = &self.product;
        let letter = Letter {
            kind: MailKind::Verify,
            subject: format!("Confirm your address for {product}"),
            paragraphs: vec![
                greeting(name),
                format!(
                    "someone, hopefully you, registered this address with {product}. To confirm \
                     it, open the page below and enter the password you chose. The link is good \
                     for 24 hours."
                ),
                "If it wasn't you, ignore this message: without the password nobody gets in."
                    .to_owned(),
            ],
            action: Some((
                "Confirm the address",
                self.links.verify.clone(),
                token.reveal(),
            )),
        };
        self.write(to, letter)
    }

    /// Tells the owner of an account that somebody tried to register its address.
    #[must_use]
    pub fn address_taken(&self, to: &EmailAddress) -> Message {
        let product = &self.product;
        let letter = Letter {
            kind: MailKind::AddressTaken,
            subject: format!("You already have an account with {product}"),
            paragraphs: vec![
                greeting(None),
                format!(
                    "someone, perhaps you, tried to register this address with {product}, but it \
                     already has an account. Nothing was changed: log in as always, or ask for a \
                     new password if you have forgotten yours."
                ),
                "If it wasn't you, there is nothing to do.".to_owned(),
            ],
            action: None,
        };
        self.write(to, letter)
    }

    /// Carries the token that sets a new password.
    #[must_use]
    pub fn reset(
        &self,
        to: &EmailAddress,
        name: Option<&DisplayName>,
        token: &MailedToken,
    ) -> Message {
        let product = &self.product;
        let letter = Letter {
            kind: MailKind::Reset,
            subject: format!("Set a new password for {product}"),
            paragraphs: vec![
                greeting(name),
                format!(
                    "someone, hopefully you, asked for a new password for {product}. Open the \
                     page below to choose one; the link is good for one hour. All devices are \
                     logged out when you do."
                ),
                "If it wasn't you, ignore this message: your password stays as it is.".to_owned(),
            ],
            action: Some((
                "Choose a password",
                self.links.reset.clone(),
                token.reveal(),
            )),
        };
        self.write(to, letter)
    }

    /// Tells that the password was reset.
    #[must_use]
    pub fn reset_notice(&self, to: &EmailAddress, name: Option<&DisplayName>) -> Message {
        self.notice(
            to,
            name,
            MailKind::ResetNotice,
            "was reset with a link from a mail, and all devices were logged out",
        )
    }

    /// Tells that the password was changed.
    #[must_use]
    pub fn password_changed_notice(
        &self,
        to: &EmailAddress,
        name: Option<&DisplayName>,
    ) -> Message {
        self.notice(
            to,
            name,
            MailKind::PasswordChangedNotice,
            "was changed, and all other devices were logged out",
        )
    }

    /// Tells that a used refresh token came back.
    #[must_use]
    pub fn replay_notice(&self, to: &EmailAddress, name: Option<&DisplayName>) -> Message {
        let product = &self.product;
        let letter = Letter {
            kind: MailKind::ReplayNotice,
            subject: format!("We logged out one of your devices from {product}"),
            paragraphs: vec![
                greeting(name),
                format!(
                    "a login of yours with {product} was used from two places at once, which \
                     happens when somebody copies it. We ended that session. If anything looks \
                     unfamiliar, reset your password: that logs out every device."
                ),
            ],
            action: None,
        };
        self.write(to, letter)
    }

    fn notice(
        &self,
        to: &EmailAddress,
        name: Option<&DisplayName>,
        kind: MailKind,
        what: &str,
    ) -> Message {
        let product = &self.product;
        let letter = Letter {
            kind,
            subject: format!("Your password for {product} was changed"),
            paragraphs: vec![
                greeting(name),
                format!("your password for {product} {what}."),
                "If it wasn't you, ask for a new password at once, and tell whoever runs this \
                 service."
                    .to_owned(),
            ],
            action: None,
        };
        self.write(to, letter)
    }

    fn write(&self, to: &EmailAddress, letter: Letter<'_>) -> Message {
        let link = letter
            .action
            .as_ref()
            .map(|(_, page, token)| format!("{page}#token={}", **token));
        let mut text = letter.paragraphs.join("\n\n");
        let mut html: String = letter
            .paragraphs
            .iter()
            .map(|paragraph| format!("<p>{}</p>\n", escape(paragraph)))
            .collect();
        if let (Some((label, page, token)), Some(link)) = (&letter.action, &link) {
            text.push_str(&format!(
                "\n\n{label}:\n{link}\n\nOr open {page} and paste this code:\n{}",
                **token
            ));
            html.push_str(&format!(
                "<p><a href=\"{}\">{}</a></p>\n<p>Or open {} and paste this code:</p>\n\
                 <p><code>{}</code></p>\n",
                escape(link),
                escape(label),
                escape(page),
                escape(token)
            ));
        }
        let product = &self.product;
        text.push_str(&format!("\n\n{product}\n"));
        Message {
            to: to.mailbox(),
            kind: letter.kind,
            subject: letter.subject.clone(),
            text,
            html: format!(
                "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
                 <title>{}</title></head>\n<body>\n{html}<p>{}</p>\n</body>\n</html>\n",
                escape(&letter.subject),
                escape(product)
            ),
            link,
            token: letter.action.map(|(_, _, token)| token.to_string()),
        }
    }
}

fn greeting(name: Option<&DisplayName>) -> String {
    match name {
        Some(name) => format!("Hello {},", name.as_str()),
        None => "Hello,".to_owned(),
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::OperatingSystem;

    #[test]
    fn link_and_code_are_the_same_token_and_names_are_escaped() {
        let letters = Letters::new(
            "Signet".to_owned(),
            Links {
                verify: "https://auth.example.com/verify".to_owned(),
                reset: "https://auth.example.com/reset".to_owned(),
            },
        );
        let to = EmailAddress::parse("Ada@bücher.example").unwrap();
        let name = DisplayName::parse("<b>Ada</b> & \"co\"").unwrap();
        let token = MailedToken::generate(&OperatingSystem);
        let message = letters.verify(&to, Some(&name), &token);
        let code = token.reveal();
        let link = format!("https://auth.example.com/verify#token={}", *code);
        assert_eq!(message.to, "Ada@xn--bcher-kva.example");
        assert_eq!(message.link.as_deref(), Some(link.as_str()));
        assert_eq!(message.token.as_deref(), Some(code.as_str()));
        for body in [&message.text, &message.html] {
            assert!(body.contains(&link));
            assert!(body.matches(code.as_str()).count() >= 2);
        }
        assert!(!message.html.contains("<b>"));
        assert!(
            message
                .html
                .contains("&lt;b&gt;Ada&lt;/b&gt; &amp; &quot;co&quot;")
        );
    }
}
