//! `/email-change`: confirms a change of address with the code from the mail to the new address, or
//! takes it back with the code from the mail to the old one. There is one field and one button for
//! both: the code itself says what it is for, and the mail has told its reader.

use signet_core::account::address::Settled;
use signet_core::ports::addresses::Undone;
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

const PATH: &str = "/email-change";

const INVALID: &str = "This code was used before, is too old, or isn't valid any more. A code that \
                       confirms a new address is good for an hour, one that keeps the old address \
                       for three days.";

pub(super) fn routes() -> Vec<Route> {
    vec![
        get(PATH, limit::PAGE)
            .named(
                "emailChangePage",
                "The page of mails about a change of address",
            )
            .page()
            .handled_by(open),
        post(PATH, limit::MAILED_TOKEN)
            .named(
                "emailChangeForm",
                "Change an address, or take that back, as the code from the mail says",
            )
            .page()
            .refuses(&[Code::InvalidMailedToken, Code::CrossSiteRequest])
            .handled_by(submit),
    ]
}

fn form(token: &str) -> Form<'_> {
    Form {
        path: PATH,
        title: "Change of address",
        lead: "The code from the mail to the new address confirms it. The code from the mail to the \
               old address keeps that one: the change is taken back, and if it was confirmed \
               already, all devices are logged out.",
        fields: vec![Field::mailed_token(token)],
        button: "Do what the mail says",
    }
}

async fn open(_: Call<Anyone>) -> Result<Page, Problem> {
    Ok(form("").page())
}

members! {
    /// Confirms a change of address or takes it back, on the page.
    pub(super) struct EmailChangeForm {
        /// The token from the mail.
        token: Secret,
    }
}

async fn submit(
    call: Call<Anyone, (OwnPage, input::Form<EmailChangeForm>)>,
) -> Result<FormPage, Problem> {
    let origin = call.origin();
    let (OwnPage, input::Form(sent)) = call.input;
    let token = Zeroizing::new(sent.token.into_text().trim().to_owned());
    let issuer = &call.app.issuer;
    match issuer.settle_address_change(&origin, &token).await {
        Ok(settled) => Ok(told(settled)),
        Err(error) => Ok(form(&token).again(&Fault::of(error.into(), INVALID)?)),
    }
}

fn told(settled: Settled) -> FormPage {
    match settled {
        Settled::Changed => done(
            "Address changed",
            "Your account has the new address from now on. You can close this page.",
        ),
        Settled::Undone(Undone::Cancelled) => done(
            "Change taken back",
            "Your account keeps its address. If it wasn't you who asked for another one, somebody \
             knows your password: choose a new one.",
        ),
        Settled::Undone(Undone::PutBack) => done(
            "Old address put back",
            "All devices are logged out. If it wasn't you who changed the address, somebody knows \
             your password: ask for a new one before you log in.",
        ),
    }
}
