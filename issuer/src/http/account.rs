//! Getting an account, and looking after one's own.

use schemars::JsonSchema;
use serde::Serialize;
use signet_core::account::register::{Registration, Verification};
use signet_core::account::{Account, DisplayName};
use signet_core::email::EmailAddress;
use signet_core::issuer::TokenRequest;
use signet_core::password::Password;
use signet_core::role::Authority;
use signet_core::session::LiveSession;
use uuid::Uuid;

use super::answer::{Accepted, AcceptedWith, Json};
use super::cookie::Browser;
use super::input::Body;
use super::input::fields::members;
use super::input::member::{Change, NewPassword, Secret};
use super::limit;
use super::problem::{Code, Problem};
use super::route::access::Anyone;
use super::route::call::Call;
use super::route::{Route, get, patch, post};
use super::transport::{ByCookie, SessionTokens, Transport};
use super::wire::{Revealed, Timestamp, permission_names, role_names};

pub(super) fn routes() -> Vec<Route> {
    vec![
        post("/v1/register", limit::REGISTER)
            .named("register", "Ask for an account; a mail follows")
            .refuses(&[Code::WeakPassword, Code::Overloaded])
            .handled_by(register),
        post("/v1/email/verify", limit::MAILED_TOKEN)
            .named("verifyEmail", "Prove the mailbox and log in")
            .refuses(&[
                Code::InvalidMailedToken,
                Code::CrossSiteRequest,
                Code::Overloaded,
            ])
            .handled_by(verify),
        post("/v1/email/verify/resend", limit::MAIL)
            .named(
                "resendVerification",
                "Have the verification mail sent again",
            )
            .handled_by(resend),
        get("/v1/me", limit::READ)
            .named("getMe", "Who one is, and what one may do")
            .bearer()
            .handled_by(read),
        patch("/v1/me", limit::WRITE)
            .named("updateMe", "Change one's name")
            .bearer()
            .handled_by(update),
    ]
}

members! {
    /// Asks for an account.
    pub(super) struct RegisterBody {
        /// Where the mail goes.
        email: EmailAddress,
        /// The password the account will have.
        password: NewPassword,
        /// What its owner wants to be called.
        name: Option<DisplayName>,
    }
}

/// What an asker for an account keeps until the mail has come.
#[derive(JsonSchema, Serialize)]
pub(super) struct RegisterAnswer {
    /// Shows, together with the token from the mail, that the one who verifies is the one who
    /// registered.
    registration: Revealed,
}

async fn register(
    call: Call<Anyone, Body<RegisterBody>>,
) -> Result<AcceptedWith<RegisterAnswer>, Problem> {
    let origin = call.origin();
    let Body(body) = call.input;
    let registration = Registration {
        email: body.email,
        password: body.password.0,
        name: body.name,
    };
    let secret = call.app.issuer.register(&origin, registration).await?;
    Ok(AcceptedWith(RegisterAnswer {
        registration: secret.reveal().into(),
    }))
}

members! {
    /// Proves a mailbox. Besides the token, one of `registration` and `password` is needed.
    pub(super) struct VerifyBody {
        /// The token from the mail.
        token: Secret,
        /// What the registration was answered with.
        registration: Option<Secret>,
        /// The password that was registered.
        password: Option<Password>,
        /// Whom the access token is for; the first configured audience where nothing is said.
        audience: Option<String>,
        /// Whom the access token is issued to; the first configured client where nothing is said.
        client: Option<String>,
        /// Where the refresh token goes: into a cookie, or into the answer where nothing is said.
        transport: Option<ByCookie>,
    }
}

async fn verify(call: Call<Anyone, (Browser, Body<VerifyBody>)>) -> Result<SessionTokens, Problem> {
    let origin = call.origin();
    let (browser, Body(body)) = call.input;
    let transport = Transport::asked(&call.app, &browser, body.transport)?;
    if body.registration.is_none() && body.password.is_none() {
        let message = "is missing; it or the password is needed";
        let problem = Problem::from(Code::ValidationFailed);
        return Err(problem.with_error("registration", "missing", message));
    }
    let verification = Verification {
        token: body.token.into_text(),
        registration: body.registration.map(Secret::into_text),
        password: body.password,
    };
    let request = TokenRequest {
        audience: body.audience,
        client: body.client,
    };
    let issuer = &call.app.issuer;
    let tokens = issuer
        .verify_email_and_open(&origin, verification, &request)
        .await?;
    transport
        .end_what_is_overwritten(&call.app, &origin, &browser)
        .await;
    Ok(transport.carry(tokens))
}

members! {
    /// Names a mailbox.
    pub(super) struct EmailBody {
        /// Its address.
        email: EmailAddress,
    }
}

async fn resend(call: Call<Anyone, Body<EmailBody>>) -> Result<Accepted, Problem> {
    let origin = call.origin();
    let Body(body) = call.input;
    let issuer = &call.app.issuer;
    issuer.resend_verification(&origin, &body.email).await?;
    Ok(Accepted)
}

/// One's own account.
#[derive(JsonSchema, Serialize)]
pub(super) struct Me {
    /// Its id; the `sub` of its tokens.
    id: Uuid,
    /// Where its mail goes.
    email: String,
    /// Whether the mailbox is proven.
    email_verified: bool,
    /// What its owner wants to be called.
    name: Option<String>,
    /// Its roles.
    roles: Vec<String>,
    /// Everything its roles permit.
    permissions: Vec<String>,
    /// When it was created.
    created_at: Timestamp,
}

impl Me {
    fn new(account: &Account, authority: &Authority) -> Self {
        Self {
            id: account.id.0,
            email: account.email.original().to_owned(),
            email_verified: account.email_verified,
            name: account.name.as_ref().map(|name| name.as_str().to_owned()),
            roles: role_names(&authority.roles),
            permissions: permission_names(&authority.permissions),
            created_at: account.created_at.into(),
        }
    }
}

async fn read(call: Call<LiveSession>) -> Result<Json<Me>, Problem> {
    let LiveSession {
        account, authority, ..
    } = &call.caller;
    Ok(Json(Me::new(account, authority)))
}

members! {
    /// Changes one's own account.
    pub(super) struct UpdateMeBody {
        /// What one wants to be called; `null` for no name.
        name: Change<DisplayName>,
    }
}

async fn update(call: Call<LiveSession, Body<UpdateMeBody>>) -> Result<Json<Me>, Problem> {
    let origin = call.origin();
    let session = call.caller;
    let Body(body) = call.input;
    let account = match body.name {
        Change::Keep => session.account,
        Change::Set(name) => call.app.issuer.rename(&origin, &session, name).await?,
    };
    Ok(Json(Me::new(&account, &session.authority)))
}
