//! A service in front of which Signet decides, by the policy beside it: anyone with a token may see
//! who they are, only admins may list the agents. It trusts the issuer that `cargo run` starts.

use std::env;
use std::error::Error;

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use signet_tower::{Principal, SignetLayer, Trust, read_policy};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let issuer = setting("ISSUER", "http://127.0.0.1:8080");
    let policy = read_policy(include_str!("../policy.toml"))?.for_issuer(&issuer);
    let trust = Trust::fetch(&issuer).await?;

    let app = Router::new()
        .route("/health", get(|| async { "ok" }))
        .route("/whoami", get(whoami))
        .route("/agents", get(agents))
        .layer(SignetLayer::new(trust, policy)?);

    let listener = tokio::net::TcpListener::bind(setting("LISTEN", "127.0.0.1:8081")).await?;
    axum::serve(listener, app).await?;
    Ok(())
}

async fn whoami(who: Principal) -> Json<Value> {
    Json(json!({ "subject": who.subject(), "session": who.session_id() }))
}

async fn agents(who: Principal) -> Json<Value> {
    Json(json!({ "agents": ["scribe", "scout"], "seen_by": who.subject() }))
}

fn setting(name: &str, default: &str) -> String {
    env::var(name).unwrap_or_else(|_| default.to_owned())
}
