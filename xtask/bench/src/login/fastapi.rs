//! FastAPI with passlib, under the same load. It has no floor under its answers, no database, no
//! limits, and turns nobody away.

use std::time::Duration;

use serde_json::json;

use super::arrivals::Target as Address;
use super::{COST, OVERLOAD, PASSWORD, PEOPLE, measure, tell};
use crate::report::{Report, Target};
use crate::request::{get, post};
use crate::uvicorn::Uvicorn;

pub(super) async fn run(capacity: f64, time: Duration, report: &mut Report) {
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
    for (name, load) in [("idle", 0.0), ("1×", 1.0), ("10×", OVERLOAD)] {
        let measured = measure(logins(), load * capacity, time, &mut probes, || 0.0).await;
        tell(report, name, &measured);
        if load > 0.0 {
            report.figure(
                &format!("{name}: goodput, of cores ÷ one hash"),
                measured.goodput / capacity,
                "",
                Target::None,
            );
        }
    }
}
