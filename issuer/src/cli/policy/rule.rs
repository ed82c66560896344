//! A rule as people look for it in the file.

use signet_verifier::policy::Methods;
use signet_verifier::policy::document::Rule;

/// Its id, its methods and its path.
pub(in crate::cli) fn described(rule: &Rule) -> String {
    let methods = match &rule.route.methods {
        Methods::Usual => String::new(),
        Methods::Named(names) => format!("{} ", names.join(", ")),
    };
    format!("{:?} ({methods}{})", rule.id, rule.route.pattern)
}
