//! One line of `signet decide`: the head of a request as JSON. Each character of its strings is one
//! byte (Latin-1), so that a line can hold whatever comes over a wire.

use std::borrow::Cow;

use signet_verifier::json::{Limits, Value};

/// Why a line is no head.
pub(super) type Fault = Cow<'static, str>;

/// A header's name and value.
type Header = (Vec<u8>, Vec<u8>);

/// The head of a request.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Head {
    pub(super) method: Vec<u8>,
    /// The path with its query.
    pub(super) target: Vec<u8>,
    pub(super) headers: Vec<Header>,
}

/// Reads a line.
pub(super) fn read(line: &[u8]) -> Result<Head, Fault> {
    let value = Value::parse(line, &Limits::DOCUMENT)
        .map_err(|_| "not JSON in UTF-8, or a member twice")?;
    let Value::Object(members) = &value else {
        return Err("not a JSON object".into());
    };
    let known = ["method", "path", "headers"];
    if let Some((name, _)) = members
        .iter()
        .find(|(name, _)| !known.contains(&name.as_ref()))
    {
        return Err(format!("nothing is called {name:?} here").into());
    }
    let member = |name: &'static str| {
        let missing = || Fault::from(format!("{name} is missing"));
        value.get(name).ok_or_else(missing)
    };
    Ok(Head {
        method: bytes("method", member("method")?)?,
        target: bytes("path", member("path")?)?,
        headers: headers(member("headers")?)?,
    })
}

fn headers(value: &Value<'_>) -> Result<Vec<Header>, Fault> {
    let shape = "headers must be a list of pairs: [[name, value], …]";
    let pairs = value.as_array().ok_or(shape)?;
    let pair = |pair: &Value<'_>| match pair.as_array() {
        Some([name, value]) => Ok((bytes("a header's name", name)?, bytes("a header", value)?)),
        Some(_) | None => Err(shape.into()),
    };
    pairs.iter().map(pair).collect()
}

fn bytes(what: &str, value: &Value<'_>) -> Result<Vec<u8>, Fault> {
    let text = value
        .as_str()
        .ok_or_else(|| format!("{what} must be text"))?;
    let byte = |character| u8::try_from(u32::from(character)).ok();
    let bytes: Option<Vec<u8>> = text.chars().map(byte).collect();
    bytes.ok_or_else(|| format!("{what} has a character that is no byte (over U+00FF)").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_character_is_a_byte() {
        let line = r#" {"path":"/é?a","headers":[["A\u00ff","\u0000"],["a",""]],"method":"GET"}"#;
        let head = read(line.as_bytes()).unwrap();
        assert_eq!(head.method, b"GET");
        assert_eq!(head.target, b"/\xe9?a");
        let wanted = [
            (b"A\xff".to_vec(), b"\0".to_vec()),
            (b"a".to_vec(), Vec::new()),
        ];
        assert_eq!(head.headers, wanted);
    }

    #[test]
    fn what_is_no_head_is_told() {
        for (line, told) in [
            ("", "not JSON"),
            ("[]", "not a JSON object"),
            ("{", "not JSON"),
            (r#"{"method":"a","method":"a"}"#, "twice"),
            (
                r#"{"method":"a","path":"/","headers":[],"body":""}"#,
                "\"body\"",
            ),
            (r#"{"method":"a","path":"/"}"#, "headers is missing"),
            (r#"{"method":"a","headers":[]}"#, "path is missing"),
            (r#"{"path":"/","headers":[]}"#, "method is missing"),
            (
                r#"{"method":1,"path":"/","headers":[]}"#,
                "method must be text",
            ),
            (
                r#"{"method":"a","path":null,"headers":[]}"#,
                "path must be text",
            ),
            (r#"{"method":"a","path":"/","headers":{}}"#, "list of pairs"),
            (
                r#"{"method":"a","path":"/","headers":[["a"]]}"#,
                "list of pairs",
            ),
            (
                r#"{"method":"a","path":"/","headers":[["a","b","c"]]}"#,
                "list of pairs",
            ),
            (
                r#"{"method":"a","path":"/","headers":[["a",1]]}"#,
                "a header must be text",
            ),
            (r#"{"method":"a","path":"/Ā","headers":[]}"#, "over U+00FF"),
            (
                r#"{"method":"a","path":"/\ud800","headers":[]}"#,
                "not JSON",
            ),
            (r#"{"method":"a","path":"/","headers":[]} x"#, "not JSON"),
        ] {
            let fault = read(line.as_bytes()).unwrap_err();
            assert!(fault.contains(told), "{line}: {fault}");
        }
        assert!(read(b"{\"method\":\"\xff\"}").is_err());
    }
}
