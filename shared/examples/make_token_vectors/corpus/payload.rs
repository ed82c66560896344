//! P: the payload as JSON. Its signature is good.

use super::case::{ACCEPT, Case};
use super::mint::{Members, token};

/// Every case of the family.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = not_an_object();
    cases.extend(duplicates());
    cases.extend(limits());
    cases.extend(plain_data());
    cases
}

fn of(id: &str, note: &str, claims: &Members, code: &str) -> Case {
    Case::new(id, note, claims.as_claims(), code)
}

fn not_an_object() -> Vec<Case> {
    let good = Members::claims().text();
    let extra = |value: &str| Members::claims().and("x", value).text();
    let payloads: Vec<(&str, Vec<u8>)> = vec![
        ("no JSON", b"claims".into()),
        ("an array", format!("[{good}]").into()),
        (
            "an array with a member twice inside",
            b"[{\"sub\":1,\"sub\":2}]".into(),
        ),
        (
            "a member twice, and the end is missing",
            b"{\"sub\":1,\"sub\":2".into(),
        ),
        (
            "a member twice, and too deep",
            extra("1,\"x\":[[[[[[[[]]]]]]]]").into(),
        ),
        ("a string", b"\"claims\"".into()),
        ("a number", b"5".into()),
        ("null", b"null".into()),
        ("true", b"true".into()),
        ("white space", b" ".into()),
        ("a byte order mark", format!("\u{feff}{good}").into()),
        ("bytes behind", format!("{good}x").into()),
        ("NUL behind", format!("{good}\0").into()),
        ("two objects", format!("{good}{good}").into()),
        ("cut off", good[..good.len() - 1].into()),
        (
            "a comma behind the last member",
            good.replace('}', ",}").into(),
        ),
        ("a comment", format!("{good}// ours").into()),
        (
            "UTF-16",
            good.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        ),
        (
            "invalid UTF-8 in a string",
            [b"{\"x\":\"", &b"\xff"[..], b"\",", &good.as_bytes()[1..]].concat(),
        ),
        (
            "an overlong encoding",
            [
                b"{\"x\":\"",
                &b"\xc0\xaf"[..],
                b"\",",
                &good.as_bytes()[1..],
            ]
            .concat(),
        ),
        (
            "a surrogate in UTF-8",
            [
                b"{\"x\":\"",
                &b"\xed\xa0\x80"[..],
                b"\",",
                &good.as_bytes()[1..],
            ]
            .concat(),
        ),
        ("a lone high surrogate", extra("\"\\ud800\"").into()),
        ("a lone low surrogate", extra("\"\\udc00\"").into()),
        (
            "a high surrogate and a letter",
            extra("\"\\ud800a\"").into(),
        ),
        ("two high surrogates", extra("\"\\ud800\\ud800\"").into()),
        (
            "surrogates in the wrong order",
            extra("\"\\udc00\\ud800\"").into(),
        ),
        ("an unknown escape", extra("\"\\x41\"").into()),
        ("a cut escape", extra("\"\\u12\"").into()),
        ("a raw line feed in a string", extra("\"a\nb\"").into()),
        ("a leading zero", extra("01").into()),
        ("a plus sign", extra("+1").into()),
        ("a bare point", extra("1.").into()),
        ("hexadecimal", extra("0x10").into()),
        ("Infinity", extra("Infinity").into()),
        ("undefined", extra("undefined").into()),
        ("True", extra("True").into()),
        (
            "a name without quotes",
            good.replace("\"sub\"", "sub").into(),
        ),
    ];
    payloads
        .into_iter()
        .map(|(note, payload)| {
            let token = token(Members::header().text(), payload);
            Case::new("P01", note, token, "bad_claims")
        })
        .collect()
}

fn duplicates() -> Vec<Case> {
    let claims = Members::claims;
    [
        ("sub twice", claims().and("sub", "\"usr_2\"")),
        ("sub twice, the same", claims().and("sub", "\"usr_1\"")),
        (
            "sub twice, once through an escape",
            claims().and("s\\u0075b", "\"usr_2\""),
        ),
        ("exp twice", claims().and("exp", "253402300799")),
        ("aud twice", claims().and("aud", "\"agents-api\"")),
        (
            "roles twice",
            claims().and("roles", "[]").and("roles", "[\"admin\"]"),
        ),
        (
            "an unknown claim twice",
            claims().and("x", "1").and("x", "2"),
        ),
        (
            "a claim inside a claim twice",
            claims().and("x", "{\"y\":1,\"y\":2}"),
        ),
        (
            "the same deep in arrays",
            claims().and("x", "[[{\"y\":{\"z\":1,\"z\":1}}]]"),
        ),
        (
            "__proto__ twice",
            claims().and("__proto__", "1").and("__proto__", "2"),
        ),
        ("an empty name twice", claims().and("", "1").and("", "2")),
        (
            "twice, in a token of the wrong issuer",
            claims().with("iss", "\"x\"").and("sub", "\"usr_2\""),
        ),
    ]
    .map(|(note, claims)| of("P02", note, &claims, "dup_member"))
    .into()
}

