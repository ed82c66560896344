//! The table of keys. Each is declared once, and everything follows from its row: the name in the
//! file, in the environment and on the command line, how it is read, what `signet config print`
//! and `docs/CONFIGURATION.md` say of it.
//!
//! To add a key: add its row; give its type a [`Setting`] if it has none; use its field in
//! [`super::assemble`]; run `cargo run -- config reference > docs/CONFIGURATION.md`. A key that
//! nothing uses isn't declared.

use std::net::SocketAddr;

use super::fault::{Faults, Origin};
use super::setting::{
    Addresses, Algorithm, Database, EmailVerification, Level, LogFormat, MailFrom, MasterKeyText,
    Names, Networks, OperationsListen, Origins, Page, PasswordList, PolicyFile, PublicUrl, Redis,
    SecretFile, SessionsIn, Setting, SmtpUrl, Whole,
};
use super::source::Given;

/// A key, and what is said of it.
#[derive(Debug)]
pub struct Key {
    /// Its name in the file, with the section before the dot.
    pub name: &'static str,
    /// What a value looks like.
    pub kind: fn() -> String,
    /// What holds where nobody sets it.
    pub absent: Absent,
    /// What it is for.
    pub help: &'static str,
    /// Whether its value is never shown.
    pub secret: bool,
}

/// What holds where nobody sets a key.
#[derive(Debug)]
pub enum Absent {
    /// This value, as TOML.
    Value(fn() -> String),
    /// What these words say.
    Words(&'static str),
}

impl Key {
    /// The name of its variable.
    #[must_use]
    pub fn variable(&self) -> String {
        format!(
            "SIGNET_{}",
            self.name.replace('.', "__").to_ascii_uppercase()
        )
    }

    /// The name of its flag.
    #[must_use]
    pub fn flag(&self) -> String {
        format!("--{}", self.flag_name())
    }

    /// What it is for, on one line.
    #[must_use]
    pub fn about(&self) -> String {
        let lines: Vec<&str> = self.help.lines().map(str::trim).collect();
        lines.join(" ")
    }

    /// [`Key::flag`] without the hyphens before it.
    #[must_use]
    pub fn flag_name(&self) -> String {
        self.name.replace(['.', '_'], "-")
    }
}

/// A value and where it was set.
#[derive(Clone, Debug)]
pub(super) struct Found<T> {
    pub(super) value: T,
    pub(super) origin: Origin,
}

/// What became of a key without a default of its own.
#[derive(Clone, Debug)]
pub(super) enum Optional<T> {
    /// Nobody set it.
    Unset,
    /// What was set can't be read; the fault is known.
    Unreadable,
    /// It was set.
    Set(Found<T>),
}

impl<T> Optional<T> {
    pub(super) fn found(&self) -> Option<&Found<T>> {
        match self {
            Self::Set(found) => Some(found),
            Self::Unset | Self::Unreadable => None,
        }
    }

