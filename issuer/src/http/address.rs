//! Changing one's address, and taking that back.

use signet_core::email::EmailAddress;
use signet_core::password::Password;
use signet_core::session::LiveSession;

use super::answer::{Accepted, NoContent};
use super::input::Body;
use super::input::fields::members;
use super::input::member::Secret;
use super::limit;
use super::problem::{Code, Problem};
use super::route::access::Anyone;
use super::route::call::Call;
use super::route::{Route, post};

pub(super) fn routes() -> Vec<Route> {
    vec![
        post("/v1/me/email", limit::PASSWORD)
            .named(
                "askForEmailChange",
                "Ask for another address; mails to both addresses follow",
            )
            .bearer()
            .refuses(&[Code::Overloaded])
            .handled_by(ask),
        post("/v1/email/change", limit::MAILED_TOKEN)
            .named(
                "changeEmail",
                "Change the address, by the mail to the new one",
            )
            .refuses(&[Code::InvalidMailedToken])
            .handled_by(change),
        post("/v1/email/revert", limit::MAILED_TOKEN)
            .named(
                "revertEmail",
                "Take a change of address back, by the mail to the old one",
            )
            .refuses(&[Code::InvalidMailedToken])
            .handled_by(revert),
    ]
}

members! {
    /// Asks for another address.
    pub(super) struct EmailChangeBody {
        /// Where the mail is to go from then on.
        new_email: EmailAddress,
        /// The account's password.
        password: Password,
    }
}

async fn ask(call: Call<LiveSession, Body<EmailChangeBody>>) -> Result<Accepted, Problem> {
    let origin = call.origin();
    let Body(body) = call.input;
    let issuer = &call.app.issuer;
    issuer
        .ask_for_address_change(&origin, &call.caller, &body.new_email, body.password)
        .await?;
    Ok(Accepted)
}

members! {
    /// Carries a token from a mail.
    pub(super) struct MailedTokenBody {
        /// The token.
        token: Secret,
    }
}

async fn change(call: Call<Anyone, Body<MailedTokenBody>>) -> Result<NoContent, Problem> {
    let origin = call.origin();
    let Body(body) = call.input;
    let token = body.token.into_text();
    call.app.issuer.change_address(&origin, &token).await?;
    Ok(NoContent)
}

async fn revert(call: Call<Anyone, Body<MailedTokenBody>>) -> Result<NoContent, Problem> {
    let origin = call.origin();
    let Body(body) = call.input;
    let token = body.token.into_text();
    call.app.issuer.undo_address_change(&origin, &token).await?;
    Ok(NoContent)
}
