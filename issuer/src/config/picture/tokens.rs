//! From a login to the end of the last token: refreshes, a used token that comes back, and the feed.

use maud::{Markup, html};

use super::draw::{bar, beside, caption, dot, measure, moment};
use super::times::Times;

const TOP: f64 = 96.0;
const BOTTOM: f64 = 352.0;

/// When the pairs are handed out.
const PAIRS: [f64; 3] = [280.0, 430.0, 580.0];
/// When a used refresh token comes back.
const REPLAY: f64 = 670.0;
/// When all verifiers have heard of it.
const HEARD: f64 = 706.0;
/// When the feed names the session no more.
const FORGOTTEN: f64 = 900.0;
/// How long an access token lives, and by how much chance may cut that.
const ACCESS: f64 = 170.0;
const CHANCE: f64 = 9.0;
/// How long a used refresh token is answered once more.
const GRACE: f64 = 36.0;

const ACCESS_ROWS: [f64; 3] = [114.0, 138.0, 162.0];
const REFRESH_ROWS: [f64; 3] = [206.0, 230.0, 254.0];
const FEED_ROW: f64 = 300.0;

pub(super) fn band(times: &Times) -> Markup {
    let [login, first, second] = PAIRS;
    html! {
        (moment(login, [TOP, BOTTOM], "", "login"))
        (moment(first, [TOP, BOTTOM], "", "refresh"))
        (moment(second, [TOP, BOTTOM], "", "refresh"))
        (moment(REPLAY, [TOP, BOTTOM], "fault", "replay"))
        (access_tokens(times))
        (refresh_tokens(times))
        (feed(times))
    }
}

fn access_tokens(times: &Times) -> Markup {
    let [shortest, longest] = times.access;
    let [login, _, last] = PAIRS;
    let [top, _, bottom] = ACCESS_ROWS;
    let end = last + ACCESS;
    html! {
        (caption(127.0, "Access token", vec![
            html! { "good for " (longest.set()) " at most," },
            html! { "and " (shortest.set()) " at least" },
        ]))
        @for (row, from) in ACCESS_ROWS.into_iter().zip(PAIRS).take(2) {
            (bar([from, from + ACCESS], row, "access", "access token"))
            (bar([from + ACCESS - CHANCE, from + ACCESS], row, "access hatched", ""))
        }
        (beside(login + ACCESS, top, "quiet", html! { "cut by chance" }))
        (bar([last, REPLAY], bottom, "access", ""))
        (bar([REPLAY, HEARD], bottom, "fault hatched", ""))
        (bar([HEARD, end], bottom, "over", ""))
        (beside(end, bottom, "", html! { "refused after " (times.feed_lag()) " at most" }))
    }
}

fn refresh_tokens(times: &Times) -> Markup {
    let [login, first, second] = PAIRS;
    let [top, middle, bottom] = REFRESH_ROWS;
    let mut lines = vec![html! { "good once, for the next pair;" }];
    match times.grace.is_none() {
        true => lines.push(html! { "a second time is a replay" }),
        false => lines.extend([
            html! { "for " (times.grace.set()) " it is answered once more," },
            html! { "with the same next token" },
        ]),
    }
    html! {
        (caption(219.0, "Refresh token", lines))
        (bar([login, first], top, "refresh", "refresh token"))
        (bar([first, second], middle, "refresh", "refresh token"))
        (bar([second, REPLAY], bottom, "refresh", "refresh token"))
        @if !times.grace.is_none() {
            (bar([first, first + GRACE], top, "refresh hatched", ""))
            (beside(first + GRACE, top, "quiet", html! { "grace" }))
            (bar([second, second + GRACE], middle, "refresh hatched", ""))
        }
        (dot(REPLAY, middle + 9.0, "fault"))
        (beside(REPLAY, middle, "fault", html! { "a used one comes back" }))
        (beside(REPLAY, bottom, "", html! { "the session ends, with a mail" }))
    }
}

fn feed(times: &Times) -> Markup {
    let [shortest, longest] = times.feed_read;
    html! {
        (caption(313.0, "Revocation feed", vec![
            html! { "verifiers read it every " (shortest) " to " (longest) "," },
            html! { "a cache may keep it for " (times.feed_kept) ";" },
            html! { "strict rules want one of the last " (times.feed_fresh) },
        ]))
        (bar([REPLAY, FORGOTTEN], FEED_ROW, "fault", "names the session"))
        (measure([REPLAY, FORGOTTEN], FEED_ROW + 30.0, html! {
            (times.in_feed.set()) ", until no token is left"
        }))
    }
}
