//! How long a session lives: as long as it is refreshed, up to two limits.

use maud::{Markup, html};

use super::draw::{caption, dot, measure, rule};
use super::times::Times;

const LINE: f64 = 424.0;
/// The login and the refreshes after it.
const REFRESHES: [f64; 6] = [280.0, 340.0, 400.0, 460.0, 520.0, 580.0];
/// When the session ends if that was the last refresh, and when it ends anyway.
const IDLE: f64 = 780.0;
const ABSOLUTE: f64 = 900.0;

pub(super) fn band(times: &Times) -> Markup {
    let [login, .., last] = REFRESHES;
    html! {
        (rule(386.0))
        (caption(420.0, "Session", vec![
            html! { "each refresh keeps it alive," },
            html! { "up to two limits" },
        ]))
        line.life x1=(login) x2=(last) y1=(LINE) y2=(LINE) {}
        line.life.waning x1=(last) x2=(ABSOLUTE) y1=(LINE) y2=(LINE) {}
        @for refresh in REFRESHES { (dot(refresh, LINE, "refresh")) }
        @for end in [IDLE, ABSOLUTE] { (dot(end, LINE, "fault")) }
        (measure([last, IDLE], LINE + 20.0, html! { (times.idle.set()) " without a refresh" }))
        (measure([login, ABSOLUTE], LINE + 56.0, html! {
            (times.absolute.set()) " after the login, whatever happens"
        }))
    }
}
