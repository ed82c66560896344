//! What a good policy says that was probably not meant: notes, not faults, since a service may have
//! just such a method or path. To add one, give [`of_rule`] a line.

use signet_verifier::policy::document::{Policy, Rule};
use signet_verifier::policy::{Methods, Segment};

use super::rule::described;

/// In words, rule by rule.
pub(super) fn of(policy: &Policy) -> Vec<String> {
    let rules = policy.rules().iter();
    rules
        .flat_map(|rule| {
            let doubts = of_rule(rule).into_iter();
            doubts.map(|doubt| format!("rule {}: {doubt}", described(rule)))
        })
        .collect()
}

fn of_rule(rule: &Rule) -> Vec<String> {
    let methods = match &rule.route.methods {
        Methods::Usual => &[][..],
        Methods::Named(names) => names,
    };
    let has_lower = |name: &&String| name.bytes().any(|byte| byte.is_ascii_lowercase());
    let methods = methods.iter().filter(has_lower).map(|name| {
        let capitals = name.to_ascii_uppercase();
        format!("the method {name:?} is another one than {capitals:?}")
    });
    let segments = rule.route.pattern.segments().iter();
    let segments = segments.filter_map(|segment| match segment {
        Segment::Literal(literal) => foreign(literal),
        Segment::Parameter(_) | Segment::Rest(_) => None,
    });
    methods.chain(segments).collect()
}

/// A literal that is a parameter in the patterns of many routers.
fn foreign(literal: &str) -> Option<String> {
    let meant = match literal {
        "*" => "{*rest}".to_owned(),
        _ => match literal.strip_prefix(':')? {
            "" => return None,
            name => format!("{{{name}}}"),
        },
    };
    Some(format!(
        "the segment {literal:?} matches only itself; a parameter is written {meant:?}"
    ))
}
