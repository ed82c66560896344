//! Why no rule decides about a request.

use signet_verifier::policy::document::{Policy, Rule};
use signet_verifier::policy::{Method, Methods, TargetPath};

/// In words, for whoever wonders.
pub(super) fn reason(policy: &Policy, path: &TargetPath<'_>, method: Method<'_>) -> String {
    if matches!(method.as_str(), "TRACE" | "CONNECT") {
        return format!("{} is never let through", method.as_str());
    }
    let siblings = rules_of_the_path(policy, path);
    let Some(first) = siblings.first() else {
        return "no rule's path matches".to_owned();
    };
    let methods: Vec<&str> = siblings.iter().flat_map(|rule| named(rule)).collect();
    let mut methods = methods.join(", ");
    if siblings
        .iter()
        .any(|rule| rule.route.methods == Methods::Usual)
    {
        methods.push_str(if methods.is_empty() { "" } else { ", and " });
        methods.push_str("the usual methods, which it is none of");
    }
    format!("{} has rules for {methods}", first.route.pattern)
}

/// The rules of the pattern that decides about a path. It is the same for every method, so each
/// method that any rule has is tried.
fn rules_of_the_path<'p>(policy: &'p Policy, path: &TargetPath<'_>) -> Vec<&'p Rule> {
    let mut found: Vec<&Rule> = Vec::new();
    let methods = policy.rules().iter().flat_map(named);
    for name in methods.chain(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
        let method = Method::parse(name.as_bytes());
        let rule = method.and_then(|method| policy.rule(path, method));
        found.extend(rule.filter(|rule| found.iter().all(|earlier| earlier.id != rule.id)));
    }
    found
}

fn named(rule: &Rule) -> impl Iterator<Item = &str> {
    let names = match &rule.route.methods {
        Methods::Usual => &[][..],
        Methods::Named(names) => names,
    };
    names.iter().map(String::as_str)
}
