//! Forms: fields with labels, and what is wrong with them in words.

use http::StatusCode;
use maud::{Markup, html};

use super::layout;
use crate::http::answer::{FormPage, Page};
use crate::http::problem::{Code, Problem};

/// What a field is for; browsers and password managers go by it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// The token of a mail or of the terminal.
    Token,
    /// A mail address.
    Email,
    /// What somebody wants to be called; may be left empty.
    Name,
    /// The password that an account has.
    CurrentPassword,
    /// The password that an account will have, of at least so many characters.
    NewPassword {
        /// The fewest characters.
        minimum: usize,
    },
}

/// One field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) label: &'a str,
    pub(super) kind: Kind,
    /// What stands in it; never a password.
    pub(super) value: &'a str,
    /// What helps to fill it in.
    pub(super) hint: &'a str,
}

/// A page with one form that posts to the page itself.
#[derive(Clone, Debug)]
pub(super) struct Form<'a> {
    pub(super) path: &'a str,
    pub(super) title: &'a str,
    pub(super) lead: &'a str,
    pub(super) fields: Vec<Field<'a>>,
    pub(super) button: &'a str,
}

/// What is wrong with a form that was sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Fault {
    pub(super) status: StatusCode,
    /// The field at fault, if it is one.
    pub(super) field: String,
    pub(super) message: String,
}

impl Fault {
    /// What the problem says to the one who filled in the form, where it is theirs to mend. Of a
    /// token that is no good the page says more, `invalid`: how its tokens come and how long they
    /// live.
    ///
    /// # Errors
    /// The problem, where it is not.
    pub(super) fn of(problem: Problem, invalid: &str) -> Result<Self, Problem> {
        let (field, message) = match (problem.code(), problem.errors().first()) {
            (Code::WeakPassword | Code::ValidationFailed, Some(error)) => {
                (error.field.clone(), error.message.to_string())
            }
            (Code::InvalidMailedToken, _) => ("token".to_owned(), invalid.to_owned()),
            (Code::Conflict, _) => (String::new(), problem.detail().to_owned()),
            _ => return Err(problem),
        };
        Ok(Self {
            status: problem.code().status(),
            field,
            message: sentence(&message),
        })
    }
}

impl Form<'_> {
    /// The empty form.
    pub(super) fn page(&self) -> Page {
        layout::page(self.title, &self.markup(None))
    }

    /// The form as it was sent, with what is wrong with it.
    pub(super) fn again(&self, fault: &Fault) -> FormPage {
        let title = format!("Try again: {}", self.title);
        FormPage {
            status: fault.status,
            page: layout::page(&title, &self.markup(Some(fault))),
        }
    }

    fn markup(&self, fault: Option<&Fault>) -> Markup {
        html! {
            h1 { (self.title) }
            p { (self.lead) }
            @if let Some(fault) = fault {
                p.fault role="alert" id="fault" { (fault.message) }
            }
            form method="post" action=(self.path) {
                @for field in &self.fields { (field.markup(fault)) }
                button type="submit" { (self.button) }
            }
        }
    }
}

impl<'a> Field<'a> {
    /// The token of a mail, which the page's script takes from the link.
    pub(super) fn mailed_token(value: &'a str) -> Self {
        Self {
            name: "token",
            label: "Code from the mail",
            kind: Kind::Token,
            value,
            hint: "The link in the mail fills this in; you can paste it as well.",
        }
    }

    /// A password of at least `minimum` characters.
    pub(super) fn new_password(name: &'a str, label: &'a str, minimum: usize) -> Self {
        Self {
            name,
            label,
            kind: Kind::NewPassword { minimum },
            value: "",
            hint: "A few words in a row are easy to remember and hard to guess.",
        }
    }

    fn markup(&self, fault: Option<&Fault>) -> Markup {
        let Self {
            name,
            label,
            kind,
            value,
            hint,
        } = self;
        let is_at_fault = fault.is_some_and(|fault| fault.field == *name);
        let hint_id = (!hint.is_empty()).then(|| format!("{name}-hint"));
        let fault_id = is_at_fault.then(|| "fault".to_owned());
        let described_by: Vec<String> = fault_id.into_iter().chain(hint_id.clone()).collect();
        let described_by = (!described_by.is_empty()).then(|| described_by.join(" "));
        let (input, autocomplete, minimum) = match kind {
            Kind::Token => ("text", "off", None),
            Kind::Email => ("email", "username", None),
            Kind::Name => ("text", "name", None),
            Kind::CurrentPassword => ("password", "current-password", None),
            Kind::NewPassword { minimum } => ("password", "new-password", Some(minimum)),
        };
        html! {
            div.field {
                label for=(name) { (label) }
                input id=(name) name=(name) type=(input) value=(value)
                    required[*kind != Kind::Name]
                    autocomplete=(autocomplete) minlength=[minimum]
                    autocapitalize="off" spellcheck="false"
                    class=[(*kind == Kind::Token).then_some("token")]
                    aria-invalid=[is_at_fault.then_some("true")]
                    aria-describedby=[described_by]
                    autofocus[is_at_fault];
                @if let Some(id) = hint_id { p.hint id=(id) { (hint) } }
            }
        }
    }
}

/// A page that says that it is done.
pub(super) fn done(title: &str, text: &str) -> FormPage {
    let content = html! {
        h1 { span.check aria-hidden="true" { "✓" } " " (title) }
        p role="status" { (text) }
    };
    FormPage {
        status: StatusCode::OK,
        page: layout::page(title, &content),
    }
}

/// A remark as a sentence.
fn sentence(remark: &str) -> String {
    let mut characters = remark.chars();
    let mut sentence: String = characters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .chain(characters)
        .collect();
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(token: &str) -> Form<'_> {
        Form {
            path: "/x",
            title: "Title",
            lead: "Lead",
            fields: vec![
                Field {
                    name: "token",
                    label: "Code",
                    kind: Kind::Token,
                    value: token,
                    hint: "From the mail",
                },
                Field {
                    name: "new_password",
                    label: "Password",
                    kind: Kind::NewPassword { minimum: 12 },
                    value: "",
                    hint: "",
                },
            ],
            button: "Go",
        }
    }

    #[test]
    fn every_field_has_its_label_and_what_browsers_go_by() {
        let text = form("").markup(None).into_string();
        assert!(text.contains(r#"<label for="token">"#), "{text}");
        assert!(text.contains(r#"aria-describedby="token-hint""#), "{text}");
        assert!(
            text.contains(r#"autocomplete="new-password" minlength="12""#),
            "{text}"
        );
        assert!(
            !text.contains("aria-invalid") && !text.contains("autofocus"),
            "{text}"
        );
    }

    #[test]
    fn a_fault_is_told_at_its_field_and_the_form_is_kept() {
        let fault = Fault {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            field: "new_password".to_owned(),
            message: "<b>Too short".to_owned(),
        };
        let again = form("\"><script>").again(&fault);
        let text = String::from_utf8(again.page.html.to_vec()).unwrap();
        assert!(
            text.contains(r#"role="alert""#) && text.contains("&lt;b&gt;Too short"),
            "{text}"
        );
        assert!(
            text.contains("value=\"&quot;&gt;&lt;script&gt;\""),
            "{text}"
        );
        assert_eq!(text.matches(r#"aria-invalid="true""#).count(), 1, "{text}");
        assert!(text.contains(r#"aria-describedby="fault""#), "{text}");
    }

    #[test]
    fn remarks_become_sentences() {
        assert_eq!(sentence("use more"), "Use more.");
        assert_eq!(sentence("Ask again."), "Ask again.");
        assert_eq!(sentence(""), ".");
    }
}
