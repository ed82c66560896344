//! `signet db restore` and `signet db restored`: a new life after going back in time.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};
use signet_core::ports::recovery::NewLife;
use signet_core::recovery::{self, RecoveryError};
use signet_core::role::RoleName;
use signet_core::secret::OperatingSystem;
use signet_core::signing::keyring::{Keyring, KeyringError};
use signet_core::signing::seal::{MasterKeys, OpenError as SealError};
use signet_core::time::{Clock as _, UnixTime};
use signet_store_sqlite::{RestoreError, SqliteStore, Staged};

use super::{NotAFile, a_file};
use crate::cli::arguments::ConfigurationArgs;
use crate::cli::{block_on, configuration, file_fault, no, say};
use crate::clock::SystemClock;
use crate::config::{Config, Database};
use crate::serve::database::OpenDatabase;
use crate::serve::opening::{OpenError, open_with_master_keys};

/// `signet db restore`
#[derive(Args, Debug)]
pub(in crate::cli) struct Restore {
    /// What `signet db backup` made, or another whole copy of a database
    file: PathBuf,
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// `signet db restored`
#[derive(Args, Debug)]
pub(in crate::cli) struct Restored {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// Why there is no new life.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    NotAFile(#[from] NotAFile),
    #[error(transparent)]
    Restore(#[from] RestoreError),
    #[error("the backup is the database itself: name the file that `signet db backup` made")]
    Itself,
    #[error(
        "there is no master key here: bring the backup its master key, to where the configuration \
         has it or as master_key, and restore again. Where that one is lost, a new one will do: the \
         new life has new keys. Nothing was changed"
    )]
    NoMasterKey,
    #[error(
        "{0} is no database of an issuer yet, so nothing can have been restored there: set \
         database_url to the one that was, or go to its folder; nothing was changed"
    )]
    NothingThere(String),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
}

/// A new life, and what an operator has to know of it.
struct Begun {
    life: NewLife,
    /// Why the keys of the life before don't open, if they don't.
    unopened: Option<Unopened>,
    /// Where the database is that was there.
    old: Option<PathBuf>,
}

/// The keys that were there are none of this installation's, as it is configured.
#[derive(Debug, thiserror::Error)]
enum Unopened {
    #[error(
        "its keys were sealed under another master key ({sealed}) than the configured one \
         ({configured}). They are replaced, so nothing more is lost by that. But see that this is \
         the database you meant, and not another installation's; and give every issuer the master \
         key that is configured here, or it won't start"
    )]
    OtherMasterKey { sealed: String, configured: String },
    #[error(
        "its keys can't be used, although no other master key sealed them ({0}): something has \
         changed them. They are replaced; what else was changed, `signet audit verify` and a look at \
         the accounts may tell"
    )]
    Changed(KeyringError),
}

impl Restore {
    pub(super) fn run(self) -> ExitCode {
        match configuration(self.configuration) {
            Ok(config) => block_on(async {
                let now = SystemClock.now();
                let restored = restore(&config, &self.file, now).await;
                told(&config, restored, self.json)
            }),
            Err(code) => code,
        }
    }
}

impl Restored {
    pub(super) fn run(self) -> ExitCode {
        match configuration(self.configuration) {
            Ok(config) => block_on(async {
                let restored = restored(&config, SystemClock.now()).await;
                told(&config, restored, self.json)
            }),
            Err(code) => code,
        }
    }
}

/// The new life begins before the backup is put in place: no issuer can start with the old one.
async fn restore(config: &Config, backup: &Path, now: UnixTime) -> Result<Begun, Failure> {
    let database = a_file(&config.database)?;
    if is_same(backup, database) {
        return Err(Failure::Itself);
    }
    if config.master_key.find().map_err(OpenError::from)?.is_none() {
        return Err(Failure::NoMasterKey);
    }
    let staged = Staged::new(backup, database).await?;
    let copy = Database::Sqlite(staged.path().to_owned());
    let begun = begin_new_life(config, &copy, now).await?;
    let old = staged.put_in_place(&now.as_secs().to_string()).await?;
    Ok(Begun { old, ..begun })
}

