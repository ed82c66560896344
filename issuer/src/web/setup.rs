//! `/setup`: makes the first admin with the token from the terminal, in local mode.

use signet_core::account::setup::Setup;
use signet_core::email::EmailAddress;
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

const PATH: &str = "/setup";

const INVALID: &str = "This code was used before, is older than an hour, or a newer one was \
                       shown. Start Signet again in a terminal to get another one.";

pub(super) fn routes() -> Vec<Route> {
    vec![
        get(PATH, limit::PAGE)
            .named("setupPage", "The page of the setup link")
            .local_only()
            .page()
            .handled_by(open),
        post(PATH, limit::MAILED_TOKEN)
            .named("setupForm", "Create the first admin, in local mode")
            .local_only()
            .page()
            .refuses(&[
                Code::InvalidMailedToken,
                Code::ValidationFailed,
                Code::WeakPassword,
                Code::Conflict,
                Code::CrossSiteRequest,
                Code::Overloaded,
            ])
            .handled_by(submit),
    ]
}

fn form<'a>(token: &'a str, email: &'a str, minimum: usize) -> Form<'a> {
    Form {
        path: PATH,
        title: "Make the first admin",
        lead: "Whoever has this account may do everything. The link works once.",
        fields: vec![
            Field {
                name: "token",
                label: "Code from the terminal",
                kind: Kind::Token,
                value: token,
                hint: "The link in the terminal fills this in; you can paste it as well.",
            },
            Field {
                name: "email",
                label: "Mail address",
                kind: Kind::Email,
                value: email,
                hint: "",
            },
            Field::new_password("password", "Password", minimum),
        ],
        button: "Create the admin",
    }
}

async fn open(call: Call<Anyone>) -> Result<Page, Problem> {
    let issuer = &call.app.issuer;
    if !issuer.setup_is_open().await? {
        return Err(Code::NotFound.into());
    }
    Ok(form("", "", issuer.settings().password.minimum).page())
}

members! {
    /// Creates the first admin, on the page.
    pub(super) struct SetupForm {
        /// The token from the terminal.
        token: Secret,
        /// The admin's address.
        email: Secret,
        /// The admin's password.
        password: Secret,
    }
}

async fn submit(
    call: Call<Anyone, (OwnPage, input::Form<SetupForm>)>,
) -> Result<FormPage, Problem> {
    let origin = call.origin();
    let (OwnPage, input::Form(sent)) = call.input;
    let token = Zeroizing::new(sent.token.into_text().trim().to_owned());
    let email = sent.email.into_text();
    let issuer = &call.app.issuer;
    let form = form(&token, &email, issuer.settings().password.minimum);
    let email = match EmailAddress::parse(email.trim()) {
        Ok(email) => email,
        Err(error) => {
            let fault = Fault {
                status: Code::ValidationFailed.status(),
                field: "email".to_owned(),
                message: format!("The address {error}."),
            };
            return Ok(form.again(&fault));
        }
    };
    let made = match Password::new(sent.password.into_text()) {
        Ok(password) => {
            let setup = Setup {
                token: token.clone(),
                email,
                password,
            };
            issuer.set_up(&origin, setup).await
        }
        Err(_) => Err(NewPasswordError::Weak(PasswordFault::TooLong).into()),
    };
    let Err(error) = made else {
        return Ok(done(
            "The admin is there",
            "You can close this page and log in.",
        ));
    };
    Ok(form.again(&Fault::of(error.into(), INVALID)?))
}
