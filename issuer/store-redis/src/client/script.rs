//! A Lua script. Redis remembers the ones it ran, by their SHA-1, so what goes over the network is
//! that; it gets the text where it has forgotten, which it does when it starts.

use redis::{Cmd, ToRedisArgs};

use crate::key::Key;

/// An operation: Lua, which Redis runs as one.
#[derive(Debug)]
pub struct Script {
    text: &'static str,
    hash: String,
}

impl Script {
    /// The script of this text. It names its keys in `KEYS` and nowhere else.
    #[must_use]
    pub fn new(text: &'static str) -> Self {
        let hash = redis::Script::new(text).get_hash().to_owned();
        Self { text, hash }
    }

    pub(super) fn by_hash(&self, keys: &[Key], arguments: &impl ToRedisArgs) -> Cmd {
        command("EVALSHA", &self.hash, keys, arguments)
    }

    pub(super) fn by_text(&self, keys: &[Key], arguments: &impl ToRedisArgs) -> Cmd {
        command("EVAL", self.text, keys, arguments)
    }
}

fn command(name: &str, script: &str, keys: &[Key], arguments: &impl ToRedisArgs) -> Cmd {
    let mut command = redis::cmd(name);
    command.arg(script).arg(keys.len()).arg(keys).arg(arguments);
    command
}
