//! Canonical JSON: members in one order, none that says what goes without saying, no white space,
//! durations in seconds, patterns in their one spelling.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::{Allow, Policy, Preflight, Revocation, Rule};
use crate::json::quoted as string;
use crate::policy::condition::Condition;
use crate::policy::routes::Methods;

/// Writes a policy.
pub(super) fn write(policy: &Policy) -> String {
    let mut members = Vec::from([
        member("version", "1".into()),
        member("issuer", string(&policy.issuer)),
        member("audience", strings(&policy.audiences)),
    ]);
    if !policy.forward_token {
        members.push(member("forward_token", "false".into()));
    }
    if policy.preflight == Preflight::Pass {
        members.push(member("preflight", string("pass")));
    }
    if let Some(known) = &policy.known_roles {
        members.push(member("known_roles", strings(known)));
    }
    if let Some(known) = &policy.known_permissions {
        members.push(member("known_permissions", strings(known)));
    }
    if !policy.roles.is_empty() {
        let roles = policy.roles.iter();
        let roles = roles.map(|(role, permissions)| member(role, strings(permissions)));
        members.push(member("roles", object(roles.collect())));
    }
    members.push(member("rule", list(policy.rules.iter().map(rule))));
    object(members)
}

fn rule(rule: &Rule) -> String {
    let mut members = Vec::from([member("id", string(&rule.id))]);
    if let Methods::Named(names) = &rule.route.methods {
        members.push(member("methods", strings(names)));
    }
    members.push(member("path", string(&rule.route.pattern.to_string())));
    let allow = match &rule.allow {
        Allow::Anyone => string("anyone"),
        Allow::Optional => string("optional"),
        Allow::When(found) => condition(found),
    };
    members.push(member("allow", allow));
    match rule.revocation {
        Revocation::Required => members.push(member("revocation", string("required"))),
        Revocation::Off => members.push(member("revocation", string("off"))),
        Revocation::BestEffort => {}
    }
    object(members)
}

fn condition(found: &Condition) -> String {
    let (name, value) = match found {
        Condition::Authenticated => return string("authenticated"),
        Condition::Role(role) => ("role", string(role)),
        Condition::Permission(permission) => ("permission", string(permission)),
        Condition::Subject(parameter) => ("subject", string(&format!("{{{parameter}}}"))),
        Condition::FreshWithin(seconds) => ("fresh_within", string(&format!("{seconds}s"))),
        Condition::All(parts) => ("all", list(parts.iter().map(condition))),
        Condition::Any(parts) => ("any", list(parts.iter().map(condition))),
        Condition::Not(part) => ("not", condition(part)),
    };
    object(Vec::from([member(name, value)]))
}

fn member(name: &str, value: String) -> String {
    format!("{}:{value}", string(name))
}

fn object(members: Vec<String>) -> String {
    format!("{{{}}}", members.join(","))
}

fn list(values: impl Iterator<Item = String>) -> String {
    format!("[{}]", values.collect::<Vec<_>>().join(","))
}

fn strings(texts: &[String]) -> String {
    list(texts.iter().map(|text| string(text)))
}
