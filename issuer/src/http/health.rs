//! What balancers and supervisors ask.

use schemars::JsonSchema;
use serde::Serialize;

use super::answer::Json;
use super::limit;
use super::problem::{Code, Problem};
use super::route::access::Anyone;
use super::route::call::Call;
use super::route::{Route, get};

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/healthz", limit::PUBLIC)
            .named("health", "Whether the process lives")
            .handled_by(live),
        get("/readyz", limit::PROBE)
            .named(
                "readiness",
                "Whether the process can serve: its store answers, and it isn't ending",
            )
            .handled_by(ready),
    ]
}

/// What a probe is told.
#[derive(JsonSchema, Serialize)]
pub(super) struct Health {
    /// How it is.
    status: Status,
    /// Whether local mode's conveniences exist here.
    mode: Mode,
}

/// How a process is.
#[derive(JsonSchema, Serialize)]
#[schemars(inline)]
#[serde(rename_all = "snake_case")]
enum Status {
    Ok,
}

/// How a process was started.
#[derive(JsonSchema, Serialize)]
#[schemars(inline)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Local,
    Production,
}

async fn live(call: Call<Anyone>) -> Result<Json<Health>, Problem> {
    let mode = if call.app.is_local() {
        Mode::Local
    } else {
        Mode::Production
    };
    Ok(Json(Health {
        status: Status::Ok,
        mode,
    }))
}

async fn ready(call: Call<Anyone>) -> Result<Json<Health>, Problem> {
    if call.app.is_shutting_down() {
        let problem = Problem::from(Code::Unavailable).retry_after(1);
        return Err(problem.because("This process is about to end."));
    }
    call.app.issuer.ping().await?;
    live(call).await
}
