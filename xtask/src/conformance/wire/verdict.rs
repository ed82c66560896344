//! Whether what a host did is what the decision says.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::super::head::{Head, trim};
use crate::chunked;

/// What came back.
pub(super) struct Answer {
    status: u16,
    head: Head,
    body: Vec<u8>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        write!(f, "{} {:?} {body}", self.status, self.head)
    }
}

/// What to think of it.
pub(super) enum Verdict {
    Same,
    /// By itself, before its gate was asked.
    RefusedByHost,
    Different(String),
}

/// Headers that no request may bring along, as the contract lists them.
const NEVER: &[&str] = &[
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
];

impl Answer {
    /// The answer in these bytes, if it is whole.
    pub(super) fn parse(read: &[u8], is_head: bool) -> Option<Self> {
        let end = read.windows(4).position(|window| window == b"\r\n\r\n")?;
        let (head, body) = read.split_at_checked(end.saturating_add(4))?;
        let head = Head::parse(head)?;
        // The status stands where a request has its target.
        let status = std::str::from_utf8(&head.target).ok()?.parse().ok()?;
        let is_chunked = head.values(b"transfer-encoding").next().is_some();
        let body = match (is_head, is_chunked) {
            (true, _) => Vec::new(),
            (false, true) => chunked::decode(body)?,
            (false, false) => {
                let length = head.values(b"content-length").next();
                let length = length.and_then(|it| std::str::from_utf8(it).ok()?.parse().ok());
                body.get(..length.unwrap_or(0))?.to_vec()
            }
        };
        Some(Self { status, head, body })
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.headers.iter();
        let (_, value) = headers.find(|(own, _)| own.eq_ignore_ascii_case(name.as_bytes()))?;
        std::str::from_utf8(value).ok()
    }

    /// Whether a gate gave it: its problem documents are never stored.
    fn is_of_a_gate(&self) -> bool {
        self.header("content-type") == Some("application/problem+json")
            && self.header("cache-control") == Some("no-store")
    }

    /// Whether a host gave it for a head that it doesn't take: 4xx, 501 for a method it doesn't know,
    /// and whatever it likes for a tunnel.
    fn is_of_a_host(&self, asked: &Head) -> bool {
        let is_for_a_tunnel = asked.method == b"CONNECT" && self.status >= 400;
        (400..500).contains(&self.status) || self.status == 501 || is_for_a_tunnel
    }

    fn code(&self) -> Option<String> {
        let problem: Value = serde_json::from_slice(&self.body).ok()?;
        Some(problem.get("code")?.as_str()?.to_owned())
    }
}

/// Holds an answer and what reached the origin against a decision about the head that arrived.
pub(super) fn of(
    expected: &str,
    arriving: &Head,
    answer: Option<Answer>,
    seen: &[Head],
) -> Verdict {
    let Ok(expected) = serde_json::from_str::<Value>(expected) else {
        return Verdict::Different("that is no decision".to_owned());
    };
    let difference = match (seen, answer) {
        ([], None) => return Verdict::RefusedByHost,
        ([], Some(answer)) if answer.is_of_a_gate() => refusal(&expected, arriving, &answer),
        ([], Some(answer)) if answer.is_of_a_host(arriving) => return Verdict::RefusedByHost,
        ([], answer) => Some(format!("nobody refused it, and {answer:?} came back")),
        ([seen], Some(answer)) if answer.header("x-origin").is_some() => {
            allowance(&expected, arriving, seen)
        }
        (seen, answer) => Some(format!("{seen:?} arrived, and {answer:?} came back")),
    };
    difference.map_or(Verdict::Same, Verdict::Different)
}

/// Whether a decision lets through what another denies, or by another rule.
pub(super) fn is_looser(decision: &str, other: &str) -> bool {
    let read = |text| serde_json::from_str::<Value>(text).unwrap_or_default();
    let (decision, other) = (read(decision), read(other));
    let is_allow = |decision: &Value| decision.get("outcome") == Some(&Value::from("allow"));
    is_allow(&decision) && (!is_allow(&other) || decision.get("rule") != other.get("rule"))
}

fn refusal(expected: &Value, arriving: &Head, answer: &Answer) -> Option<String> {
    let text = |name: &str| expected.get(name).and_then(Value::as_str);
    let status = expected.get("status").and_then(Value::as_u64);
    let as_it_says = text("outcome") == Some("deny")
        && status == Some(answer.status.into())
        && text("challenge") == answer.header("www-authenticate")
        && (answer.status == 503) == answer.header("retry-after").is_some()
        && (arriving.method == b"HEAD" || text("code") == answer.code().as_deref());
    (!as_it_says).then(|| format!("{answer:?} came back"))
}

fn allowance(expected: &Value, arriving: &Head, seen: &Head) -> Option<String> {
    let list = |name: &str| {
        expected
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let set: BTreeMap<&str, &str> = list("set")
        .filter_map(|pair| Some((pair.get(0)?.as_str()?, pair.get(1)?.as_str()?)))
        .collect();
    let removed: Vec<&str> = list("remove").filter_map(Value::as_str).collect();
    if expected.get("outcome").and_then(Value::as_str) != Some("allow") {
        return Some(format!("it was let through: {seen:?}"));
    }
    if (&seen.method, &seen.target) != (&arriving.method, &arriving.target) {
        return Some(format!("another request went on: {seen:?}"));
    }
    let mut told = BTreeMap::new();
    for (name, value) in &seen.headers {
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        let read_alike = name.replace('_', "-");
        if read_alike.starts_with("x-signet-") {
            let value = String::from_utf8_lossy(value).into_owned();
            if told.insert(name.clone(), value).is_some() {
                return Some(format!("{name} arrived twice"));
            }
        } else if NEVER.contains(&read_alike.as_str()) || removed.contains(&name.as_str()) {
            return Some(format!("{name} arrived"));
        }
    }
    let told: BTreeMap<&str, &str> = told
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    if told != set {
        return Some(format!("the origin was told {told:?}"));
    }
    let token = |head: &Head| -> Vec<Vec<u8>> {
        // An empty one says nothing, and may get lost.
        let values = head.values(b"authorization").map(trim);
        values
            .filter(|value| !value.is_empty())
            .map(<[u8]>::to_vec)
            .collect()
    };
    let forwarded = !removed.contains(&"authorization");
    let lost = forwarded && token(seen) != token(arriving);
    lost.then(|| "Authorization didn't arrive as it was".to_owned())
}
