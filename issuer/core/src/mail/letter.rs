//! Each message: subject, text, HTML, and the link. What it says stands in the catalogue.
//!
//! Tokens stand in the fragment of a link, which no server or referrer sees, and as text beside
//! it. To add a kind, add it to [`super::MailKind`], its wording to [`super::catalogue`], and write
//! its [`Letter`] here.

use zeroize::Zeroizing;

use super::catalogue::{Catalogue, CatalogueError, Wording, fill};
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
    /// Where a change of address is confirmed, or taken back.
    pub email_change: String,
    /// Where an invite is accepted.
    pub invite: String,
}

/// Writes messages in the name of one product.
#[derive(Clone, Debug)]
pub struct Letters {
    product: String,
    links: Links,
    catalogue: Catalogue,
}

/// One message in parts; both bodies are made of the same paragraphs.
struct Letter<'a> {
    kind: MailKind,
    wording: &'a Wording,
    name: Option<&'a DisplayName>,
    action: Option<Action<'a>>,
}

/// What the reader is to do.
struct Action<'a> {
    page: &'a str,
    token: Zeroizing<String>,
}

impl Letters {
    /// Messages of `product`, with links to `links`.
    ///
    /// # Errors
    /// Never: the wording is part of the program.
    pub fn new(product: String, links: Links) -> Result<Self, CatalogueError> {
        Ok(Self {
            product,
            links,
            catalogue: Catalogue::english()?,
        })
    }

    /// Asks the recipient to prove the mailbox. By no name: a stranger may have chosen it, for what
    /// the recipient would read in it.
    #[must_use]
    pub fn verify(&self, to: &EmailAddress, token: &MailedToken) -> Message {
        let action = Action::new(&self.links.verify, token);
        let wording = &self.catalogue.verify;
        self.write(to, Letter::request(MailKind::Verify, wording, None, action))
    }

    /// Tells the owner of an account that somebody tried to register its address. One letter for
    /// all accounts, also invited and suspended ones: it says what the owner of each can do.
    #[must_use]
    pub fn address_taken(&self, to: &EmailAddress) -> Message {
        let wording = &self.catalogue.address_taken;
        self.write(to, Letter::notice(MailKind::AddressTaken, wording, None))
    }

    /// Carries the token that sets a new password.
    #[must_use]
    pub fn reset(
        &self,
        to: &EmailAddress,
        name: Option<&DisplayName>,
        token: &MailedToken,
    ) -> Message {
        let action = Action::new(&self.links.reset, token);
        let wording = &self.catalogue.reset;
        self.write(to, Letter::request(MailKind::Reset, wording, name, action))
    }

    /// Carries the token that gives an account the address it is sent to. By no name, as
    /// [`Letters::verify`].
    #[must_use]
    pub fn address_change(&self, to: &EmailAddress, token: &MailedToken) -> Message {
        let action = Action::new(&self.links.email_change, token);
        let wording = &self.catalogue.address_change;
        self.write(
            to,
            Letter::request(MailKind::AddressChange, wording, None, action),
        )
    }

    /// Tells the owner of an address that somebody tried to change to it.
    #[must_use]
    pub fn change_to_taken(&self, to: &EmailAddress) -> Message {
        let wording = &self.catalogue.change_to_taken;
        self.write(to, Letter::notice(MailKind::ChangeToTaken, wording, None))
    }

    /// Tells the old address of a change, and carries the token that takes it back. The new address
    /// isn't said: whoever has a mailbox that was given up shall not learn where its owner went.
    #[must_use]
    pub fn address_change_notice(
        &self,
        to: &EmailAddress,
        name: Option<&DisplayName>,
        token: &MailedToken,
    ) -> Message {
        let action = Action::new(&self.links.email_change, token);
        let wording = &self.catalogue.address_change_notice;
        self.write(
            to,
            Letter::request(MailKind::AddressChangeNotice, wording, name, action),
        )
    }

    /// Tells that a change of address was taken back.
    #[must_use]
    pub fn address_put_back(&self, to: &EmailAddress, name: Option<&DisplayName>) -> Message {
        let wording = &self.catalogue.address_put_back_notice;
        let kind = MailKind::AddressPutBackNotice;
        self.write(to, Letter::notice(kind, wording, name))
    }

    /// Tells that the password was reset.
    #[must_use]
    pub fn reset_notice(&self, to: &EmailAddress, name: Option<&DisplayName>) -> Message {
        let wording = &self.catalogue.reset_notice;
        self.write(to, Letter::notice(MailKind::ResetNotice, wording, name))
    }

    /// Tells that the password was changed.
    #[must_use]
    pub fn password_changed_notice(
        &self,
        to: &EmailAddress,
        name: Option<&DisplayName>,
    ) -> Message {
        let wording = &self.catalogue.password_changed_notice;
        let kind = MailKind::PasswordChangedNotice;
        self.write(to, Letter::notice(kind, wording, name))
    }

    /// Tells that the account is gone.
    #[must_use]
    pub fn erased_notice(&self, to: &EmailAddress) -> Message {
        let wording = &self.catalogue.erased_notice;
        self.write(to, Letter::notice(MailKind::ErasedNotice, wording, None))
    }

