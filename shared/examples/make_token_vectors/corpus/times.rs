//! T: exp, nbf and iat, at a given time with a given leeway.

use serde_json::json;

use super::case::{ACCEPT, Case, LEEWAY, NOW};
use super::mint::{Members, good_token};

/// Every case of the family.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = expiry();
    cases.extend(kinds("exp"));
    cases.extend(kinds("nbf"));
    cases.extend(kinds("iat"));
    cases.extend(lifetimes());
    cases.extend(not_before());
    cases.extend(issued_at());
    cases.extend(clocks());
    cases
}

fn of(id: &str, note: &str, claims: &Members, code: &str) -> Case {
    Case::new(id, note, claims.as_claims(), code)
}

fn with(name: &str, value: u64) -> Members {
    Members::claims().with(name, &value.to_string())
}

/// A token that was issued ten minutes before it expires.
fn expiring(at: u64) -> Members {
    with("exp", at).with("iat", &at.saturating_sub(600).to_string())
}

fn expiry() -> Vec<Case> {
    let at = |id, note, exp, leeway: u64, code| {
        of(id, note, &expiring(exp), code).with("leeway", leeway)
    };
    vec![
        of(
            "T01",
            "no exp",
            &Members::claims().without("exp"),
            "claim_missing",
        ),
        at("T02", "exp is now, no leeway", NOW, 0, "expired"),
        at(
            "T02",
            "exp is one second ahead, no leeway",
            NOW + 1,
            0,
            ACCEPT,
        ),
        at(
            "T02",
            "exp was a second ago, no leeway",
            NOW - 1,
            0,
            "expired",
        ),
        at("T03", "exp is now, leeway 30", NOW, LEEWAY, ACCEPT),
        at(
            "T03",
            "exp was a second ago, leeway 30",
            NOW - 1,
            LEEWAY,
            ACCEPT,
        ),
        at(
            "T03",
            "exp was 29 seconds ago, leeway 30",
            NOW - 29,
            LEEWAY,
            ACCEPT,
        ),
        at(
            "T03",
            "exp was 30 seconds ago, leeway 30",
            NOW - 30,
            LEEWAY,
            "expired",
        ),
        at(
            "T03",
            "exp was 31 seconds ago, leeway 30",
            NOW - 31,
            LEEWAY,
            "expired",
        ),
        at("T05", "exp is 0", 0, LEEWAY, "expired"),
        at("T05", "exp is 1", 1, LEEWAY, "expired"),
    ]
}

/// T04 to T07: what is no NumericDate. One that would be in time as a float is refused as well.
fn kinds(name: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let now = NOW.to_string();
    let texts = [
        ("T04", format!("\"{now}\"")),
        ("T04", "\"never\"".into()),
        ("T04", "\"\"".into()),
        ("T04", "null".into()),
        ("T04", "true".into()),
        ("T04", "[]".into()),
        ("T04", format!("[{now}]")),
        ("T04", "{}".into()),
        ("T05", "-1".into()),
        ("T05", "-0".into()),
        ("T05", "-1e18".into()),
        ("T05", format!("-{now}")),
        ("T06", "1500000000.5".into()),
        ("T06", format!("{now}.0")),
        ("T06", format!("{now}.5")),
        ("T06", "1E9".into()),
        ("T06", "18e8".into()),
        ("T06", "1800000000e0".into()),
        ("T06", "1.0".into()),
        ("T07", "253402300800".into()),
        ("T07", "1e18".into()),
        ("T07", "1e308".into()),
        ("T07", "1e400".into()),
        ("T07", "1000000000000000000".into()),
        ("T07", "9007199254740993".into()),
        ("T07", "9223372036854775808".into()),
        ("T07", "18446744073709551615".into()),
        ("T07", "18446744073709551616".into()),
        ("T07", "1".repeat(1_000)),
    ];
    for (id, text) in texts {
        let shown = if text.len() > 40 {
            "a number of 1,000 digits"
        } else {
            &text
        };
        let claims = Members::claims().with(name, &text);
        cases.push(of(id, &format!("{name} {shown}"), &claims, "bad_claims"));
    }
    cases
}

fn lifetimes() -> Vec<Case> {
    let living = |seconds: u64| with("exp", NOW + seconds);
    let latest = Members::claims().with("exp", "253402300799");
    vec![
        of("T08", "lives 3,600 seconds", &living(3_600), ACCEPT),
        of("T08", "lives 3,601 seconds", &living(3_601), "lifetime"),
        of(
            "T08",
            "lives 300 seconds, 300 allowed",
            &living(300),
            ACCEPT,
        )
        .with("max_lifetime", 300),
        of(
            "T08",
            "lives 301 seconds, 300 allowed",
            &living(301),
            "lifetime",
        )
        .with("max_lifetime", 300),
        of(
            "T08",
            "lives to the end of the year 9999",
            &latest,
            "lifetime",
        ),
        of("T08", "the same, and all is allowed", &latest, ACCEPT)
            .with("max_lifetime", 253_402_300_799_u64),
    ]
}