    pub(super) fn is_unset(&self) -> bool {
        matches!(self, Self::Unset)
    }
}

/// A key with the value that counts, for `signet config print`.
#[derive(Clone, Debug)]
pub struct Line {
    /// The key.
    pub key: &'static Key,
    /// The value as TOML; `None` where nobody set it and what holds follows from others.
    pub value: Option<String>,
    /// Where it was set.
    pub origin: Origin,
}

fn read<T: Setting>(given: &Given, key: &'static Key, faults: &mut Faults) -> Optional<T> {
    let Some((raw, origin)) = given.get(key) else {
        return Optional::Unset;
    };
    match T::read(raw) {
        Ok(value) => Optional::Set(Found {
            value,
            origin: origin.clone(),
        }),
        Err(refusal) => {
            let hint = refusal
                .hint
                .unwrap_or_else(|| format!("give {}", T::kind()));
            faults.add(key.name, Some(origin), refusal.problem, hint);
            Optional::Unreadable
        }
    }
}

fn line<T: Setting>(key: &'static Key, found: Option<&Found<T>>) -> Line {
    Line {
        key,
        value: found.map(|found| found.value.show()),
        origin: found.map_or(Origin::Default, |found| found.origin.clone()),
    }
}

/// How a row ends: with a value that holds by default, or with words on what does.
macro_rules! row {
    (type default $type:ty) => { Found<$type> };
    (type otherwise $type:ty) => { Optional<$type> };
    (absent default $type:ty, $value:expr) => {
        Absent::Value(|| <$type as Setting>::show(&$value))
    };
    (absent otherwise $type:ty, $words:expr) => { Absent::Words($words) };
    (read default $read:expr, $value:expr) => {
        match $read {
            Optional::Set(found) => found,
            // What can't be read is a fault, so that this stands in only until all are found.
            Optional::Unset | Optional::Unreadable => Found {
                value: $value,
                origin: Origin::Default,
            },
        }
    };
    (read otherwise $read:expr, $words:expr) => { $read };
    (found default $field:expr) => { Some(&$field) };
    (found otherwise $field:expr) => { $field.found() };
    (secret) => { false };
    (secret secret) => { true };
}

macro_rules! keys {
    ($($(#[doc = $help:literal])+ $([$secret:ident])? $field:ident: $type:ty = $name:literal,
        $how:ident $absent:expr;)+
    ) => {
        /// Every key there is.
        pub static KEYS: &[Key] = &[$(Key {
            name: $name,
            kind: <$type as Setting>::kind,
            absent: row!(absent $how $type, $absent),
            help: concat!($($help, "\n"),+),
            secret: row!(secret $($secret)?),
        },)+];

        /// What each key was set to.
        #[derive(Clone, Debug)]
        pub(super) struct Values {
            $(pub(super) $field: row!(type $how $type),)+
        }

        impl Values {
            /// Reads every key, so that every fault is found.
            pub(super) fn read(given: &Given, faults: &mut Faults) -> Self {
                let mut keys = KEYS.iter();
                Self {
                    $($field: row!(read $how match keys.next() {
                        Some(key) => read::<$type>(given, key, faults),
                        None => Optional::Unset,
                    }, $absent),)+
                }
            }

            /// Every key with the value that counts.
            pub(super) fn lines(&self) -> Vec<Line> {
                let mut keys = KEYS.iter();
                [$(keys.next().map(|key| line::<$type>(key, row!(found $how self.$field))),)+]
                    .into_iter()
                    .flatten()
                    .collect()
            }
        }
    };
}

keys! {
    /// The address and port that requests are taken at. An address that isn't loopback ends local
    /// mode.
    listen: SocketAddr = "listen",
        otherwise "`127.0.0.1:8080`; `0.0.0.0:$PORT` where `PORT` is set";
    /// The address and port of `/metrics`, which is for operators alone and never at `listen`, or
    /// `off`. What is told there names nobody, and has no other protection than where it is. Where
    /// nobody sets it and the port is taken, the issuer starts without it and says so. See
    /// docs/OPERATIONS.md.
    operations_listen: OperationsListen = "operations_listen",
        otherwise "`127.0.0.1:9090` if that is free";
    /// Where clients reach the issuer: scheme, host and port. It is the `iss` of every token, and
    /// the only host that is answered. Needed outside of local mode, and https there.
    public_url: PublicUrl = "public_url",
        otherwise "in local mode `http://` and the address of `listen`";
    /// The database: a file, or a PostgreSQL server of version 15 or later, where everything is in
    /// the schema `signet`. User and password are percent-encoded. A transaction pooler may stand
    /// between. Unless the server is on this machine, it must show a good certificate
    /// (`sslmode=verify-full`): of an authority that the system trusts, or of
    /// `?sslrootcert=/path/of/ca.pem`; `?sslmode=disable` is for networks that nobody else listens
    /// to. `?pool_size=10` is the most connections of one process. The folder of a socket is a host
    /// as well, `%2Frun%2Fpostgresql`. A file of settings that holds the password must be its
    /// owner's alone.
    database_url: Database = "database_url", default Database::Sqlite("signet.db".into());
    /// The Redis server, of version 7.0 or later, that keeps the limits of all issuers of a
    /// database; without it each process counts for itself. `redis://USER:PASSWORD@HOST`, `rediss://`
    /// for TLS (`?sslrootcert=/path/of/ca.pem` for an authority that the system doesn't trust), or
    /// `unix:/path/of/socket?user=USER&password=PASSWORD`. It must be right at the start, and may go
    /// away later. See docs/REDIS.md.
    redis_url: Redis = "redis_url", otherwise "none";
    /// What everything secret in the database is sealed under: 32 random bytes. This or
    /// `master_key_file` is needed outside of local mode. There is no way back without it.
    [secret] master_key: MasterKeyText = "master_key",
        otherwise "in local mode a file beside the database, made at the first start";
    /// A file that holds the master key, and that neither its group nor others can read.
    master_key_file: SecretFile = "master_key_file", otherwise "none";
    /// The master key before this one: opens what it sealed, seals nothing.
    [secret] master_key_previous: MasterKeyText = "master_key_previous", otherwise "none";
    /// The mail server: `smtps://USER:PASSWORD@HOST` for TLS from the start (port 465),
    /// `smtp://USER:PASSWORD@HOST` for STARTTLS (port 587). User and password are
    /// percent-encoded. Needed outside of local mode; there, a loopback server may do without TLS.
    [secret] smtp_url: SmtpUrl = "smtp_url",
        otherwise "in local mode a mailbox in memory, at `/dev/mailbox`";
    /// Whom mail is from.
    mail_from: MailFrom = "mail_from", otherwise "`no-reply@` and the host of `public_url`";
    /// Whether who registers must prove to read the mailbox before the account can be used.
    /// `optional` makes the account at once: whoever registers an address can log in, and so learns
    /// whether it was free; its roles count only once the mailbox is proven. What that means for
    /// whoever owns the address is in
    /// docs/adr/0026-who-has-an-account-before-the-mailbox-is-proven.md.
    registration_email_verification: EmailVerification = "registration.email_verification",
        default EmailVerification::Required;
    /// Whom access tokens may be for. The first is for clients that ask for none.
    tokens_audiences: Names = "tokens.audiences", default Names::one("signet");
    /// Whom access tokens may be issued to. The first is for clients that don't say who they are.
    tokens_clients: Names = "tokens.clients", default Names::one("signet");
    /// How long an access token is good, in seconds; up to a twentieth less at random.
    tokens_access_seconds: Whole<60, 3_600> = "tokens.access_seconds", default Whole(300);
    /// How long a used refresh token is answered with its successor once more, in seconds, for
    /// answers that got lost and second tabs. Time is counted in whole seconds, so it may be up to
    /// one more.
    refresh_grace_seconds: Whole<0, 60> = "refresh.grace_seconds", default Whole(10);
    /// After how many days without a refresh a session ends.
    refresh_idle_days: Whole<1, 365> = "refresh.idle_days", default Whole(14);
    /// After how many days a session ends whatever happens.
    refresh_absolute_days: Whole<1, 365> = "refresh.absolute_days", default Whole(30);
    /// Where sessions are kept. `redis` takes what every refresh writes from the database to the
    /// server of `redis_url`, which is needed then; accounts, roles and which sessions have ended
    /// stay in the database. See docs/REDIS.md.
    sessions_store: SessionsIn = "sessions.store", default SessionsIn::Database;
    /// How many sessions an account may have; a new one ends that which was used longest ago.
    sessions_max_per_account: Whole<1, 1_000> = "sessions.max_per_account", default Whole(20);
    /// What new passwords are hashed with. Both are always understood, and a login with the other
    /// one, or with weaker parameters, hashes again.
    password_algorithm: Algorithm = "password.algorithm", default Algorithm::Argon2id;
    /// The fewest characters a new password has.
    password_minimum: Whole<8, 64> = "password.minimum", default Whole(12);
    /// A list of passwords that are refused, beside the one that is built in: a file that
    /// `signet passwords build` made, which is held in memory. See docs/PASSWORDS.md.
    password_list: PasswordList = "password.list", otherwise "none";
    /// The memory of an argon2id hash, in KiB. Each hash that is being made takes as much. Times the
    /// passes, it is 1048576 at most.
    password_memory_kib: Whole<7_168, 262_144> = "password.memory_kib", default Whole(19_456);
    /// The passes of an argon2id hash over its memory.
    password_iterations: Whole<1, 16> = "password.iterations", default Whole(2);
    /// The cost of a bcrypt hash; each step doubles its time.
    password_bcrypt_cost: Whole<10, 16> = "password.bcrypt_cost", default Whole(12);
    /// The least time that the answer to a login takes, in milliseconds, so that how long a password
    /// is checked tells nobody whose account exists. More than the default helps where accounts were
    /// imported whose hashes take longer; `signet users import` says so. See docs/IMPORT.md.
    password_floor_ms: Whole<250, 10_000> = "password.floor_ms", default Whole(250);
    /// How many passwords are hashed at once.
    password_concurrency: Whole<1, 256> = "password.concurrency", otherwise "the number of cores";
    /// What every limit is multiplied with, for load tests. 1 is the only value that protects
    /// anyone, and any other is warned about at the start.
    limits_scale: Whole<1, 1_000_000> = "limits.scale", default Whole(1);
    /// How many proxies stand before the issuer. Each adds an address to `X-Forwarded-For` or
    /// `Forwarded`; so many are believed, from the right.
    proxy_trusted_hops: Whole<0, 16> = "proxy.trusted_hops", default Whole(0);
    /// The networks that proxies are in, as CIDR. Their word on the client's address is believed.
    proxy_networks: Networks = "proxy.networks", default Networks::default();
    /// The origins whose scripts may call `/v1`, such as `https://app.example.com`.
    cors_origins: Origins = "cors.origins", default Origins::default();
    /// The policy by which `/v1/auth/verify` decides about requests that proxies ask about: TOML, or
    /// the JSON of `signet policy compile`. It is read at the start. Without it there is no such
    /// route. See docs/FORWARD-AUTH.md.
    forward_auth_policy: PolicyFile = "forward_auth.policy", otherwise "none";
    /// The proxies that may ask, by the addresses they connect from. Needed with
    /// `forward_auth.policy`; everyone else is refused.
    forward_auth_proxies: Addresses = "forward_auth.proxies", otherwise "none";
    /// A file that holds the token with which a timer calls `POST /internal/tick`, where the platform
    /// freezes the process between requests: at least 32 random characters on one line. Without it
    /// there is no such route. See docs/DEPLOY.md.
    tick_token_file: SecretFile = "tick.token_file", otherwise "none";
    /// The page that links in verification mails lead to. The token is in the fragment,
    /// `#token=…`.
    links_verify: Page = "links.verify", otherwise "`/verify` of `public_url`";
    /// The page that links in reset mails lead to. The token is in the fragment, `#token=…`.
    links_reset: Page = "links.reset", otherwise "`/reset` of `public_url`";
    /// The page that links in mails about a change of address lead to: those that confirm it, and
    /// those that take it back. The token is in the fragment, `#token=…`.
    links_email_change: Page = "links.email_change", otherwise "`/email-change` of `public_url`";
    /// The page that links in invites lead to. The token is in the fragment, `#token=…`.
    links_invite: Page = "links.invite", otherwise "`/invite` of `public_url`";
    /// How the log is written: one JSON object on a line, or text.
    log_format: LogFormat = "log.format", otherwise "`text` on a terminal, `json` elsewhere";
    /// The least important events that are logged.
    log_level: Level = "log.level", default Level::Info;
}
