//! H: the header. Its cases are signed as they stand, so that nothing else speaks against them.

mod algorithms;
mod key_ids;
mod parameters;
mod types;

use super::case::Case;
use super::mint::{Members, token};

/// Every case of the family.
pub(crate) fn cases() -> Vec<Case> {
    [
        not_an_object(),
        duplicates(),
        algorithms::cases(),
        parameters::cases(),
        key_ids::cases(),
        types::cases(),
        depths(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn of(id: &str, note: &str, header: &Members, code: &str) -> Case {
    Case::new(id, note, header.as_header(), code)
}

fn not_an_object() -> Vec<Case> {
    let claims = Members::claims().text();
    let good = Members::header().text();
    let headers: [(&str, &str, Vec<u8>); 20] = [
        ("H01", "no JSON", b"header".into()),
        ("H01", "an array", format!("[{good}]").into()),
        (
            "H01",
            "an array with a member twice inside",
            b"[{\"alg\":1,\"alg\":2}]".into(),
        ),
        ("H01", "a string", b"\"at+jwt\"".into()),
        ("H01", "a number", b"5".into()),
        ("H01", "null", b"null".into()),
        ("H01", "true", b"true".into()),
        ("H01", "white space", b"  ".into()),
        ("H01", "cut off", good[..good.len() - 1].into()),
        ("H02", "a byte order mark", format!("\u{feff}{good}").into()),
        ("H02", "bytes behind", format!("{good}x").into()),
        ("H02", "a second brace behind", format!("{good}}}").into()),
        ("H02", "two values", format!("{good}{good}").into()),
        ("H02", "a comment", format!("/* ours */{good}").into()),
        (
            "H02",
            "NaN",
            Members::header().and("x", "NaN").text().into(),
        ),
        (
            "H02",
            "a comma behind the last member",
            good.replace('}', ",}").into(),
        ),
        ("H02", "single quotes", good.replace('"', "'").into()),
        ("H02", "NUL behind", format!("{good}\0").into()),
        ("H02", "invalid UTF-8", [good.as_bytes(), b"\xff"].concat()),
        (
            "H02",
            "UTF-16",
            good.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        ),
    ];
    headers
        .into_iter()
        .map(|(id, note, header)| Case::new(id, note, token(header, &claims), "bad_header"))
        .collect()
}

fn duplicates() -> Vec<Case> {
    let header = Members::header;
    [
        (
            "H03",
            "alg twice, the same",
            header().and("alg", "\"EdDSA\""),
        ),
        (
            "H03",
            "alg twice, first none",
            Members::default()
                .and("alg", "\"none\"")
                .and("kid", "\"main\"")
                .and("typ", "\"at+jwt\"")
                .and("alg", "\"EdDSA\""),
        ),
        (
            "H03",
            "alg twice, then none",
            header().and("alg", "\"none\""),
        ),
        (
            "H03",
            "alg twice, once through an escape",
            header().and("\\u0061lg", "\"EdDSA\""),
        ),
        (
            "H03",
            "alg twice, once in capital escapes",
            header().and("\\u0061\\u006C\\u0067", "\"none\""),
        ),
        ("H04", "kid twice", header().and("kid", "\"main\"")),
        ("H04", "typ twice", header().and("typ", "\"at+jwt\"")),
        (
            "H04",
            "typ twice, once through an escape",
            header().and("t\\u0079p", "\"JWT\""),
        ),
        (
            "H04",
            "an unknown member twice",
            header().and("x", "1").and("x", "1"),
        ),
        (
            "H04",
            "a member of a member twice",
            header().and("x", "{\"y\":1,\"y\":2}"),
        ),
        (
            "H04",
            "crit twice",
            header().and("crit", "[]").and("crit", "[]"),
        ),
    ]
    .map(|(id, note, header)| of(id, note, &header, "dup_member"))
    .into()
}

fn depths() -> Vec<Case> {
    let nested = |depth: usize| {
        let value = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        Members::header().and("x", &value)
    };
    vec![
        of(
            "H25",
            "depth 8, in a member we don't take",
            &nested(7),
            "unknown_header",
        ),
        of("H25", "depth 9", &nested(8), "bad_header"),
        of("H25", "depth 100", &nested(99), "bad_header"),
        of("H25", "depth 1,000", &nested(999), "too_large"),
        Case::of(
            "H25",
            "depth 100,000, cut off",
            serde_json::json!({ "parts": [{ "repeat": ["W1tb", 33_334] }, ".e30.", { "repeat": ["A", 86] }] }),
            "too_large",
        ),
        Case::of(
            "H25",
            "as deep as 512 characters go, cut off",
            serde_json::json!({ "parts": [{ "repeat": ["W1tb", 128] }, ".e30.", { "repeat": ["A", 86] }] }),
            "bad_header",
        ),
    ]
}