/// Whether two names lead to one file.
fn is_same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// An issuer that runs would go on with the keys it knows. Who has a file open can be seen; who has
/// connections to a server, perhaps behind a pooler, can't, and is told instead.
async fn restored(config: &Config, now: UnixTime) -> Result<Begun, Failure> {
    if let Database::Sqlite(file) = &config.database {
        SqliteStore::is_alone(file).await?;
    }
    // A database that this would make is none that went back in time.
    let holds_keys = OpenDatabase::holds_keys(&config.database).await;
    if !holds_keys.map_err(OpenError::from)? {
        return Err(Failure::NothingThere(config.database.to_string()));
    }
    begin_new_life(config, &config.database, now).await
}

async fn begin_new_life(
    config: &Config,
    database: &Database,
    now: UnixTime,
) -> Result<Begun, Failure> {
    let (opened, master_keys) =
        open_with_master_keys(&config.master_key, database, &OperatingSystem).await?;
    let begun = renew(&opened, database, &master_keys, now).await;
    opened.close().await;
    begun
}

async fn renew(
    opened: &OpenDatabase,
    database: &Database,
    master_keys: &MasterKeys,
    now: UnixTime,
) -> Result<Begun, Failure> {
    let unopened = unopened(database, master_keys).await?;
    let store = opened.store();
    let life = recovery::begin_new_life(&*store, now, master_keys, &OperatingSystem).await?;
    Ok(Begun {
        life,
        unopened,
        old: None,
    })
}

/// The new life doesn't need the keys of the one before. That they don't open is the one sign there
/// is that another installation's database lies here.
async fn unopened(
    database: &Database,
    master_keys: &MasterKeys,
) -> Result<Option<Unopened>, OpenError> {
    let Some(stored) = OpenDatabase::stored_keys(database).await? else {
        return Ok(None);
    };
    Ok(match Keyring::open(&stored, master_keys) {
        Ok(_) => None,
        Err(KeyringError::Sealed {
            reason: SealError::UnknownMasterKey(sealed),
            ..
        }) => Some(Unopened::OtherMasterKey {
            sealed,
            configured: master_keys.current().id().to_owned(),
        }),
        Err(error) => Some(Unopened::Changed(error)),
    })
}

fn told(config: &Config, restored: Result<Begun, Failure>, as_json: bool) -> ExitCode {
    match restored {
        Ok(begun) if as_json => say(&format!("{}\n", object(&begun))),
        Ok(begun) => say(&text(config, &begun)),
        Err(ref error @ Failure::Restore(RestoreError::File { ref source, .. })) => {
            file_fault(error, source)
        }
        Err(error) => no(&error),
    }
}

fn object(begun: &Begun) -> Value {
    let Begun {
        life,
        unopened,
        old,
    } = begun;
    let accounts = life.review.iter().map(|account| {
        let roles: Vec<&str> = account.roles.iter().map(RoleName::as_str).collect();
        json!({
            "id": account.id.to_string(),
            "email": account.email.original(),
            "status": account.status.as_str(),
            "roles": roles,
        })
    });
    json!({
        "feed_epoch": life.feed_epoch,
        "sessions_ended": life.sessions,
        "mailed_tokens_voided": life.mailed_tokens,
        "mail_dropped": life.mail,
        "old_keys_unopened": unopened.as_ref().map(ToString::to_string),
        "replaced": old.as_ref().map(|old| old.display().to_string()),
        "review": accounts.collect::<Vec<_>>(),
    })
}

fn text(config: &Config, begun: &Begun) -> String {
    let Begun {
        life,
        unopened,
        old,
    } = begun;
    let mut text = format!(
        "a new life began in {}: all keys are new, {} sessions ended, {} mailed tokens are void, \
         {} messages will not be sent\n",
        config.database, life.sessions, life.mailed_tokens, life.mail
    );
    if let Some(unopened) = unopened {
        text.push_str(&format!("look twice: {unopened}\n"));
    }
    if let Some(old) = old {
        text.push_str(&format!(
            "the database that was there is {}: delete it once it isn't needed\n",
            old.display()
        ));
    }
    if matches!(config.database, Database::Postgres(_)) {
        text.push_str(
            "nobody can see here whether an issuer still runs on this server: one that does goes \
             on with keys that no longer count, so stop it before you start another one\n",
        );
    }
    if !life.review.is_empty() {
        text.push_str(
            "look at these accounts again: a role or a status that was changed since is as it was, \
             and so are passwords\n",
        );
    }
    for account in &life.review {
        let roles: Vec<&str> = account.roles.iter().map(RoleName::as_str).collect();
        text.push_str(&format!(
            "  {} ({}): {}\n",
            account.email.original(),
            account.status.as_str(),
            roles.join(", ")
        ));
    }
    text
}
