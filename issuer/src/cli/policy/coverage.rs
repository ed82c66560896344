//! Holds a policy against the operations of an API: which of them have no rule, and which rules no
//! operation needs.
//!
//! An operation stands for all requests whose path fits its template. They are tried out in the
//! policy's own routes: one with parameters that no rule names, and one towards each rule's path.

use std::collections::BTreeSet;

use signet_verifier::policy::document::{Policy, Rule};
use signet_verifier::policy::{Method, Segment, TargetPath};

use super::absence;
use super::openapi::Operation;
use super::template::Template;

/// What the comparison says.
#[derive(Debug, Default)]
pub(super) struct Coverage<'a> {
    /// Operations without a rule.
    pub(super) uncovered: Vec<Uncovered<'a>>,
    /// Requests of operations that have a rule, but not for these.
    pub(super) caught: Vec<Caught<'a>>,
    /// Rules that no operation reaches.
    pub(super) unreached: Vec<&'a Rule>,
}

/// An operation without a rule.
#[derive(Debug)]
pub(super) struct Uncovered<'a> {
    pub(super) operation: &'a Operation,
    /// Why there is none.
    pub(super) reason: String,
}

/// A request of an operation that a more specific path catches, which has no rule for its method.
#[derive(Debug)]
pub(super) struct Caught<'a> {
    pub(super) operation: &'a Operation,
    /// The request's path.
    pub(super) path: String,
}

/// Compares.
pub(super) fn compare<'a>(policy: &'a Policy, operations: &'a [Operation]) -> Coverage<'a> {
    let value = value_in_no_rule(policy);
    let templates: Vec<(&Operation, Template)> = operations
        .iter()
        .map(|operation| (operation, Template::parse(&operation.path, &value)))
        .collect();
    let mut coverage = Coverage::default();
    let mut reached = BTreeSet::new();
    for (operation, template) in &templates {
        let towards = policy.rules().iter();
        let towards: BTreeSet<String> = towards
            .map(|rule| template.towards(&rule.route.pattern))
            .collect();
        for path in &towards {
            let methods = implied(&operation.method);
            reached.extend(methods.filter_map(|method| decides(policy, method, path)));
        }
        let examples = template.examples();
        let mut reasons = examples
            .iter()
            .filter_map(|path| without_rule(policy, &operation.method, path));
        if let Some(reason) = reasons.next() {
            coverage.uncovered.push(Uncovered { operation, reason });
            continue;
        }
        let caught = towards.into_iter().filter(|path| {
            decides(policy, &operation.method, path).is_none()
                && !is_of_another(path, template, &templates)
        });
        coverage.caught.extend(caught.map(|path| Caught {
            operation,
            path: path.replace(&value, "…"),
        }));
    }
    let rules = policy.rules().iter();
    coverage.unreached = rules.filter(|rule| !reached.contains(&*rule.id)).collect();
    coverage
}

/// The methods that a server answers where it has an operation of this one (RFC 9110, sections
/// 9.3.2 and 9.3.7).
fn implied(method: &str) -> impl Iterator<Item = &str> {
    let head = (method == "GET").then_some("HEAD");
    [method, "OPTIONS"].into_iter().chain(head)
}

/// Whether the request belongs to an operation with a more specific template.
fn is_of_another(path: &str, own: &Template, templates: &[(&Operation, Template)]) -> bool {
    templates.iter().any(|(_, other)| {
        let examples = own.examples();
        other.fits(path) && !examples.iter().any(|example| other.fits(example))
    })
}

/// Why no rule decides about a request, if none does.
fn without_rule(policy: &Policy, method: &str, path: &str) -> Option<String> {
    let target = match TargetPath::parse(path.as_bytes()) {
        Ok(target) => target,
        Err(fault) => return Some(format!("every host refuses its path, which {fault}")),
    };
    let Some(method) = Method::parse(method.as_bytes()) else {
        return Some(format!("{method:?} is no method"));
    };
    match policy.rule(&target, method) {
        Some(_) => None,
        None => Some(absence::reason(policy, &target, method)),
    }
}

/// The rule that decides about a request.
fn decides<'p>(policy: &'p Policy, method: &str, path: &str) -> Option<&'p str> {
    let target = TargetPath::parse(path.as_bytes()).ok()?;
    let rule = policy.rule(&target, Method::parse(method.as_bytes())?)?;
    Some(&rule.id)
}

