//! Inviting people.

use std::collections::BTreeSet;

use signet_core::account::DisplayName;
use signet_core::account::invite::Invitation;
use signet_core::email::EmailAddress;
use signet_core::role::RoleName;
use signet_core::session::LiveSession;

use super::users::User;
use crate::http::answer::Created;
use crate::http::input::Body;
use crate::http::input::fields::members;
use crate::http::limit;
use crate::http::problem::{Code, Problem};
use crate::http::route::call::Call;
use crate::http::route::{Route, post};

const WRITE: &str = "users:write";

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        post("/v1/admin/users", limit::ADMIN)
            .named(
                "inviteUser",
                "Invite somebody by mail, or once more; needs users:read as well",
            )
            .permission(WRITE)
            .fresh()
            .refuses(&[Code::Conflict])
            .handled_by(invite),
    ]
}

members! {
    /// Invites somebody. Where they are invited already, the newer invite takes the place of the
    /// one before, roles included.
    pub(in crate::http) struct InviteBody {
        /// Where the invite goes.
        email: EmailAddress,
        /// What they are called, until they say otherwise.
        name: Option<DisplayName>,
        /// The roles they will have; `user` may be left out.
        roles: BTreeSet<RoleName>,
    }
}

async fn invite(call: Call<LiveSession, Body<InviteBody>>) -> Result<Created<User>, Problem> {
    let origin = call.origin();
    let Body(body) = call.input;
    let invitation = Invitation {
        email: body.email,
        name: body.name,
        roles: body.roles,
    };
    let issuer = &call.app.issuer;
    let account = issuer.invite(&origin, &call.caller, invitation).await?;
    Ok(Created {
        location: format!("/v1/admin/users/{}", account.id),
        document: account.into(),
    })
}