    /// Tells that a used refresh token came back.
    #[must_use]
    pub fn replay_notice(&self, to: &EmailAddress, name: Option<&DisplayName>) -> Message {
        let wording = &self.catalogue.replay_notice;
        self.write(to, Letter::notice(MailKind::ReplayNotice, wording, name))
    }

    /// Invites the recipient to take an account over.
    #[must_use]
    pub fn invite(
        &self,
        to: &EmailAddress,
        name: Option<&DisplayName>,
        token: &MailedToken,
    ) -> Message {
        let action = Action::new(&self.links.invite, token);
        let wording = &self.catalogue.invite;
        self.write(to, Letter::request(MailKind::Invite, wording, name, action))
    }

    fn write(&self, to: &EmailAddress, letter: Letter<'_>) -> Message {
        let catalogue = &self.catalogue;
        let values = [("product", self.product.as_str())];
        let subject = fill(&letter.wording.subject, &values);
        let mut paragraphs = vec![match letter.name {
            Some(name) => fill(&catalogue.greeting, &[("name", name.as_str())]),
            None => catalogue.greeting_without_name.clone(),
        }];
        let wording = letter.wording.paragraphs.iter();
        paragraphs.extend(wording.map(|paragraph| fill(paragraph, &values)));
        let mut text = paragraphs.join("\n\n");
        let mut html: String = paragraphs
            .iter()
            .map(|paragraph| format!("<p>{}</p>\n", escape(paragraph)))
            .collect();
        let link = letter.action.as_ref().map(Action::link);
        if let (Some(Action { page, token }), Some(link)) = (&letter.action, &link) {
            let label = letter.wording.action.as_deref().unwrap_or(page);
            let code = fill(&catalogue.code, &[("page", page)]);
            text.push_str(&format!("\n\n{label}:\n{link}\n\n{code}\n{}", **token));
            html.push_str(&format!(
                "<p><a href=\"{}\">{}</a></p>\n<p>{}</p>\n<p><code>{}</code></p>\n",
                escape(link),
                escape(label),
                escape(&code),
                escape(token)
            ));
        }
        let product = &self.product;
        text.push_str(&format!("\n\n{product}\n"));
        Message {
            to: to.mailbox(),
            kind: letter.kind,
            text,
            html: format!(
                "<!doctype html>\n<html lang=\"{}\">\n<head><meta charset=\"utf-8\">\
                 <title>{}</title></head>\n<body>\n{html}<p>{}</p>\n</body>\n</html>\n",
                escape(&catalogue.language),
                escape(&subject),
                escape(product)
            ),
            subject,
            link,
            token: letter.action.map(|action| action.token.to_string()),
        }
    }
}

impl<'a> Letter<'a> {
    /// A letter that only tells something.
    fn notice(kind: MailKind, wording: &'a Wording, name: Option<&'a DisplayName>) -> Self {
        Self {
            kind,
            wording,
            name,
            action: None,
        }
    }

    /// A letter that asks its reader to do something.
    fn request(
        kind: MailKind,
        wording: &'a Wording,
        name: Option<&'a DisplayName>,
        action: Action<'a>,
    ) -> Self {
        Self {
            kind,
            wording,
            name,
            action: Some(action),
        }
    }
}

impl<'a> Action<'a> {
    fn new(page: &'a str, token: &MailedToken) -> Self {
        Self {
            page,
            token: token.reveal(),
        }
    }

    fn link(&self) -> String {
        format!("{}#token={}", self.page, *self.token)
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

    fn letters() -> Letters {
        let links = Links {
            verify: "https://auth.example.com/verify".to_owned(),
            reset: "https://auth.example.com/reset".to_owned(),
            email_change: "https://auth.example.com/email-change".to_owned(),
            invite: "https://auth.example.com/invite".to_owned(),
        };
        Letters::new("Signet".to_owned(), links).unwrap()
    }

    #[test]
    fn every_letter_is_worded_in_full() {
        let letters = letters();
        let to = EmailAddress::parse("ada@example.com").unwrap();
        let token = MailedToken::generate(&OperatingSystem);
        for letter in [
            letters.verify(&to, &token),
            letters.address_taken(&to),
            letters.reset(&to, None, &token),
            letters.reset_notice(&to, None),
            letters.password_changed_notice(&to, None),
            letters.erased_notice(&to),
            letters.replay_notice(&to, None),
            letters.address_change(&to, &token),
            letters.change_to_taken(&to),
            letters.address_change_notice(&to, None, &token),
            letters.address_put_back(&to, None),
            letters.invite(&to, None, &token),
        ] {
            assert!(letter.subject.contains("Signet"), "{}", letter.subject);
            for part in [&letter.subject, &letter.text, &letter.html] {
                assert!(!part.contains(['{', '}']), "{part}");
            }
        }
    }

    #[test]
    fn link_and_code_are_the_same_token_and_names_are_escaped() {
        let letters = letters();
        let to = EmailAddress::parse("Ada@bücher.example").unwrap();
        let name = DisplayName::parse("<b>Ada</b> & \"co\"").unwrap();
        let token = MailedToken::generate(&OperatingSystem);
        let message = letters.reset(&to, Some(&name), &token);
        let code = token.reveal();
        let link = format!("https://auth.example.com/reset#token={}", *code);
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
