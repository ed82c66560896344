//! The cases, by family: each module is a chapter of how a request is decided.
//!
//! `token`, `feed` and `key_set` make what a case is held against, `request` the head, `expected`
//! the decision, `case` puts them together and `file` writes them down.

mod authorization;
mod case;
mod conditions;
mod connection;
mod expected;
mod feed;
mod feeds;
mod file;
mod identity;
mod jws;
mod key_set;
mod keys;
mod methods;
mod order;
mod policies;
mod preflight;
mod reauthentication;
mod removal;
mod request;
mod revocation;
mod rules;
mod targets;
mod token;
mod tokens;

use file::DecisionFile;

/// The time at which requests are decided unless a case says otherwise: in 2036, so that a host
/// that looks at its own clock decides wrongly.
const NOW: u64 = 2_100_000_000;
/// The leeway for clocks, in seconds.
const LEEWAY: u64 = 30;

/// The path of every generated file below `vectors`, and its text.
pub(crate) fn files() -> Vec<(String, String)> {
    let families: [DecisionFile; 15] = [
        targets::file(),
        methods::file(),
        rules::file(),
        preflight::file(),
        connection::file(),
        authorization::file(),
        tokens::file(),
        keys::file(),
        order::file(),
        conditions::file(),
        reauthentication::file(),
        identity::file(),
        removal::file(),
        revocation::file(),
        feeds::file(),
    ];
    families
        .iter()
        .map(|family| (format!("decisions/{}.json", family.name), family.text()))
        .collect()
}
