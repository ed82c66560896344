//! The grammar, the limits, and how values are read.

use alloc::string::String;
use alloc::vec::Vec;

use super::JsonError::{Duplicate, Limit, Syntax};
use super::*;

fn parse(text: &str) -> Result<Value<'_>, JsonError> {
    Value::parse(text.as_bytes(), &Limits::TOKEN)
}

#[test]
fn values_are_read_as_they_are_meant() {
    let text = " { \"a\\u0062\" : [ 1, -2.5e+3, true, null ], \"s\":\"\\ud83d\\ude00\\n\" } ";
    let value = parse(text).unwrap();
    let list = value.get("ab").unwrap().as_array().unwrap();
    assert_eq!(list[0].as_u64(), Some(1));
    assert_eq!(list[1], Value::Number("-2.5e+3"));
    assert_eq!(list[1].as_u64(), None);
    assert_eq!(value.get("s").unwrap().as_str(), Some("\u{1F600}\n"));
}

#[test]
fn surrogates_count_in_pairs() {
    let text = |text: &str| parse(text).map(|value| String::from(value.as_str().unwrap()));
    let (first, last) = (r#""\ud800\udc00""#, r#""\uDBFF\uDFFF""#);
    assert_eq!(text(first).unwrap(), "\u{10000}");
    assert_eq!(text(last).unwrap(), "\u{10FFFF}");
    for lone in [
        r#""\udbff""#,
        r#""\udfff""#,
        r#""\ud800\ue000""#,
        r#""\ud800\udbff""#,
    ] {
        assert_eq!(text(lone), Err(Syntax), "{lone}");
    }
}

#[test]
fn only_integers_without_sign_are_integers() {
    for (text, integer) in [
        ("0", Some(0)),
        ("18446744073709551615", Some(u64::MAX)),
        ("18446744073709551616", None),
        ("-0", None),
        ("-1", None),
        ("1.0", None),
        ("1e3", None),
    ] {
        assert_eq!(parse(text).unwrap().as_u64(), integer, "{text}");
    }
}

#[test]
fn what_is_not_json_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "[",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" 1}",
        "01",
        "-",
        "1.",
        ".5",
        "1e",
        "+1",
        "NaN",
        "Infinity",
        "tru",
        "truex",
        "\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u+123\"",
        "\"\t\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "1 2",
        "{} x",
        "// c\n1",
        "\u{feff}{}",
        "[1 2]",
        "'a'",
        "{\"a\":1 \"b\":2}",
        "\u{a0}1",
        "\"a\0\"",
    ] {
        assert_eq!(parse(text), Err(Syntax), "{text:?}");
    }
    assert_eq!(Value::parse(b"\"\xff\"", &Limits::TOKEN), Err(Syntax));
}

#[test]
fn duplicates_are_found_behind_escapes_and_inside_but_after_syntax() {
    assert_eq!(parse(r#"{"alg":1,"\u0061lg":2}"#), Err(Duplicate));
    assert_eq!(parse(r#"{"a":[{"b":1,"b":1}]}"#), Err(Duplicate));
    assert_eq!(parse(r#"{"a":1,"a":2"#), Err(Syntax));
    let many: Vec<String> = (0..40).map(|n| alloc::format!("\"m{n}\":0")).collect();
    let text = alloc::format!("{{{},\"m7\":1}}", many.join(","));
    assert_eq!(parse(&text), Err(Duplicate));
}

#[test]
fn limits_hold_exactly() {
    let nested = |depth| alloc::format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(&nested(8)).is_ok());
    assert_eq!(parse(&nested(9)), Err(Limit));
    assert_eq!(parse(&nested(100_000)), Err(Limit));
    let string = |length| alloc::format!("\"{}\"", "a".repeat(length));
    assert!(parse(&string(1_024)).is_ok());
    assert_eq!(parse(&string(1_025)), Err(Limit));
    let escaped = alloc::format!("\"{}\\n\"", "a".repeat(1_024));
    assert_eq!(parse(&escaped), Err(Limit));
    let members = |count: usize| {
        let all: Vec<String> = (0..count).map(|n| alloc::format!("\"m{n}\":0")).collect();
        alloc::format!("{{{}}}", all.join(","))
    };
    assert!(parse(&members(64)).is_ok());
    assert_eq!(parse(&members(65)), Err(Limit));
}

#[test]
fn values_beside_the_asked_for_are_walked_over() {
    let text = r#" {"a":[1,{"b":"]},\\\""},[]],"\u0063":"\\", "d" : -1e9 ,"e":{}} "#;
    let object = Object::parse(text.as_bytes(), &Limits::TOKEN).unwrap();
    assert!(object.names().eq(["a", "c", "d", "e"]));
    assert_eq!(object.get("c").unwrap().as_str().unwrap(), "\\");
    assert_eq!(object.get("d").unwrap().text(), "-1e9");
    assert!(object.get("e").unwrap().members().unwrap().next().is_none());
    let elements: Vec<&str> = object
        .get("a")
        .unwrap()
        .elements()
        .unwrap()
        .map(Checked::text)
        .collect();
    assert_eq!(elements, ["1", r#"{"b":"]},\\\""}"#, "[]"]);
}

#[test]
fn an_object_that_is_asked_for_comes_before_its_duplicates() {
    let object = |text: &'static str| Object::parse(text.as_bytes(), &Limits::TOKEN).map(|_| ());
    assert_eq!(object(r#"{"a":1,"a":2}"#), Err(Duplicate));
    assert_eq!(object(r#"[{"a":1,"a":2}]"#), Err(Syntax));
    assert_eq!(object("5"), Err(Syntax));
    assert_eq!(object("\u{c}{}"), Err(Syntax));
}
