//! `/verify`: proves a mailbox. The password chosen at registration shows that whoever opens the
//! mail is who registered.

use signet_core::account::register::Verification;
use signet_core::password::Password;
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

const PATH: &str = "/verify";

const MISMATCH: &str = "This code and this password don't go together, or the code was used \
                        before or is older than a day. Check the password, or ask for a new mail.";

pub(super) fn routes() -> Vec<Route> {
    vec![
        get(PATH, limit::PAGE)
            .named("verifyPage", "The page of verification mails")
            .page()
            .handled_by(open),
        post(PATH, limit::MAILED_TOKEN)
            .named("verifyForm", "Prove the mailbox")
            .page()
            .refuses(&[
                Code::InvalidMailedToken,
                Code::CrossSiteRequest,
                Code::Overloaded,
            ])
            .handled_by(submit),
    ]
}

fn form(token: &str) -> Form<'_> {
    Form {
        path: PATH,
        title: "Confirm your address",
        lead: "Enter the password you chose when you registered. It shows that it was you.",
        fields: vec![
            Field::mailed_token(token),
            Field {
                name: "password",
                label: "Password",
                kind: Kind::CurrentPassword,
                value: "",
                hint: "",
            },
        ],
        button: "Confirm the address",
    }
}

async fn open(_: Call<Anyone>) -> Result<Page, Problem> {
    Ok(form("").page())
}

members! {
    /// Proves a mailbox, on the page.
    pub(super) struct VerifyForm {
        /// The token from the mail.
        token: Secret,
        /// The password that was registered.
        password: Secret,
    }
}

async fn submit(
    call: Call<Anyone, (OwnPage, input::Form<VerifyForm>)>,
) -> Result<FormPage, Problem> {
    let origin = call.origin();
    let (OwnPage, input::Form(sent)) = call.input;
    let token = Zeroizing::new(sent.token.into_text().trim().to_owned());
    let verified = match Password::new(sent.password.into_text()) {
        Ok(password) => {
            let verification = Verification {
                token: token.clone(),
                registration: None,
                password: Some(password),
            };
            let issuer = &call.app.issuer;
            issuer
                .verify_email(&origin, verification)
                .await
                .map_err(Problem::from)
        }
        // No registration has one that long.
        Err(_) => Err(Code::InvalidMailedToken.into()),
    };
    match verified {
        Ok(_) => Ok(done(
            "Address confirmed",
            "Your account is ready. You can close this page and log in.",
        )),
        Err(problem) => Ok(form(&token).again(&Fault::of(problem, MISMATCH)?)),
    }
}