/// What parameters are filled with: a text that no rule's path holds.
fn value_in_no_rule(policy: &Policy) -> String {
    let literals = || {
        let rules = policy.rules().iter();
        rules.flat_map(|rule| rule.route.pattern.segments())
    };
    let holds = |text: &str| {
        let is_in = |segment: &Segment| matches!(segment, Segment::Literal(l) if l.contains(text));
        literals().any(is_in)
    };
    let mut value = "any".to_owned();
    while holds(&value) {
        value.push('-');
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(text: &str) -> Operation {
        let (method, path) = text.split_once(' ').unwrap();
        Operation {
            method: method.to_owned(),
            path: path.to_owned(),
            id: None,
        }
    }

    fn policy(rules: &[&str]) -> Policy {
        let mut text =
            "version = 1\nissuer = \"https://i.example\"\naudience = [\"a\"]\n".to_owned();
        for rule in rules {
            let (methods, path) = rule.split_once(' ').unwrap();
            let methods: Vec<&str> = methods.split(',').filter(|m| *m != "*").collect();
            text.push_str(&format!("[[rule]]\nid = \"r{}\"\n", text.len()));
            if !methods.is_empty() {
                text.push_str(&format!("methods = {methods:?}\n"));
            }
            text.push_str(&format!("path = \"{path}\"\nallow = \"anyone\"\n"));
        }
        Policy::from_toml(&text).unwrap()
    }

    /// What is without a rule, what is caught, and the paths of the rules that nothing reaches.
    fn compared(rules: &[&str], operations: &[&str]) -> [Vec<String>; 3] {
        let policy = policy(rules);
        let operations: Vec<Operation> = operations.iter().map(|text| operation(text)).collect();
        let coverage = compare(&policy, &operations);
        let shown = |operation: &Operation| format!("{} {}", operation.method, operation.path);
        let uncovered = coverage.uncovered.iter();
        let caught = coverage.caught.iter();
        let unreached = coverage.unreached.iter();
        [
            uncovered.map(|found| shown(found.operation)).collect(),
            caught
                .map(|found| format!("{} {}", found.operation.method, found.path))
                .collect(),
            unreached
                .map(|rule| rule.route.pattern.to_string())
                .collect(),
        ]
    }

    #[test]
    fn templates_are_covered_by_parameters_and_rests() {
        for (rule, operations, uncovered) in [
            ("GET /a/{x}", &["GET /a/{id}", "GET /a/b"][..], &[][..]),
            (
                "GET /a/{*x}",
                &["GET /a/{id}", "GET /a/{id}/b", "GET /a"],
                &["GET /a"],
            ),
            ("GET /a/b", &["GET /a/{id}", "GET /a/b"], &["GET /a/{id}"]),
            ("GET /a/{x}", &["GET /a/{name}.json", "GET /a/v-{n}"], &[]),
            (
                "GET /a/{x}",
                &["GET /a/{x}/", "GET /a/{*path}", "GET /a/{p+}"],
                &["GET /a/{x}/", "GET /a/{*path}", "GET /a/{p+}"],
            ),
            ("GET /a/{*x}", &["GET /a/{*path}", "GET /a/{p+}"], &[]),
            ("GET /caf%C3%A9/a%20b", &["GET /café/a b"], &[]),
            (
                "* /{*all}",
                &["GET /a;b", "GET /a//b", "TRACE /a", "QUERY /a"],
                &["GET /a;b", "GET /a//b", "TRACE /a", "QUERY /a"],
            ),
        ] {
            assert_eq!(compared(&[rule], operations)[0], uncovered, "{rule}");
        }
    }

    #[test]
    fn get_covers_head_and_nothing_else() {
        let operations = ["GET /a", "HEAD /a", "OPTIONS /a", "POST /a"];
        assert_eq!(
            compared(&["GET /a"], &operations)[0],
            ["OPTIONS /a", "POST /a"]
        );
        assert!(compared(&["* /a"], &operations)[0].is_empty());
    }

    #[test]
    fn requests_that_a_more_specific_path_catches_are_told() {
        let rules = ["* /a/{x}", "GET /a/me"];
        let [uncovered, caught, _] = compared(&rules, &["GET /a/{id}", "DELETE /a/{id}"]);
        assert!(uncovered.is_empty());
        assert_eq!(caught, ["DELETE /a/me"]);
        let with_its_own = ["GET /a/{id}", "DELETE /a/{id}", "GET /a/me"];
        assert!(compared(&rules, &with_its_own)[1].is_empty());
    }

    #[test]
    fn rules_that_no_operation_reaches_are_told() {
        let rules = [
            "GET /a/{x}",
            "GET /a/me",
            "HEAD /b",
            "OPTIONS /{*all}",
            "POST /a/{x}",
            "* /c",
        ];
        let [.., unreached] = compared(&rules, &["GET /a/{id}", "GET /b", "GET /d"]);
        assert_eq!(unreached, ["/a/{x}", "/c"]);
    }
}
