//! S: the shape of a token, before a byte of it is decoded.

use serde_json::json;

use super::case::{ACCEPT, Case};
use super::mint::{Members, base64, good_token, split, token};

/// Every case of the family.
pub(crate) fn cases() -> Vec<Case> {
    let good = good_token();
    let mut cases = vec![Case::new("S01", "a good token", &good, ACCEPT)];
    cases.extend(counts(&good));
    cases.extend(lengths(&good));
    cases.extend(surroundings(&good));
    cases
}

fn counts(good: &str) -> Vec<Case> {
    let [h, p, s] = split(good);
    let malformed = [
        ("S02", "nothing", String::new()),
        ("S03", "one segment", h.into()),
        ("S03", "two segments", format!("{h}.{p}")),
        ("S03", "header and signature", format!("{h}.{s}")),
        ("S04", "a fourth segment", format!("{good}.x")),
        (
            "S04",
            "a fourth segment, which is the signature",
            format!("{good}.{s}"),
        ),
        (
            "S05",
            "five segments, the shape of a JWE",
            format!("{h}.{p}.{s}.{p}.{s}"),
        ),
        (
            "S05",
            "five segments, of which two are empty",
            format!("{h}..{p}..{s}"),
        ),
        ("S06", "an empty segment inside", format!("{h}..{p}.{s}")),
        ("S06", "a dot in front", format!(".{good}")),
        ("S06", "a dot behind", format!("{good}.")),
        ("S06", "two dots behind", format!("{good}..")),
        (
            "S06",
            "a double dot before the signature",
            format!("{h}.{p}..{s}"),
        ),
        ("S07", "no header", format!(".{p}.{s}")),
        ("S07", "no payload", format!("{h}..{s}")),
        ("S07", "no signature", format!("{h}.{p}.")),
        ("S07", "nothing but dots", "..".into()),
        ("S07", "one dot", ".".into()),
        ("S07", "only a header", format!("{h}..")),
        ("S07", "only a payload", format!(".{p}.")),
        ("S07", "only a signature", format!("..{s}")),
    ];
    let flat = json!({ "protected": h, "payload": p, "signature": s }).to_string();
    let general = json!({ "payload": p, "signatures": [{ "protected": h, "signature": s }] });
    malformed
        .into_iter()
        .chain([
            ("S08", "the flattened JSON serialisation", flat),
            ("S08", "the general JSON serialisation", general.to_string()),
            (
                "S08",
                "a JSON array of segments",
                json!([h, p, s]).to_string(),
            ),
        ])
        .map(|(id, note, token)| Case::new(id, note, token, "malformed"))
        .collect()
}

fn lengths(good: &str) -> Vec<Case> {
    let [_, p, s] = split(good);
    let of_letters = |before: &str, count: usize, after: &str, note: &str, code: &str| {
        let token = json!({ "parts": [before, { "repeat": ["A", count] }, after] });
        Case::of("S09", note, token, code)
    };
    let long_tail = format!(".{p}.{s}");
    let header_room = 8_192 - long_tail.len();
    vec![
        Case::new(
            "S09",
            "a payload segment of exactly 7,168 characters",
            padded_payload(7_168),
            ACCEPT,
        ),
        Case::new(
            "S09",
            "a payload segment of 7,170 characters",
            padded_payload(7_170),
            "too_large",
        ),
        Case::new(
            "S09",
            "a header segment of exactly 512 characters, white space inside",
            padded_header(512),
            ACCEPT,
        ),
        Case::new(
            "S09",
            "a header segment of 514 characters",
            padded_header(514),
            "too_large",
        ),
        of_letters(
            "",
            header_room,
            &long_tail,
            "8,192 bytes, most of them header",
            "too_large",
        ),
        of_letters("", header_room + 1, &long_tail, "8,193 bytes", "too_large"),
        of_letters("", 8_192, "", "8,192 bytes without a dot", "malformed"),
        of_letters("", 8_193, "", "8,193 bytes without a dot", "too_large"),
        of_letters(
            good,
            1 << 20,
            "",
            "a mebibyte behind a good token",
            "too_large",
        ),
        of_letters(
            "",
            1 << 20,
            good,
            "a mebibyte before a good token",
            "too_large",
        ),
        of_letters("", 100 << 20, "", "100 MiB", "too_large"),
        Case::of(
            "S09",
            "8,193 bytes that are not ASCII",
            json!({ "parts": [{ "repeat": ["\u{e9}", 4_096] }, "a"] }),
            "too_large",
        ),
        Case::of(
            "S09",
            "8,193 dots",
            json!({ "parts": [{ "repeat": [".", 8_193] }] }),
            "too_large",
        ),
        Case::of(
            "S09",
            "8,192 dots",
            json!({ "parts": [{ "repeat": [".", 8_192] }] }),
            "malformed",
        ),
    ]
}

