//! A service in front of which Signet decides: anyone with a token may see who they are, only
//! admins may list the agents.
//!
//! `cargo run -p agents-api` trusts the issuer that `cargo run` starts. Other places are given as
//! `ISSUER`, `AUDIENCE` and `LISTEN`.

use std::env;
use std::error::Error;

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use signet_tower::{Principal, Protect, Trust};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let issuer = setting("ISSUER", "http://127.0.0.1:8080");
    let audience = setting("AUDIENCE", "signet");
    let trust = Trust::fetch(&issuer, [audience.as_str()]).await?;

    let app = Router::new()
        .route("/agents", get(agents))
        .route_layer(Protect::new(trust.clone()).role("admin"))
        .merge(
            Router::new()
                .route("/whoami", get(whoami))
                .route_layer(Protect::new(trust)),
        )
        .route("/health", get(|| async { "ok" }));

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
