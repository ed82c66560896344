//! A condition beside what a token says: which parts hold, and what is missing.

use signet_verifier::policy::{Condition, Facts, Verdict, decode_segment};

/// A part of a condition.
#[derive(Debug)]
pub(in crate::cli::policy) struct Part {
    /// How many parts it is in.
    pub(in crate::cli::policy) depth: usize,
    /// Whether it holds.
    pub(in crate::cli::policy) holds: bool,
    /// What it asks for and, where that isn't there, what is there instead.
    pub(in crate::cli::policy) text: String,
}

/// All parts, each before those in it.
pub(in crate::cli::policy) fn parts(condition: &Condition, facts: &Facts<'_>) -> Vec<Part> {
    let mut found = Vec::new();
    collect(condition, facts, 0, &mut found);
    found
}

/// What would have to be true for the condition to hold; `None` where it does.
pub(in crate::cli::policy) fn missing(condition: &Condition, facts: &Facts<'_>) -> Option<String> {
    if holds(condition, facts) {
        return None;
    }
    let missing_in = |parts: &[Condition]| -> Vec<String> {
        let missing = parts.iter().filter_map(|part| missing(part, facts));
        missing.collect()
    };
    Some(match condition {
        Condition::All(parts) => missing_in(parts).join(" and "),
        Condition::Any(parts) => match missing_in(parts).as_slice() {
            [only] => only.clone(),
            several => format!("({})", several.join(" or ")),
        },
        condition => asked(condition, facts),
    })
}

fn collect(condition: &Condition, facts: &Facts<'_>, depth: usize, found: &mut Vec<Part>) {
    let holds = holds(condition, facts);
    let inner: &[Condition] = match condition {
        Condition::All(parts) | Condition::Any(parts) => parts,
        Condition::Not(part) => std::slice::from_ref(part),
        Condition::Authenticated
        | Condition::Role(_)
        | Condition::Permission(_)
        | Condition::Subject(_)
        | Condition::FreshWithin(_) => &[],
    };
    let text = match condition {
        Condition::All(_) => "all of".to_owned(),
        Condition::Any(_) => "any of".to_owned(),
        Condition::Not(_) => "not".to_owned(),
        leaf if holds => asked(leaf, facts),
        leaf => format!("{}: {}", asked(leaf, facts), instead(leaf, facts)),
    };
    found.push(Part { depth, holds, text });
    for part in inner {
        collect(part, facts, depth.saturating_add(1), found);
    }
}

fn holds(condition: &Condition, facts: &Facts<'_>) -> bool {
    condition.verdict(facts) == Verdict::Allow
}

/// What a part asks for.
fn asked(condition: &Condition, facts: &Facts<'_>) -> String {
    match condition {
        Condition::Authenticated => "a good token".to_owned(),
        Condition::Role(role) => format!("role {role:?}"),
        Condition::Permission(permission) => format!("permission {permission:?}"),
        Condition::Subject(parameter) => match segment(parameter, facts) {
            Some(segment) => format!("subject {{{parameter}}}, here {segment:?}"),
            None => format!("subject {{{parameter}}}"),
        },
        Condition::FreshWithin(seconds) => format!("a login of the last {seconds} seconds"),
        Condition::All(parts) => joined(parts, " and ", facts),
        Condition::Any(parts) => joined(parts, " or ", facts),
        Condition::Not(part) => format!("not {}", asked(part, facts)),
    }
}

fn joined(parts: &[Condition], word: &str, facts: &Facts<'_>) -> String {
    let texts: Vec<String> = parts.iter().map(|part| asked(part, facts)).collect();
    format!("({})", texts.join(word))
}

/// What there is instead of what a part asks for.
fn instead(condition: &Condition, facts: &Facts<'_>) -> String {
    let list = |names: &[String], what: &str| match names {
        [] => format!("the token has no {what}"),
        names => format!("the token has {}", names.join(", ")),
    };
    match condition {
        Condition::Role(_) => list(facts.roles, "roles"),
        Condition::Permission(_) => list(facts.permissions, "permissions"),
        Condition::Subject(_) => format!("the token's is {:?}", facts.subject),
        Condition::FreshWithin(_) => match facts.authenticated_at {
            Some(at) => {
                let age = facts.now.as_secs().saturating_sub(at.as_secs());
                format!("the token's was {age} seconds ago")
            }
            None => "the token doesn't say when it was".to_owned(),
        },
        Condition::Authenticated | Condition::All(_) | Condition::Any(_) | Condition::Not(_) => {
            String::new()
        }
    }
}

/// The segment that a parameter stands for, decoded.
fn segment(parameter: &str, facts: &Facts<'_>) -> Option<String> {
    let mut parameters = facts.pattern.parameters();
    let (place, _) = parameters.find(|(_, name)| *name == parameter)?;
    let segment = facts.path.segments().nth(place)?;
    decode_segment(segment).map(|text| text.into_owned())
}

#[cfg(test)]
mod tests {
    use signet_verifier::policy::{Pattern, TargetPath};
    use signet_verifier::time::UnixTime;

    use super::Condition::{All, Any, FreshWithin, Not, Permission, Role, Subject};
    use super::*;

    fn role(name: &str) -> Condition {
        Role(name.into())
    }

    /// What `ada` lacks, who has the role `user`, no permission, and a login of 100 seconds ago.
    fn lacks(condition: &Condition) -> Option<String> {
        let pattern = Pattern::parse("/users/{user}").unwrap();
        let path = TargetPath::parse(b"/users/b%6f%62%20").unwrap();
        let facts = Facts {
            subject: "ada",
            roles: &["user".into()],
            permissions: &[],
            authenticated_at: Some(UnixTime::from_secs(900)),
            now: UnixTime::from_secs(1_000),
            pattern: &pattern,
            path: &path,
        };
        let parts = parts(condition, &facts);
        assert_eq!(parts[0].holds, missing(condition, &facts).is_none());
        missing(condition, &facts)
    }

    #[test]
    fn only_what_is_missing_is_asked_for() {
        let read = Permission("read".into());
        for (condition, missing) in [
            (role("user"), None),
            (Any(vec![role("admin"), role("user")]), None),
            (Not(Box::new(role("admin"))), None),
            (role("admin"), Some("role \"admin\"")),
            (Not(Box::new(role("user"))), Some("not role \"user\"")),
            (
                All(vec![role("user"), role("admin"), read.clone()]),
                Some("role \"admin\" and permission \"read\""),
            ),
            (
                Any(vec![role("admin"), All(vec![role("user"), read])]),
                Some("(role \"admin\" or permission \"read\")"),
            ),
            (
                Subject("user".into()),
                Some("subject {user}, here \"bob \""),
            ),
            (FreshWithin(99), Some("a login of the last 99 seconds")),
            (FreshWithin(100), None),
            (
                Not(Box::new(Any(vec![role("user"), role("admin")]))),
                Some("not (role \"user\" or role \"admin\")"),
            ),
        ] {
            assert_eq!(lacks(&condition).as_deref(), missing, "{condition:?}");
        }
    }
}
