//! What a rule asks of whoever makes the request.

use alloc::string::String;
use alloc::vec::Vec;

use super::pattern::{Pattern, Segment};
use super::target::{TargetPath, decode_segment};
use crate::time::UnixTime;

/// What must be true of an authenticated request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Condition {
    /// The token is good; nothing more.
    Authenticated,
    /// The token has this role.
    Role(String),
    /// The token has this permission, or one of its roles brings it.
    Permission(String),
    /// The segment of this parameter, decoded in full, is the token's subject.
    Subject(String),
    /// The password was proven at most that many seconds ago.
    FreshWithin(u64),
    /// Every one of them.
    All(Vec<Condition>),
    /// At least one of them.
    Any(Vec<Condition>),
    /// The opposite.
    Not(alloc::boxed::Box<Condition>),
}

/// What a condition is held against.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// `sub`.
    pub subject: &'a str,
    /// `roles`.
    pub roles: &'a [String],
    /// The token's permissions, and those that its roles bring.
    pub permissions: &'a [String],
    /// `auth_time`.
    pub authenticated_at: Option<UnixTime>,
    /// When the request is decided.
    pub now: UnixTime,
    /// The pattern of the rule.
    pub pattern: &'a Pattern,
    /// The path that the pattern matches.
    pub path: &'a TargetPath<'a>,
}

/// What a condition says to a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It holds.
    Allow,
    /// It would hold after a fresh login.
    Reauthenticate {
        /// It holds at every age of the login from 0 to this, in seconds, and not right after.
        max_age: u64,
    },
    /// It doesn't hold, however fresh the login.
    Deny,
}

impl Condition {
    /// Holds the condition against the facts.
    #[must_use]
    pub fn verdict(&self, facts: &Facts<'_>) -> Verdict {
        let since = facts.authenticated_at.map(UnixTime::as_secs);
        let age = since.map(|since| facts.now.as_secs().saturating_sub(since));
        if self.holds(facts, age) {
            return Verdict::Allow;
        }
        if !self.holds(facts, Some(0)) {
            return Verdict::Deny;
        }
        // Between two limits nothing changes, so the first limit right after which the condition
        // fails is the age that is asked for. There is one: an age beyond all limits counts like
        // none, and at the age there is the condition fails.
        let mut limits = Vec::new();
        self.collect_limits(&mut limits);
        limits.sort_unstable();
        let last_good = limits.into_iter().find(|limit| {
            let next = limit.checked_add(1);
            !self.holds(facts, next)
        });
        last_good.map_or(Verdict::Deny, |max_age| Verdict::Reauthenticate { max_age })
    }

    /// The name of a parameter that a subject is compared with, but that isn't one segment of
    /// `pattern`.
    #[must_use]
    pub fn unknown_parameter(&self, pattern: &Pattern) -> Option<&str> {
        match self {
            Self::Subject(name) => place(name, pattern).is_none().then_some(name),
            Self::All(parts) | Self::Any(parts) => parts
                .iter()
                .find_map(|part| part.unknown_parameter(pattern)),
            Self::Not(part) => part.unknown_parameter(pattern),
            Self::Authenticated | Self::Role(_) | Self::Permission(_) | Self::FreshWithin(_) => {
                None
            }
        }
    }

    /// Whether it holds if the password was proven `age` seconds ago, or nobody knows when.
    fn holds(&self, facts: &Facts<'_>, age: Option<u64>) -> bool {
        match self {
            Self::Authenticated => true,
            Self::Role(role) => facts.roles.contains(role),
            Self::Permission(permission) => facts.permissions.contains(permission),
            Self::Subject(parameter) => facts.segment_is_subject(parameter),
            Self::FreshWithin(limit) => age.is_some_and(|age| age <= *limit),
            Self::All(parts) => parts.iter().all(|part| part.holds(facts, age)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(facts, age)),
            Self::Not(part) => !part.holds(facts, age),
        }
    }

    fn collect_limits(&self, limits: &mut Vec<u64>) {
        match self {
            Self::FreshWithin(limit) => limits.push(*limit),
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().for_each(|part| part.collect_limits(limits));
            }
            Self::Not(part) => part.collect_limits(limits),
            Self::Authenticated | Self::Role(_) | Self::Permission(_) | Self::Subject(_) => {}
        }
    }
}

impl Facts<'_> {
    fn segment_is_subject(&self, parameter: &str) -> bool {
        let place = place(parameter, self.pattern);
        let segment = place.and_then(|place| self.path.segments().nth(place));
        segment
            .and_then(decode_segment)
            .is_some_and(|text| text == self.subject)
    }
}

/// Which segment the parameter is, if it is one.
fn place(parameter: &str, pattern: &Pattern) -> Option<usize> {
    pattern
        .segments()
        .iter()
        .position(|segment| matches!(segment, Segment::Parameter(name) if name == parameter))
}