/// A token that is good but for the length of its payload segment.
fn padded_payload(characters: usize) -> String {
    let claims = Members::claims().text();
    let blanks = " ".repeat(characters * 3 / 4 - claims.len());
    let token = token(Members::header().text(), claims + &blanks);
    assert_eq!(split(&token)[1].len(), characters);
    token
}

/// A token that is good but for the length of its header segment.
fn padded_header(characters: usize) -> String {
    let header = Members::header().text();
    let blanks = " ".repeat(characters * 3 / 4 - header.len());
    let token = token(header + &blanks, Members::claims().text());
    assert_eq!(split(&token)[0].len(), characters);
    token
}

fn surroundings(good: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, blank) in [
        ("a space", " "),
        ("a tab", "\t"),
        ("a carriage return", "\r"),
        ("a line feed", "\n"),
        ("CR LF", "\r\n"),
        ("NUL", "\0"),
        ("a no-break space", "\u{a0}"),
        ("a byte order mark", "\u{feff}"),
        ("a zero-width space", "\u{200b}"),
    ] {
        let id = if blank.is_ascii() { "S10" } else { "S11" };
        cases.push(Case::new(
            id,
            &format!("{name} in front"),
            format!("{blank}{good}"),
            "malformed",
        ));
        cases.push(Case::new(
            id,
            &format!("{name} behind"),
            format!("{good}{blank}"),
            "malformed",
        ));
    }
    let [h, p, s] = split(good);
    let (start, end) = s.split_at(40);
    for (note, token) in [
        (
            "a letter that only looks like ASCII",
            format!("{h}.{p}.{start}\u{ff21}{end}"),
        ),
        ("full-width dots", good.replace('.', "\u{ff0e}")),
        (
            "a Cyrillic letter in the header",
            format!("\u{435}{h}.{p}.{s}"),
        ),
    ] {
        cases.push(Case::new("S11", note, token, "malformed"));
    }
    for (note, at, byte) in [
        ("invalid UTF-8 in the header", 3, 0xFF),
        ("a lone continuation byte in the payload", h.len() + 5, 0x80),
        (
            "an overlong start in the signature",
            h.len() + p.len() + 5,
            0xC0,
        ),
    ] {
        let mut bytes = good.as_bytes().to_vec();
        bytes[at] = byte;
        let token = json!({ "base64": base64(&bytes) });
        cases.push(Case::of("S11", note, token, "malformed"));
    }
    for (note, token) in [
        ("in quotes", format!("\"{good}\"")),
        ("a quote in front", format!("\"{good}")),
        ("a quote behind", format!("{good}\"")),
    ] {
        cases.push(Case::new("S12", note, token, "malformed"));
    }
    for (note, token, code) in [
        ("in single quotes", format!("'{good}'"), "bad_signature_len"),
        (
            "in angle brackets",
            format!("<{good}>"),
            "bad_signature_len",
        ),
        (
            "the scheme in front",
            format!("Bearer {good}"),
            "bad_base64",
        ),
        ("a comma behind", format!("{good},"), "bad_signature_len"),
    ] {
        cases.push(Case::new("S12", note, token, code));
    }
    cases
}