fn not_before() -> Vec<Case> {
    vec![
        of("T09", "nbf is now", &with("nbf", NOW), ACCEPT),
        of("T09", "nbf is 0", &with("nbf", 0), ACCEPT),
        of(
            "T09",
            "nbf is leeway ahead",
            &with("nbf", NOW + LEEWAY),
            ACCEPT,
        ),
        of(
            "T09",
            "nbf is more than leeway ahead",
            &with("nbf", NOW + LEEWAY + 1),
            "not_yet_valid",
        ),
        of(
            "T09",
            "nbf is a second ahead, no leeway",
            &with("nbf", NOW + 1),
            "not_yet_valid",
        )
        .with("leeway", 0),
        of("T09", "nbf is now, no leeway", &with("nbf", NOW), ACCEPT).with("leeway", 0),
        of(
            "T09",
            "nbf is after exp",
            &with("nbf", NOW + 601),
            "not_yet_valid",
        ),
        of(
            "T09",
            "nbf is the last second of the year 9999",
            &with("nbf", 253_402_300_799),
            "not_yet_valid",
        ),
    ]
}

fn issued_at() -> Vec<Case> {
    let over = Members::claims()
        .with("exp", &(NOW - 10).to_string())
        .with("iat", &(NOW - 5).to_string());
    let same = Members::claims()
        .with("exp", &(NOW + 5).to_string())
        .with("iat", &(NOW + 5).to_string());
    let both_future = with("nbf", NOW + 60).with("iat", &(NOW + 60).to_string());
    vec![
        of(
            "T10",
            "no iat",
            &Members::claims().without("iat"),
            "claim_missing",
        ),
        of(
            "T10",
            "iat is leeway ahead",
            &with("iat", NOW + LEEWAY),
            ACCEPT,
        ),
        of(
            "T10",
            "iat is more than leeway ahead",
            &with("iat", NOW + LEEWAY + 1),
            "issued_in_future",
        ),
        of(
            "T10",
            "iat is a second ahead, no leeway",
            &with("iat", NOW + 1),
            "issued_in_future",
        )
        .with("leeway", 0),
        of(
            "T10",
            "iat is after exp, and far ahead",
            &with("iat", NOW + 6_000),
            "issued_in_future",
        ),
        of(
            "T10",
            "iat is after exp, within leeway",
            &over,
            "bad_claims",
        ),
        of("T10", "iat is exp", &same, ACCEPT),
        of(
            "T10",
            "nbf and iat are ahead",
            &both_future,
            "not_yet_valid",
        ),
        of("T10", "iat is 0", &with("iat", 0), "lifetime"),
    ]
}

/// T11: clocks and leeways at their ends. `now` is text where JavaScript's numbers end.
fn clocks() -> Vec<Case> {
    let good = good_token();
    let end = u64::MAX.to_string();
    let at = |note, now: serde_json::Value, leeway: serde_json::Value, code| {
        Case::new("T11", note, &good, code)
            .with("now", now)
            .with("leeway", leeway)
    };
    vec![
        at("now is 0", json!(0), json!(30), "issued_in_future"),
        at("now is 1", json!(1), json!(30), "issued_in_future"),
        at("now is the end of time", json!(end), json!(30), "expired"),
        at(
            "now and leeway are the end of time",
            json!(end),
            json!(end),
            "expired",
        ),
        at("leeway is the end of time", json!(NOW), json!(end), ACCEPT),
        at(
            "now is 0 and leeway the end of time",
            json!(0),
            json!(end),
            ACCEPT,
        ),
        at(
            "now is the last second of the year 9999",
            json!(253_402_300_799_u64),
            json!(0),
            "expired",
        ),
        at("the clock stands", json!(NOW), json!(30), ACCEPT),
        at(
            "the clock goes back 30 seconds",
            json!(NOW - 30),
            json!(30),
            ACCEPT,
        ),
        at(
            "the clock goes back 31 seconds",
            json!(NOW - 31),
            json!(30),
            "issued_in_future",
        ),
        at(
            "the clock goes forth 629 seconds",
            json!(NOW + 629),
            json!(30),
            ACCEPT,
        ),
        at(
            "the clock goes forth 630 seconds",
            json!(NOW + 630),
            json!(30),
            "expired",
        ),
    ]
}
