//! Accepting an invite.

use signet_core::account::DisplayName;
use signet_core::account::invite::AcceptedInvite;
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
        post("/v1/invite/accept", limit::MAILED_TOKEN)
            .named("acceptInvite", "Accept an invite and log in")
            .refuses(&[
                Code::InvalidMailedToken,
                Code::WeakPassword,
                Code::Overloaded,
            ])
            .handled_by(accept),
    ]
}

members! {
    /// Accepts an invite.
    pub(super) struct AcceptInviteBody {
        /// The token from the mail.
        token: Secret,
        /// The password of the account from now on.
        password: NewPassword,
        /// What one wants to be called, in place of what the invite says.
        name: Option<DisplayName>,
    }
}

async fn accept(
    call: Call<Anyone, Body<AcceptInviteBody>>,
) -> Result<Json<SessionAnswer>, Problem> {
    let origin = call.origin();
    let Body(body) = call.input;
    let accepted = AcceptedInvite {
        token: body.token.into_text(),
        password: body.password.0,
        name: body.name,
    };
    let issuer = &call.app.issuer;
    let tokens = issuer
        .accept_invite_and_open(&origin, accepted, &TokenRequest::default())
        .await?;
    Ok(Json(tokens.into()))
}
