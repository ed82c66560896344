//! What a new password must be, and whether hashes may cost what they are told to.

use std::sync::Arc;

use signet_core::password::hasher::{self, Hasher};
use signet_core::password::known::KnownPasswords;
use signet_core::password::policy::PasswordPolicy;

use crate::config::fault::Faults;
use crate::config::keys::{Optional, Values};

const LIST: &str = "password.list";

/// The rules for new passwords; without the list where it has a fault.
pub(super) fn policy(values: &Values, faults: &mut Faults) -> PasswordPolicy {
    PasswordPolicy {
        minimum: usize::try_from(values.password_minimum.value.0).unwrap_or(usize::MAX),
        list: list(values, faults),
    }
}

fn list(values: &Values, faults: &mut Faults) -> Option<Arc<KnownPasswords>> {
    let found = match &values.password_list {
        Optional::Set(found) => found,
        Optional::Unset | Optional::Unreadable => return None,
    };
    let path = &found.value.0;
    let read = std::fs::read(path).map_err(|error| error.to_string());
    let list =
        read.and_then(|bytes| KnownPasswords::read(&bytes).map_err(|error| error.to_string()));
    match list {
        Ok(list) => Some(Arc::new(list)),
        Err(problem) => {
            let problem = format!("names {}: {problem}", path.display());
            let hint = "name a file that `signet passwords build` has made";
            faults.add(LIST, Some(&found.origin), problem, hint);
            None
        }
    }
}

/// Each parameter is within its own bounds; together they may still be too much.
pub(super) fn check_work(algorithm: hasher::Algorithm, values: &Values, faults: &mut Faults) {
    if Hasher::new(algorithm).is_err() {
        let (memory, passes) = (&values.password_memory_kib, &values.password_iterations);
        let problem = format!(
            "is {}, which with {} passes takes seconds for each hash",
            memory.value.0, passes.value.0
        );
        let hint = "keep password.memory_kib × password.iterations at 1048576 or less; the default \
                    is 19456 × 2";
        faults.add("password.memory_kib", Some(&memory.origin), problem, hint);
    }
}
