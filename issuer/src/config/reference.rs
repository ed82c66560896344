//! `docs/CONFIGURATION.md`, written from the table of keys.

use std::fmt::Write as _;

use super::keys::{Absent, KEYS, Key};

const HEAD: &str = "\
# Configuration

<!-- Written by `cargo run -- config reference`; a test compares the two. -->

Settings come from `./signet.toml` if it exists (or the file of `--config`), then from variables of
the environment, then from flags; the later one counts. A key of a section is `section.key` here,
`key = …` below `[section]` in the file, and `SIGNET_SECTION__KEY` in the environment. Lists are
arrays in the file and have commas elsewhere. Secrets have no flag, since others can read a
process's command line, and a file that holds one must be its owner's alone (mode 0600).

Unknown keys and values that can't be used stop the start, all of them at once. Variables that
Kubernetes sets for a service called `signet` (`SIGNET_PORT`, `SIGNET_PORT_…`,
`SIGNET_SERVICE_…`) are ignored. `signet config check` tells what is wrong, `signet config print`
what counts, and `signet config picture` draws how long tokens, sessions and keys live by it
([TOKEN-LIFE.md](TOKEN-LIFE.md)).

**Local mode** is what starts where nothing is configured. It needs a loopback `listen` and a
loopback `public_url` and no variable `PORT`. Everything else needs an https `public_url`, a
`master_key` (or its file) and an `smtp_url`.
";

/// The reference.
#[must_use]
pub fn markdown() -> String {
    let mut text = HEAD.to_owned();
    let mut section = None;
    for key in KEYS {
        let its_section = key.name.split_once('.').map_or("", |(section, _)| section);
        if section != Some(its_section) {
            section = Some(its_section);
            let title = match its_section {
                "" => "Top level".to_owned(),
                other => format!("`[{other}]`"),
            };
            let _infallible = write!(text, "\n## {title}\n");
        }
        describe(key, &mut text);
    }
    text
}

fn describe(key: &Key, text: &mut String) {
    let default = match key.absent {
        Absent::Value(show) => format!("`{}`", show()),
        Absent::Words(words) => words.to_owned(),
    };
    let flag = if key.secret {
        String::new()
    } else {
        format!(" · `{}`", key.flag())
    };
    let _infallible = write!(
        text,
        "\n### `{}`\n\n{}\n\n- value: {}\n- default: {default}\n- also: `{}`{flag}\n",
        key.name,
        key.about(),
        (key.kind)(),
        key.variable(),
    );
}