fn limits() -> Vec<Case> {
    let extra = |value: &str| Members::claims().and("x", value);
    let nested = |depth: usize| extra(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
    let objects = |depth: usize| {
        extra(&format!(
            "{}1{}",
            "{\"x\":".repeat(depth),
            "}".repeat(depth)
        ))
    };
    let members = |count: usize| {
        (0..count - 8).fold(Members::claims(), |claims, n| {
            claims.and(&format!("m{n}"), "0")
        })
    };
    let inner_members = |count: usize| {
        let all: Vec<String> = (0..count).map(|n| format!("\"m{n}\":0")).collect();
        extra(&format!("{{{}}}", all.join(",")))
    };
    let text = |length: usize| extra(&format!("\"{}\"", "a".repeat(length)));
    let array = |count: usize| extra(&format!("[{}]", vec!["1"; count].join(",")));
    vec![
        of("P03", "depth 8", &nested(7), ACCEPT),
        of("P03", "depth 9", &nested(8), "bad_claims"),
        of("P03", "depth 8 in objects", &objects(7), ACCEPT),
        of("P03", "depth 9 in objects", &objects(8), "bad_claims"),
        of("P03", "depth 127", &nested(126), "bad_claims"),
        of("P03", "depth 128", &nested(127), "bad_claims"),
        of("P03", "depth 1,000", &nested(999), "bad_claims"),
        of(
            "P03",
            "depth 5,000",
            &extra(&"[".repeat(5_000)),
            "bad_claims",
        ),
        of("P03", "64 members", &members(64), ACCEPT),
        of("P03", "65 members", &members(65), "bad_claims"),
        of("P03", "64 members inside", &inner_members(64), ACCEPT),
        of("P03", "65 members inside", &inner_members(65), "bad_claims"),
        of("P03", "a string of 1,024 bytes", &text(1_024), ACCEPT),
        of("P03", "a string of 1,025 bytes", &text(1_025), "bad_claims"),
        of(
            "P03",
            "a string of 1,024 bytes, one of them escaped",
            &extra(&format!("\"{}\\n\"", "a".repeat(1_023))),
            ACCEPT,
        ),
        of(
            "P03",
            "a string of 1,025 bytes, one of them escaped",
            &extra(&format!("\"{}\\n\"", "a".repeat(1_024))),
            "bad_claims",
        ),
        of(
            "P03",
            "a string of 512 letters of two bytes",
            &extra(&format!("\"{}\"", "\u{e9}".repeat(512))),
            ACCEPT,
        ),
        of(
            "P03",
            "a string of 513 letters of two bytes",
            &extra(&format!("\"{}\"", "\u{e9}".repeat(513))),
            "bad_claims",
        ),
        of(
            "P03",
            "a string of 256 surrogate pairs",
            &extra(&format!("\"{}\"", "\\ud83d\\ude00".repeat(256))),
            ACCEPT,
        ),
        of(
            "P03",
            "a string of 257 surrogate pairs",
            &extra(&format!("\"{}\"", "\\ud83d\\ude00".repeat(257))),
            "bad_claims",
        ),
        of(
            "P03",
            "a name of 1,024 bytes",
            &Members::claims().and(&"a".repeat(1_024), "1"),
            ACCEPT,
        ),
        of(
            "P03",
            "a name of 1,025 bytes",
            &Members::claims().and(&"a".repeat(1_025), "1"),
            "bad_claims",
        ),
        of(
            "P03",
            "an unknown array of 2,000 numbers",
            &array(2_000),
            ACCEPT,
        ),
    ]
}

fn plain_data() -> Vec<Case> {
    let mut cases = Vec::new();
    for name in [
        "__proto__",
        "constructor",
        "toString",
        "prototype",
        "hasOwnProperty",
        "valueOf",
        "then",
        "length",
    ] {
        for value in ["{\"roles\":[\"admin\"],\"sub\":\"root\"}", "null"] {
            let claims = Members::claims().and(name, value);
            cases.push(of("P04", &format!("{name}: {value}"), &claims, ACCEPT));
        }
    }
    let instead = Members::claims()
        .without("sub")
        .and("__proto__", "{\"sub\":\"root\"}");
    cases.push(of(
        "P04",
        "sub only in __proto__",
        &instead,
        "claim_missing",
    ));
    for (note, value) in [
        (
            "any kind of value",
            "[null,true,-1.5e300,\"\\u0000\",{\"\":[]}]",
        ),
        ("a number beyond every float", "1e99999"),
        ("a surrogate pair", "\"\\ud83d\\ude00\""),
        (
            "the first and the last surrogate pair",
            "\"\\ud800\\udc00\\udbff\\udfff\"",
        ),
    ] {
        let claims = Members::claims().and("x", value);
        cases.push(of(
            "P04",
            &format!("an unknown claim: {note}"),
            &claims,
            ACCEPT,
        ));
    }
    let spaced = Members::claims()
        .text()
        .replace(',', " ,\r\n\t")
        .replace(':', " : ");
    let spaced = spaced.replace("https : ", "https:");
    let spaced = token(Members::header().text(), format!(" \n{spaced}\t "));
    cases.push(Case::new(
        "P04",
        "white space between all that it may stand between",
        spaced,
        ACCEPT,
    ));
    let escaped = Members::claims()
        .without("sub")
        .and("\\u0073ub", "\"\\u0075sr_1\"");
    cases.push(of(
        "P04",
        "escapes in a name and its value",
        &escaped,
        ACCEPT,
    ));
    let empty = token(Members::header().text(), "{}");
    cases.push(Case::new("P04", "no claims at all", empty, "claim_missing"));
    cases
}
