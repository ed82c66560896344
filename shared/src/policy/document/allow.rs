//! The `allow` of a rule.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::Allow;
use super::fault::FaultKind;
use super::read::{Reader, has_parameter, text};
use super::tree::{Kind, Tree};
use crate::policy::condition::Condition;
use crate::policy::pattern::Pattern;

const FORMS: &str = "\"anyone\", \"optional\", \"authenticated\", or a table of one condition";
const CONDITION: &str =
    "a table of one of role, permission, subject, fresh_within, all, any and not";
const DURATION: &str = "a whole number and s, m, h or d, as in \"5m\"";

/// How deep conditions may nest. What is deeper is nobody's intention, and canonical JSON of it
/// would nest deeper than is read.
const DEEPEST: usize = 8;

/// Where a condition stands.
#[derive(Clone, Copy)]
struct Scope<'p> {
    pattern: Option<&'p Pattern>,
    depth: usize,
}

impl Reader<'_> {
    /// Reads whom a rule lets through. Without a pattern, parameters are taken as they are.
    pub(super) fn allow(&mut self, tree: &Tree, pattern: Option<&Pattern>) -> Option<Allow> {
        match text(tree) {
            Some("anyone") => Some(Allow::Anyone),
            Some("optional") => Some(Allow::Optional),
            Some("authenticated") => Some(Allow::When(Condition::Authenticated)),
            Some(_) => self.expected(tree, FORMS),
            None => {
                let scope = Scope { pattern, depth: 1 };
                self.condition(tree, scope).map(Allow::When)
            }
        }
    }

    fn condition(&mut self, tree: &Tree, scope: Scope<'_>) -> Option<Condition> {
        if scope.depth > DEEPEST {
            return self.expected(tree, "nested less deeply: 8 conditions at most");
        }
        let member = match &tree.kind {
            Kind::Table(members) => match members.as_slice() {
                [member] => member,
                _ => return self.expected(tree, CONDITION),
            },
            _ => return self.expected(tree, CONDITION),
        };
        let value = &member.value;
        let inner = Scope {
            depth: scope.depth.saturating_add(1),
            ..scope
        };
        match member.name.as_str() {
            "role" => self.role(value).map(Condition::Role),
            "permission" => self.permission(value).map(Condition::Permission),
            "subject" => self.subject(value, scope.pattern).map(Condition::Subject),
            "fresh_within" => match text(value).and_then(duration_in_seconds) {
                Some(seconds) => Some(Condition::FreshWithin(seconds)),
                None => self.expected(value, DURATION),
            },
            "all" => self.conditions(value, inner).map(Condition::All),
            "any" => self.conditions(value, inner).map(Condition::Any),
            "not" => {
                let part = self.condition(value, inner)?;
                Some(Condition::Not(Box::new(part)))
            }
            name => self.fault(member.span.as_ref(), FaultKind::Unknown(name.into())),
        }
    }

    fn conditions(&mut self, tree: &Tree, scope: Scope<'_>) -> Option<Vec<Condition>> {
        let trees = match &tree.kind {
            Kind::List(trees) if !trees.is_empty() => trees,
            _ => return self.expected(tree, "a list of at least one condition"),
        };
        // All of them are read before one that is missing makes the list fail.
        let parts: Vec<_> = trees
            .iter()
            .map(|tree| self.condition(tree, scope))
            .collect();
        parts.into_iter().collect()
    }

    fn role(&mut self, tree: &Tree) -> Option<String> {
        let role = self.name(tree)?;
        if self
            .known_roles
            .as_ref()
            .is_some_and(|known| !known.contains(&role))
        {
            return self.fault(tree.span.as_ref(), FaultKind::UnknownRole(role));
        }
        Some(role)
    }

    fn permission(&mut self, tree: &Tree) -> Option<String> {
        let permission = self.name(tree)?;
        let known = self.known_permissions.as_ref();
        if known.is_some_and(|known| !known.contains(&permission)) {
            return self.fault(tree.span.as_ref(), FaultKind::UnknownPermission(permission));
        }
        Some(permission)
    }

    fn subject(&mut self, tree: &Tree, pattern: Option<&Pattern>) -> Option<String> {
        let name = text(tree).and_then(|text| text.strip_prefix('{')?.strip_suffix('}'));
        let Some(name) = name else {
            return self.expected(tree, "a parameter of the path in braces");
        };
        if pattern.is_some_and(|pattern| !has_parameter(pattern, name)) {
            return self.fault(tree.span.as_ref(), FaultKind::UnknownParameter(name.into()));
        }
        Some(name.into())
    }
}

/// Reads a duration as policies have it: a whole number and `s`, `m`, `h` or `d`, such as `5m`.
#[must_use]
pub fn duration_in_seconds(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let are_digits = number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|_| are_digits)?;
    number.checked_mul(unit)
}
