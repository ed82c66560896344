//! What goes wrong with Redis, with what to do about it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Why Redis didn't do what it was asked. Each is what may stand behind "the Redis server".
#[derive(Clone, Debug, thiserror::Error)]
pub enum Fault {
    /// Nobody answers there.
    #[error("can't be reached: {0}. Start it, or set redis_url to where it is")]
    Unreachable(Arc<io::Error>),
    /// It isn't who it should be, or speaks no TLS.
    #[error(
        "can't be trusted: {0}. Give the certificate of whoever signed its own as sslrootcert in \
         redis_url, and its name there as the host; redis:// is for networks that nobody else can \
         listen to"
    )]
    Untrusted(Arc<io::Error>),
    /// The certificate of the authority can't be read.
    #[error(
        "can't be checked: {path}, which sslrootcert in redis_url names, is not to be used: \
         {problem}. Put the certificate of whoever signed the server's own there"
    )]
    Authority {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// It takes too long.
    #[error(
        "doesn't answer within {} ms. See what keeps it busy, how far away it is, and whether \
         redis_url names a Redis server, with rediss:// only where that speaks TLS",
        .0.as_millis()
    )]
    TooSlow(Duration),
    /// The connection ended, or what came over it is not Redis.
    #[error(
        "doesn't keep the connection: {0}. See its log; if it speaks TLS, write rediss:// in \
         redis_url"
    )]
    Lost(String),
    /// It failed a moment ago, and is left alone.
    #[error("failed just now, and isn't asked again so soon")]
    Resting,
    /// It doesn't take the user or the password.
    #[error(
        "refuses the user: {0}. Set the user and the password in redis_url, percent-encoded, and \
         see ACL LIST"
    )]
    Credentials(String),
    /// The user may not do what is needed.
    #[error("gives the user of redis_url too few rights: {0}. Paste the ACL line of docs/REDIS.md")]
    NoRight(String),
    /// It is a replica, which nobody writes to.
    #[error("is a read-only replica: {0}. Set redis_url to the primary")]
    ReadOnly(String),
    /// It reads what it kept.
    #[error("has just started and reads its data: {0}. Wait until it is done")]
    Loading(String),
    /// It is full, or can't write its disk.
    #[error(
        "takes nothing more: {0}. Give it more maxmemory, a maxmemory-policy that evicts \
         (volatile-ttl), or more room on its disk"
    )]
    Full(String),
    /// It is one of many.
    #[error(
        "is a node of a Redis Cluster, which Signet doesn't speak: {0}. Set redis_url to a server \
         that is none"
    )]
    Cluster(String),
    /// It is older than what Signet is tested with.
    #[error("is too old: it is version {0}, and Signet needs 7.0 or later. Upgrade it")]
    Old(String),
    /// It complains about something else.
    #[error("answers with an error: {0}")]
    Other(String),
}

impl Fault {
    /// Which fault an error of a connection or an answer is.
    pub(super) fn of(error: &RedisError) -> Self {
        let kind = match error.kind() {
            ErrorKind::Server(kind) => Some(kind),
            ErrorKind::Extension => None,
            ErrorKind::Parse => return Self::Lost("it speaks another protocol".to_owned()),
            _ => return Self::Lost(error.to_string()),
        };
        let code = error.code().unwrap_or_default();
        let told = match error.detail() {
            Some(detail) => format!("{code} {}", detail.trim_end_matches('.')),
            None => code.to_owned(),
        };
        match (kind, code) {
            (Some(ServerErrorKind::NoPerm), _) => Self::NoRight(told),
            // What a script may not do is told by words alone.
            _ if told.contains("The user executing the script") => Self::NoRight(told),
            (Some(ServerErrorKind::ReadOnly), _) => Self::ReadOnly(told),
            (Some(ServerErrorKind::BusyLoading | ServerErrorKind::MasterDown), _) => {
                Self::Loading(told)
            }
            (
                Some(
                    ServerErrorKind::Moved
                    | ServerErrorKind::Ask
                    | ServerErrorKind::ClusterDown
                    | ServerErrorKind::CrossSlot,
                ),
                _,
            ) => Self::Cluster(told),
            (_, "WRONGPASS" | "NOAUTH") => Self::Credentials(told),
            (_, "OOM" | "MISCONF") => Self::Full(told),
            _ => Self::Other(told),
        }
    }

    /// Whether the connection is of no use any more.
    pub(super) fn ends_connection(&self) -> bool {
        matches!(self, Self::Lost(_))
    }
}