#[cfg(test)]
mod tests {
    use alloc::boxed::Box;

    use super::Condition::*;
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn role(name: &str) -> Condition {
        Role(name.into())
    }

    fn not(part: Condition) -> Condition {
        Not(Box::new(part))
    }

    /// The verdict for user `usr 1` with role `user` and permission `agents:read` at the path.
    fn verdict_at(path: &str, condition: &Condition, age: Option<u64>) -> Verdict {
        let pattern = Pattern::parse("/users/{user}/{*rest}").unwrap();
        let path = TargetPath::parse(path.as_bytes()).unwrap();
        condition.verdict(&Facts {
            subject: "usr@1",
            roles: &["user".into()],
            permissions: &["agents:read".into()],
            authenticated_at: age.map(|age| UnixTime::from_secs(NOW.saturating_sub(age))),
            now: UnixTime::from_secs(NOW),
            pattern: &pattern,
            path: &path,
        })
    }

    fn verdict(condition: &Condition, age: Option<u64>) -> Verdict {
        verdict_at("/users/usr@1/x", condition, age)
    }

    const fn again(max_age: u64) -> Verdict {
        Verdict::Reauthenticate { max_age }
    }

    #[test]
    fn roles_and_permissions_are_looked_up_and_combined() {
        let read = Permission("agents:read".into());
        for (condition, wanted) in [
            (Authenticated, Verdict::Allow),
            (role("user"), Verdict::Allow),
            (role("User"), Verdict::Deny),
            (read.clone(), Verdict::Allow),
            (Permission("agents:rea".into()), Verdict::Deny),
            (All(Vec::from([role("user"), read.clone()])), Verdict::Allow),
            (All(Vec::from([role("admin"), read.clone()])), Verdict::Deny),
            (Any(Vec::from([role("admin"), read])), Verdict::Allow),
            (Any(Vec::from([role("admin"), role("x")])), Verdict::Deny),
            (not(role("admin")), Verdict::Allow),
            (not(role("user")), Verdict::Deny),
        ] {
            assert_eq!(verdict(&condition, None), wanted, "{condition:?}");
        }
    }

    #[test]
    fn a_subject_is_compared_with_the_segment_decoded_in_full() {
        let own = Subject("user".into());
        for (path, wanted) in [
            ("/users/usr@1/x", Verdict::Allow),
            ("/users/usr%401/x", Verdict::Allow),
            ("/users/%75sr%401/x/y", Verdict::Allow),
            ("/users/usr@2/usr@1", Verdict::Deny),
            ("/users/USR@1/x", Verdict::Deny),
            ("/users/usr@1%20/x", Verdict::Deny),
        ] {
            assert_eq!(verdict_at(path, &own, None), wanted, "{path}");
        }
        let pattern = Pattern::parse("/users/{user}/{*rest}").unwrap();
        assert_eq!(own.unknown_parameter(&pattern), None);
        let nested = All(Vec::from([own, not(Subject("rest".into()))]));
        assert_eq!(nested.unknown_parameter(&pattern), Some("rest"));
    }

    #[test]
    fn freshness_is_inclusive_and_asks_for_a_login_only_where_one_helps() {
        let fresh = FreshWithin(300);
        assert_eq!(verdict(&fresh, Some(0)), Verdict::Allow);
        assert_eq!(verdict(&fresh, Some(300)), Verdict::Allow);
        assert_eq!(verdict(&fresh, Some(301)), again(300));
        assert_eq!(verdict(&fresh, None), again(300));
        let admin = All(Vec::from([role("admin"), fresh.clone()]));
        assert_eq!(verdict(&admin, Some(301)), Verdict::Deny);
        let user = All(Vec::from([role("user"), fresh.clone(), FreshWithin(60)]));
        assert_eq!(verdict(&user, Some(100)), again(60));
        let either = Any(Vec::from([
            All(Vec::from([role("admin"), FreshWithin(900)])),
            fresh,
        ]));
        assert_eq!(verdict(&either, Some(1_000)), again(300));
    }

    #[test]
    fn the_age_asked_for_ends_where_the_condition_first_fails() {
        // Holds up to 60, and again from 301 to 900.
        let gap = Any(Vec::from([
            FreshWithin(60),
            All(Vec::from([not(FreshWithin(300)), FreshWithin(900)])),
        ]));
        assert_eq!(verdict(&gap, Some(100)), again(60));
        assert_eq!(verdict(&gap, Some(500)), Verdict::Allow);
        assert_eq!(verdict(&gap, Some(901)), again(60));
        let stale = not(FreshWithin(300));
        assert_eq!(verdict(&stale, Some(10)), Verdict::Deny);
        assert_eq!(verdict(&stale, None), Verdict::Allow);
        assert_eq!(verdict(&FreshWithin(u64::MAX), None), again(u64::MAX));
    }
}
