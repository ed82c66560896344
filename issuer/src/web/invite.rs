//! `/invite`: accepts an invite with the token from the mail.

use signet_core::account::DisplayName;
use signet_core::account::invite::AcceptedInvite;
use signet_core::password::Password;
use signet_core::password::new::NewPasswordError;
use signet_core::password::policy::PasswordFault;
use zeroize::Zeroizing;

use super::form::{Fault, Field, Form, Kind, done};
use crate::http::answer::{FormPage, Page};
use crate::http::cookie::OwnPage;
use crate::http::input;
use crate::http::input::fields::members;
use crate::http::input::member::Secret;
use crate::http::limit;
use crate::http::problem::{Code, Problem};
use crate::http::route::access::Anyone;
use crate::http::route::call::Call;
use crate::http::route::{Route, get, post};

const PATH: &str = "/invite";

const INVALID: &str = "This code was used before, is older than a week, or a newer one was sent. \
                       Ask whoever invited you for another mail.";

pub(super) fn routes() -> Vec<Route> {
    vec![
        get(PATH, limit::PAGE)
            .named("invitePage", "The page of invites")
            .page()
            .handled_by(open),
        post(PATH, limit::MAILED_TOKEN)
            .named("inviteForm", "Accept an invite")
            .page()
            .refuses(&[
                Code::InvalidMailedToken,
                Code::ValidationFailed,
                Code::WeakPassword,
                Code::CrossSiteRequest,
                Code::Overloaded,
            ])
            .handled_by(submit),
    ]
}

fn form<'a>(token: &'a str, name: &'a str, minimum: usize) -> Form<'a> {
    Form {
        path: PATH,
        title: "Accept your invite",
        lead: "Choose a password. Log in with it and the address the mail was sent to afterwards.",
        fields: vec![
            Field::mailed_token(token),
            Field {
                name: "name",
                label: "Your name",
                kind: Kind::Name,
                value: name,
                hint: "May stay empty.",
            },
            Field::new_password("password", "Password", minimum),
        ],
        button: "Accept the invite",
    }
}

async fn open(call: Call<Anyone>) -> Result<Page, Problem> {
    let minimum = call.app.issuer.settings().password.minimum;
    Ok(form("", "", minimum).page())
}

members! {
    /// Accepts an invite, on the page.
    pub(super) struct InviteForm {
        /// The token from the mail.
        token: Secret,
        /// What one wants to be called; empty for what the invite says.
        name: Secret,
        /// The password from now on.
        password: Secret,
    }
}

async fn submit(
    call: Call<Anyone, (OwnPage, input::Form<InviteForm>)>,
) -> Result<FormPage, Problem> {
    let origin = call.origin();
    let (OwnPage, input::Form(sent)) = call.input;
    let token = Zeroizing::new(sent.token.into_text().trim().to_owned());
    let name = sent.name.into_text();
    let issuer = &call.app.issuer;
    let form = form(&token, &name, issuer.settings().password.minimum);
    let name = match called(&name) {
        Ok(name) => name,
        Err(fault) => return Ok(form.again(&fault)),
    };
    let taken = match Password::new(sent.password.into_text()) {
        Ok(password) => {
            let accepted = AcceptedInvite {
                token: token.clone(),
                password,
                name,
            };
            issuer.accept_invite(&origin, accepted).await
        }
        Err(_) => Err(NewPasswordError::Weak(PasswordFault::TooLong).into()),
    };
    let Err(error) = taken else {
        return Ok(done(
            "You are in",
            "Your account is ready. You can close this page and log in.",
        ));
    };
    Ok(form.again(&Fault::of(error.into(), INVALID)?))
}

/// The name in the form, if there is one.
fn called(text: &str) -> Result<Option<DisplayName>, Fault> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    DisplayName::parse(text).map(Some).map_err(|error| Fault {
        status: Code::ValidationFailed.status(),
        field: "name".to_owned(),
        message: format!("The name {error}."),
    })
}
