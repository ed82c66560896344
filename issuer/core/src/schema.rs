//! Where the schema of a store in SQL stands: what was done to it beside what a release knows.

/// The tables of every store in SQL: a schema without one of them isn't whole, whatever it says was
/// done to it.
pub const TABLES: [&str; 21] = [
    "account_roles",
    "accounts",
    "audit",
    "audit_addresses",
    "ended_sessions",
    "feed",
    "guesses",
    "mac_keys",
    "mailed_tokens",
    "meta",
    "outbox",
    "raised_versions",
    "refused_kids",
    "registrations",
    "removed_keys",
    "role_inherits",
    "role_permissions",
    "roles",
    "secrets",
    "sessions",
    "signing_keys",
];

/// A step of a schema.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Migration {
    /// Its number.
    pub version: i64,
    /// Its name.
    pub name: String,
}

/// Where a schema stands.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SchemaStatus {
    /// What was done to it.
    pub applied: Vec<Migration>,
    /// What this release would do to it.
    pub pending: Vec<Migration>,
    /// What a newer release did to it.
    pub unknown: Vec<Migration>,
}

impl SchemaStatus {
    /// What was done, beside what this release knows.
    #[must_use]
    pub fn compare(done: Vec<Migration>, known: Vec<Migration>) -> Self {
        let has = |list: &[Migration], version| list.iter().any(|one| one.version == version);
        let is_done = |one: &Migration| has(&done, one.version);
        let pending = known.iter().filter(|one| !is_done(one)).cloned().collect();
        let (applied, unknown) = done.into_iter().partition(|one| has(&known, one.version));
        Self {
            applied,
            pending,
            unknown,
        }
    }

    /// A step that was left out, though a later one was done: no release does that.
    #[must_use]
    pub fn gap(&self) -> Option<&Migration> {
        let last = self.applied.last()?.version;
        self.pending.iter().find(|pending| pending.version < last)
    }

    /// Whether a start has nothing to do, and nothing against it.
    #[must_use]
    pub fn is_up_to_date(&self) -> bool {
        self.pending.is_empty() && self.unknown.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(versions: &[i64]) -> Vec<Migration> {
        let step = |version: &i64| Migration {
            version: *version,
            name: format!("step {version}"),
        };
        versions.iter().map(step).collect()
    }

    #[test]
    fn what_is_to_do_is_told_from_what_somebody_else_did() {
        let status = SchemaStatus::compare(steps(&[1, 2, 9]), steps(&[1, 2, 3]));
        assert_eq!(status.applied, steps(&[1, 2]));
        assert_eq!(status.pending, steps(&[3]));
        assert_eq!(status.unknown, steps(&[9]));
        assert!(!status.is_up_to_date());
        assert!(status.gap().is_none());
        let done = SchemaStatus::compare(steps(&[1, 2]), steps(&[1, 2]));
        assert!(done.is_up_to_date());
        let gap = SchemaStatus::compare(steps(&[1, 3]), steps(&[1, 2, 3, 4]));
        assert_eq!(gap.gap(), steps(&[2]).first());
    }
}
