//! Everybody whose address a stranger may ask about. To add somebody, give them an address here, make
//! them in [`Service::with_everybody`], and ask about them in `alike` and `timing`.

use http::{Method, StatusCode};
use serde_json::json;

use super::{Client, PASSWORD, Service, Setting};

// As long as each other, so that what a test masks may not hide a length.

/// Nobody has it.
pub(crate) const UNKNOWN: &str = "unknown--@example.com";
/// Of an account that is used.
pub(crate) const ACTIVE: &str = "active---@example.com";
/// It was registered, and waits to be confirmed.
pub(crate) const PENDING: &str = "pending--@example.com";
/// Of a suspended account.
pub(crate) const SUSPENDED: &str = "suspended@example.com";
/// Of an account that never confirmed it.
pub(crate) const UNPROVEN: &str = "unproven-@example.com";
/// Of an account whose invite nobody accepted.
pub(crate) const INVITED: &str = "invited--@example.com";

/// Who made them.
pub(crate) const ADMIN: &str = "admin@example.com";
/// Who may invite people, and may not see who has an account.
pub(crate) const BLIND: &str = "blind@example.com";

impl Service {
    /// Starts a service in which everybody there can be is there.
    pub(crate) async fn with_everybody(setting: Setting) -> Self {
        let service = Self::start_with(setting).await;
        let admin = service.member(ADMIN, &["admin"]).await;
        for email in [ACTIVE, SUSPENDED] {
            service.create_account(email, &[]).await;
        }
        let users = admin.get("/v1/admin/users?q=suspended").await.json();
        let id = users["users"][0]["id"].as_str().unwrap();
        let path = format!("/v1/admin/users/{id}/suspend");
        let suspended = admin.call(Method::POST, &path).send().await;
        suspended.expect(StatusCode::NO_CONTENT);
        service.create_unproven_account(UNPROVEN).await;
        let body = json!({ "email": INVITED, "roles": [] });
        let invited = admin.post("/v1/admin/users", body).await;
        invited.expect(StatusCode::CREATED);
        let body = json!({ "email": PENDING, "password": PASSWORD });
        let registered = service.client().post("/v1/register", body).await;
        registered.expect(StatusCode::ACCEPTED);
        service
    }

    /// Makes [`BLIND`], and logs them in.
    pub(crate) async fn blind_admin(&self) -> Client {
        let mut admin = self.client();
        admin.log_in(ADMIN, PASSWORD).await;
        let role = json!({ "name": "blind", "permissions": ["users:write"] });
        let created = admin.post("/v1/admin/roles", role).await;
        created.expect(StatusCode::CREATED);
        self.member(BLIND, &["blind"]).await
    }
}
