//! `signet config picture`: the life of a token as an SVG, with the numbers that count here.
//!
//! [`Times`] takes every number from the part of the program that goes by it. Each band of the
//! picture is a file that says where what stands ([`tokens`], [`session`], [`key`]); `draw` knows how
//! things look, and `style.css` in which colours. Lengths on the picture are not to scale: any
//! configuration has the same picture, with other words.
//!
//! To show something else: give [`Times`] its number, and draw it in its band. `cargo xtask picture`
//! writes docs/token-life.svg anew, and `cargo xtask test interop` looks in a browser whether every
//! word has its place, whatever is configured.

mod draw;
mod key;
mod length;
mod session;
mod times;
mod tokens;

use maud::{Markup, PreEscaped, html};
use signet_core::issuer::Settings;

use draw::{WIDTH, note};
use times::Times;

const STYLE: &str = include_str!("picture/style.css");
const HEIGHT: f64 = 652.0;

/// The picture for an issuer with these settings, with a line feed at its end.
#[must_use]
pub fn svg(settings: &Settings) -> String {
    let times = Times::of(settings);
    let picture = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (WIDTH) " " (HEIGHT) }
            width=(WIDTH) height=(HEIGHT) role="img" aria-labelledby="title about" {
            title id="title" { "The life of a token" }
            desc id="about" { (about(&times)) }
            style { (PreEscaped(STYLE)) }
            (draw::patterns())
            rect.ground width=(WIDTH) height=(HEIGHT) rx="12" {}
            (note(24.0, 38.0, "heading", html! { "The life of a token" }))
            (note(24.0, 60.0, "quiet", html! {
                "Not to scale. What is " tspan.set { "bold" }
                " follows from the configuration, the rest is fixed."
            }))
            (tokens::band(&times))
            (session::band(&times))
            (key::band(&times))
        }
    };
    format!("{}\n", picture.into_string())
}

/// The same in words, for whoever doesn't see it.
fn about(times: &Times) -> Markup {
    let [shortest, longest] = times.access;
    let again = match times.grace.is_none() {
        true => "A second time is a replay".to_owned(),
        false => format!(
            "For {} it is answered once more, with the same next token; later it is a replay",
            times.grace
        ),
    };
    html! {
        "A login brings an access token and a refresh token. The access token is good for " (longest)
        " at most and " (shortest) " at least. The refresh token is good once, for the next pair. "
        (again) ", which ends the session and tells its owner by mail. The revocation feed then names "
        "the session for " (times.in_feed) ", until its last access token has expired everywhere. "
        "Verifiers read the feed every " (times.feed_read[0]) " to " (times.feed_read[1])
        ", and a cache may keep it for " (times.feed_kept) ", so they refuse the token after "
        (times.feed_lag()) " at most. A session ends after " (times.idle) " without a refresh, and "
        (times.absolute) " after the login whatever happens. A signing key is published for "
        (times.keys.published) " or more before it signs, signs for " (times.keys.signs)
        ", stays published for " (times.keys.outlives) " and is removed then. Verifiers fetch the key "
        "set every " (times.keys_read[0]) " to " (times.keys_read[1]) "; what they have "
        "is good for " (times.keys_stale) " where the issuer is away."
    }
}
