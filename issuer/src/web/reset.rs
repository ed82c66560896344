//! `/reset`: sets a new password with the token from a mail.

use signet_core::password::Password;
use signet_core::password::new::NewPasswordError;
use signet_core::password::policy::PasswordFault;
use zeroize::Zeroizing;

use super::form::{Fault, Field, Form, done};
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

const PATH: &str = "/reset";

const INVALID: &str = "This code was used before, is older than an hour, or a newer one was sent. \
                       Ask for a new mail.";

pub(super) fn routes() -> Vec<Route> {
    vec![
        get(PATH, limit::PAGE)
            .named("resetPage", "The page of reset mails")
            .page()
            .handled_by(open),
        post(PATH, limit::MAILED_TOKEN)
            .named("resetForm", "Set a new password; all sessions are over")
            .page()
            .refuses(&[
                Code::InvalidMailedToken,
                Code::WeakPassword,
                Code::CrossSiteRequest,
                Code::Overloaded,
            ])
            .handled_by(submit),
    ]
}

fn form(token: &str, minimum: usize) -> Form<'_> {
    Form {
        path: PATH,
        title: "Choose a new password",
        lead: "All devices are logged out when you do. Log in with the new password afterwards.",
        fields: vec![
            Field::mailed_token(token),
            Field::new_password("new_password", "New password", minimum),
        ],
        button: "Set the password",
    }
}

async fn open(call: Call<Anyone>) -> Result<Page, Problem> {
    let minimum = call.app.issuer.settings().password.minimum;
    Ok(form("", minimum).page())
}

members! {
    /// Sets a new password, on the page.
    pub(super) struct ResetForm {
        /// The token from the mail.
        token: Secret,
        /// The password from now on.
        new_password: Secret,
    }
}

async fn submit(
    call: Call<Anyone, (OwnPage, input::Form<ResetForm>)>,
) -> Result<FormPage, Problem> {
    let origin = call.origin();
    let (OwnPage, input::Form(sent)) = call.input;
    let token = Zeroizing::new(sent.token.into_text().trim().to_owned());
    let issuer = &call.app.issuer;
    let reset = match Password::new(sent.new_password.into_text()) {
        Ok(password) => {
            issuer
                .reset_password(&origin, token.clone(), password)
                .await
        }
        Err(_) => Err(NewPasswordError::Weak(PasswordFault::TooLong).into()),
    };
    let Err(error) = reset else {
        return Ok(done(
            "Password set",
            "All devices are logged out. You can close this page and log in with the new password.",
        ));
    };
    let fault = Fault::of(error.into(), INVALID)?;
    Ok(form(&token, issuer.settings().password.minimum).again(&fault))
}
