//! The first admin, by the link that local mode prints on the terminal.

use signet_core::account::setup::Setup;
use signet_core::email::EmailAddress;
use signet_core::issuer::TokenRequest;

use super::answer::Json;
use super::input::Body;
use super::input::fields::members;
use super::input::member::{NewPassword, Secret};
use super::limit;
use super::problem::{Code, Problem};
use super::route::access::Anyone;
use super::route::call::Call;
use super::route::{Route, post};
use super::wire::SessionAnswer;

pub(super) fn routes() -> Vec<Route> {
    vec![
        post("/v1/setup", limit::MAILED_TOKEN)
            .named("setUp", "Create the first admin, in local mode")
            .local_only()
            .refuses(&[
                Code::NotFound,
                Code::InvalidMailedToken,
                Code::WeakPassword,
                Code::Conflict,
                Code::Overloaded,
            ])
            .handled_by(set_up),
    ]
}

members! {
    /// Creates the first admin.
    pub(super) struct SetupBody {
        /// The token from the terminal.
        token: Secret,
        /// The admin's address.
        email: EmailAddress,
        /// The admin's password.
        password: NewPassword,
    }
}

async fn set_up(call: Call<Anyone, Body<SetupBody>>) -> Result<Json<SessionAnswer>, Problem> {
    let origin = call.origin();
    let Body(body) = call.input;
    let setup = Setup {
        token: body.token.into_text(),
        email: body.email,
        password: body.password.0,
    };
    let issuer = &call.app.issuer;
    let tokens = issuer
        .set_up_and_open(&origin, setup, &TokenRequest::default())
        .await?;
    Ok(Json(tokens.into()))
}
