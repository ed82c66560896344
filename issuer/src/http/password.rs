//! Replacing passwords: with a token from a mail, or with the old one.

use signet_core::password::Password;
use signet_core::session::LiveSession;

use super::account::EmailBody;
use super::answer::{Accepted, NoContent};
use super::input::Body;
use super::input::fields::members;
use super::input::member::{NewPassword, Secret};
use super::limit;
use super::problem::{Code, Problem};
use super::route::access::Anyone;
use super::route::call::Call;
use super::route::{Route, post};

pub(super) fn routes() -> Vec<Route> {
    vec![
        post("/v1/password/forgot", limit::MAIL)
            .named(
                "forgotPassword",
                "Have a mail sent that lets one set a new password",
            )
            .handled_by(forgot),
        post("/v1/password/reset", limit::MAILED_TOKEN)
            .named("resetPassword", "Set a new password; all sessions are over")
            .refuses(&[
                Code::InvalidMailedToken,
                Code::WeakPassword,
                Code::Overloaded,
            ])
            .handled_by(reset),
        post("/v1/password/change", limit::PASSWORD)
            .named(
                "changePassword",
                "Change one's password; other sessions are over",
            )
            .bearer()
            .refuses(&[Code::WeakPassword, Code::Overloaded])
            .handled_by(change),
    ]
}

async fn forgot(call: Call<Anyone, Body<EmailBody>>) -> Result<Accepted, Problem> {
    let origin = call.origin();
    let Body(body) = call.input;
    let issuer = &call.app.issuer;
    issuer.forgot_password(&origin, &body.email).await?;
    Ok(Accepted)
}

members! {
    /// Sets a new password with a token from a mail.
    pub(super) struct ResetPasswordBody {
        /// The token from the mail.
        token: Secret,
        /// The password from now on.
        new_password: NewPassword,
    }
}

async fn reset(call: Call<Anyone, Body<ResetPasswordBody>>) -> Result<NoContent, Problem> {
    let origin = call.origin();
    let Body(body) = call.input;
    let token = body.token.into_text();
    let NewPassword(password) = body.new_password;
    let issuer = &call.app.issuer;
    issuer.reset_password(&origin, token, password).await?;
    Ok(NoContent)
}

members! {
    /// Changes one's password.
    pub(super) struct ChangePasswordBody {
        /// The password so far.
        current_password: Password,
        /// The password from now on.
        new_password: NewPassword,
    }
}

async fn change(call: Call<LiveSession, Body<ChangePasswordBody>>) -> Result<NoContent, Problem> {
    let origin = call.origin();
    let Body(body) = call.input;
    let NewPassword(new) = body.new_password;
    let issuer = &call.app.issuer;
    issuer
        .change_password(&origin, &call.caller, body.current_password, new)
        .await?;
    Ok(NoContent)
}
