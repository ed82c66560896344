//! FastAPI with passlib, under the same load. It has no floor under its answers, no database, no
//! limits, and turns nobody away.

use std::time::Duration;

use serde_json::json;
use signet_core::password::hasher::Algorithm;
use tokio::runtime::Runtime;

use super::arrivals::Target as Address;
use super::{COST, Measured, OVERLOAD, PASSWORD, PEOPLE, capacity, measure, tell, tell_goodput};
use crate::report::{Report, Target};
use crate::request::{get, post};
use crate::uvicorn::Uvicorn;

pub(super) fn run(runtime: &Runtime, time: Duration, report: &mut Report) {
    let bcrypt = Algorithm::Bcrypt { cost: COST };
    let before = capacity(bcrypt);
    let loads = runtime.block_on(load(before, time, report));
    tell_goodput(report, [before, capacity(bcrypt)], &loads, Target::None);
}

async fn load(capacity: f64, time: Duration, report: &mut Report) -> [(&'static str, Measured); 2] {
    let environment = vec![
        ("BCRYPT_COST", COST.to_string()),
        ("PASSWORD", PASSWORD.to_owned()),
        ("USERS", PEOPLE.to_string()),
    ];
    let service = Uvicorn::start("login", environment);
    let port = service.port;
    let logins = move || {
        Address::new(port, move |number| {
            let email = format!("user{}@example.com", number % PEOPLE);
            let body = json!({ "email": email, "password": PASSWORD });
            Some(post(port, "/login", &body))
        })
    };
    let keys = Address::new(port, move |_| Some(get(port, "/keys")));
    let mut probes = [("a constant", keys)];
    let mut at = async |name, load: f64| {
        let measured = measure(logins(), load * capacity, time, &mut probes, || 0.0).await;
        tell(report, name, &measured);
        measured
    };
    at("idle", 0.0).await;
    let borne = at("1×", 1.0).await;
    let beyond = at("10×", OVERLOAD).await;
    [("1×", borne), ("10×", beyond)]
}
