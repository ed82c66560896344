//! The life of a signing key, and when verifiers know of it.

use maud::{Markup, html};

use super::draw::{bar, caption, measure, note, rule};
use super::times::Times;

const ROW: f64 = 566.0;
const MEASURES: f64 = 602.0;
/// When it is published, signs, stops, and is removed, and the end of the picture.
const STAGES: [f64; 5] = [280.0, 405.0, 640.0, 765.0, 900.0];

pub(super) fn band(times: &Times) -> Markup {
    let [published, signs, stops, removed, end] = STAGES;
    let [shortest, longest] = times.keys_read;
    html! {
        (rule(514.0))
        (caption(548.0, "Signing key", vec![
            html! { "verifiers fetch the key set" },
            html! { "every " (shortest) " to " (longest) "," },
            html! { "a cache may keep it for " (times.keys_kept) ";" },
            html! { "without the issuer, what they have" },
            html! { "is good for " (times.keys_stale) },
        ]))
        (note(published, ROW - 14.0, "", html! { "in the key set" }))
        path.measure d={ "M" (published) " " (ROW - 8.0) "H" (removed) } {}
        (bar([published, signs], ROW, "key", "next"))
        (bar([signs, stops], ROW, "key strong", "active"))
        (bar([stops, removed], ROW, "key", "retired"))
        (bar([removed, end], ROW, "over", "removed"))
        (measure([published, signs], MEASURES, html! { (times.keys.published) " or more" }))
        (measure([signs, stops], MEASURES, html! { (times.keys.signs) }))
        (measure([stops, removed], MEASURES, times.keys.outlives.set()))
    }
}
