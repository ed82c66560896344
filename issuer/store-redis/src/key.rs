//! The names of what is kept.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use redis::{RedisWrite, ToRedisArgs};

/// A key, `signet:KIND:{TAG}`. Redis Cluster looks at the tag alone to find the slot, so keys of one
/// tag may be used by one script.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Key(String);

impl Key {
    /// A key of a kind, such as `limit:login`, for whoever `tag` stands for: a hash, or a random
    /// id, and never anything that tells who that is.
    #[must_use]
    pub fn new(kind: fmt::Arguments<'_>, tag: &[u8]) -> Self {
        let tag = Base64UrlUnpadded::encode_string(tag);
        Self(format!("signet:{kind}:{{{tag}}}"))
    }
}

impl ToRedisArgs for Key {
    fn write_redis_args<W>(&self, out: &mut W)
    where
        W: ?Sized + RedisWrite,
    {
        out.write_arg(self.0.as_bytes());
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_shows_its_kind_and_hides_whose_it_is() {
        let key = Key::new(format_args!("limit:login"), &[0xff; 16]);
        assert_eq!(
            key.to_string(),
            "signet:limit:login:{_____________________w}"
        );
    }
}
