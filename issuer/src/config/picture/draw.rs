//! What the bands are drawn with. `x` grows with time and `y` downwards; a text stands on its `y`.

use maud::{Markup, html};

/// The width of the picture.
pub(super) const WIDTH: f64 = 940.0;
/// Where captions begin.
const MARGIN: f64 = 24.0;
/// How high a bar is.
const BAR: f64 = 18.0;
/// Where a text stands that goes with a bar.
const BASELINE: f64 = 13.0;
/// From one line of a caption to the next.
const LINE: f64 = 16.0;

/// A text.
pub(super) fn note(x: f64, y: f64, class: &str, text: Markup) -> Markup {
    html! { text x=(x) y=(y) class=(class) { (text) } }
}

/// What a lane is about: its name, and what there is to say of it.
pub(super) fn caption(y: f64, name: &str, lines: Vec<Markup>) -> Markup {
    html! {
        (note(MARGIN, y, "name", html! { (name) }))
        @for (number, line) in (1_u8..).zip(lines) {
            (note(MARGIN, y + LINE * f64::from(number), "quiet", line))
        }
    }
}

/// A time in which something is so, with a word inside.
pub(super) fn bar([from, to]: [f64; 2], y: f64, class: &str, word: &str) -> Markup {
    html! {
        rect x=(from) y=(y) width=(to - from) height=(BAR) rx="3" class={ "bar " (class) } {}
        @if !word.is_empty() {
            (note(f64::midpoint(from, to), y + BASELINE, "inside", html! { (word) }))
        }
    }
}

/// A word behind a bar, or a mark, that ends at `x`.
pub(super) fn beside(x: f64, y: f64, class: &str, text: Markup) -> Markup {
    note(x + 10.0, y + BASELINE, class, text)
}

/// A moment that matters to several lanes.
pub(super) fn moment(x: f64, [from, to]: [f64; 2], class: &str, name: &str) -> Markup {
    html! {
        line.moment x1=(x) x2=(x) y1=(from + 6.0) y2=(to) {}
        (note(x, from, &format!("event {class}"), html! { (name) }))
    }
}

/// How long something takes, with the words below.
pub(super) fn measure([from, to]: [f64; 2], y: f64, text: Markup) -> Markup {
    html! {
        path.measure d={
            "M" (from) " " (y - 4.0) "v8M" (to) " " (y - 4.0) "v8M" (from) " " (y) "H" (to)
        } {}
        (note(f64::midpoint(from, to), y + 17.0, "event", text))
    }
}

/// A mark on a line.
pub(super) fn dot(x: f64, y: f64, class: &str) -> Markup {
    html! { circle cx=(x) cy=(y) r="4.5" class=(class) {} }
}

/// What separates two bands.
pub(super) fn rule(y: f64) -> Markup {
    html! { line.rule x1=(MARGIN) x2=(WIDTH - MARGIN) y1=(y) y2=(y) {} }
}

/// What bars are hatched with.
pub(super) fn patterns() -> Markup {
    html! {
        defs {
            @for name in ["access", "refresh", "fault"] {
                pattern id={ "hatched-" (name) } width="6" height="6"
                    patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    line class={ "hatch " (name) } x1="1.5" x2="1.5" y1="0" y2="6" {}
                }
            }
        }
    }
}
