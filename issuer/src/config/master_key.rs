//! Master keys: read from what the operator gives, or made for local mode.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use signet_core::secret::Randomness;
use signet_core::signing::seal::{MasterKey, MasterKeyError, MasterKeys};
use zeroize::Zeroizing;

use super::setting::{Database, Refusal};

/// Where an operator has a key from. A new one beside a database that is in use opens nothing.
const BRING_IT: &str = "give the one that the database was made with; only where there is no \
                        database yet, make one with `openssl rand -base64 32 | tr '+/' '-_' | tr \
                        -d '='` and keep it safe";

/// What to do where the stored keys are sealed under another one.
pub(crate) const GIVE_THE_RIGHT_ONE: &str = "give the one that this database was made with, as \
                                             master_key or master_key_file; one that was replaced \
                                             goes into master_key_previous";

/// The longest file that is read; a key has 43 characters and a line feed.
const LONGEST_FILE: u64 = 256;

/// What its group and others may do with a file that holds a secret: nothing.
const OTHERS: u32 = 0o077;

/// The keys that the database's secrets are sealed under, or where they will be.
#[derive(Clone, Debug)]
pub enum MasterKeySource {
    /// The operator gave them.
    Given(MasterKeys),
    /// Local mode keeps one in this file, and makes it where there is none.
    LocalFile {
        /// The file.
        path: PathBuf,
        /// The key before it.
        previous: Option<MasterKey>,
    },
}

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyFileError {
    /// The database is there, its key isn't.
    #[error(
        "the database {database} has keys, but its master key {path} is not there. Start signet \
         where that file is, bring it here, or set master_key to the key the database was made \
         with. Where it is lost for good, set master_key to a new one and run `signet db restored`: \
         accounts and passwords stay, and everybody logs in again"
    )]
    Lost {
        /// The database.
        database: String,
        /// Where the key should be.
        path: String,
    },
    /// The file can't be used.
    #[error("the master key {path} {problem}. {hint}")]
    Unusable {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
        /// What to do.
        hint: String,
    },
    /// The file can't be made.
    #[error("can't make the master key {path}: {source}")]
    Create {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
}

impl MasterKeySource {
    /// The keys, where they were given or the file is there.
    ///
    /// # Errors
    /// When the file can't be used.
    pub fn find(&self) -> Result<Option<MasterKeys>, MasterKeyFileError> {
        match self {
            Self::Given(keys) => Ok(Some(keys.clone())),
            Self::LocalFile { path, .. } if !path.exists() => Ok(None),
            Self::LocalFile { path, previous } => {
                let key = read_file(path).map_err(|refusal| MasterKeyFileError::Unusable {
                    path: path.display().to_string(),
                    problem: refusal.problem,
                    hint: refusal.hint.unwrap_or_default(),
                })?;
                Ok(Some(MasterKeys::new(key, previous.clone())))
            }
        }
    }

    /// Makes the file of local mode. Only a database without keys gets one.
    ///
    /// # Errors
    /// When the file can't be made.
    pub fn make(&self, randomness: &dyn Randomness) -> Result<(), MasterKeyFileError> {
        match self {
            Self::Given(_) => Ok(()),
            Self::LocalFile { path, .. } => {
                create(path, randomness).map_err(|source| MasterKeyFileError::Create {
                    path: path.display().to_string(),
                    source,
                })
            }
        }
    }

    /// What there is to say where the file isn't there, and a database was made with it.
    #[must_use]
    pub fn lost(&self, database: &Database) -> MasterKeyFileError {
        let path = match self {
            Self::Given(_) => PathBuf::new(),
            Self::LocalFile { path, .. } => std::path::absolute(path).unwrap_or(path.clone()),
        };
        MasterKeyFileError::Lost {
            database: database.to_string(),
            path: path.display().to_string(),
        }
    }
}

/// Where local mode keeps the key of a database: beside its file, or where signet runs.
pub(super) fn beside(database: &Database) -> PathBuf {
    match database {
        Database::Sqlite(file) => file.with_extension("master-key"),
        Database::Postgres(_) => "signet.master-key".into(),
    }
}

/// Makes the file whole or not at all; whoever else makes it at the same time may win.
fn create(path: &Path, randomness: &dyn Randomness) -> io::Result<()> {
    let key = MasterKey::new(randomness.secret());
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(format!(".{}", randomness.uuid()));
    let unfinished = PathBuf::from(unfinished);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)?;
    let written = file
        .write_all(key.reveal().as_bytes())
        .and_then(|()| file.write_all(b"\n"))
        .and_then(|()| file.sync_all())
        .and_then(|()| match fs::hard_link(&unfinished, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        });
    fs::remove_file(&unfinished)?;
    written
}

/// Reads the file of `master_key_file`.
pub(super) fn read_file(path: &Path) -> Result<MasterKey, Refusal> {
    let unreadable = |error: io::Error| {
        Refusal::with_hint(
            format!("can't be read: {error}"),
            "name a file that this process may read",
        )
    };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(Refusal::with_hint("is no file", "name a file"));
    }
    if metadata.permissions().mode() & OTHERS != 0 {
        let mode = metadata.mode() & 0o777;
        let problem = format!("can be read or changed by its group or others (mode {mode:o})");
        let hint = format!(
            "chmod 600 {}; where the platform sets the mode, hand the key over as \
             SIGNET_MASTER_KEY instead",
            path.display()
        );
        return Err(Refusal::with_hint(problem, hint));
    }
    if metadata.len() > LONGEST_FILE {
        return Err(Refusal::with_hint("is too long for a master key", BRING_IT));
    }
    let text = Zeroizing::new(fs::read_to_string(path).map_err(unreadable)?);
    let line = text.strip_suffix('\n').unwrap_or(&text);
    parse(line)
}

/// Whether its group or others can use a file. One that can't be asked is somebody else's fault to find.
pub(super) fn is_open_to_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & OTHERS != 0)
}

/// Reads a key, and refuses what no generator made.
pub(super) fn parse(text: &str) -> Result<MasterKey, Refusal> {
    // A random key without a letter of one case turns up once in billions; a sentence in lower
    // case is one somebody thought of.
    let has_both_cases = text.bytes().any(|byte| byte.is_ascii_uppercase())
        && text.bytes().any(|byte| byte.is_ascii_lowercase());
    let problem = match MasterKey::parse(text) {
        Ok(key) if has_both_cases => return Ok(key),
        Ok(_) | Err(MasterKeyError::Sample) => "is not random",
        Err(MasterKeyError::Malformed) => "is not 32 bytes in base64url (43 characters, no `=`)",
    };
    Err(Refusal::with_hint(problem, BRING_IT))
}

#[cfg(test)]
mod tests {
    use signet_core::secret::OperatingSystem;

    use super::*;

    fn local(directory: &Path) -> MasterKeys {
        let database = Database::Sqlite(directory.join("signet.db"));
        let source = MasterKeySource::LocalFile {
            path: beside(&database),
            previous: None,
        };
        if source.find().unwrap().is_none() {
            source.make(&OperatingSystem).unwrap();
        }
        source.find().unwrap().unwrap()
    }

    #[test]
    fn local_mode_makes_a_private_file_once() {
        let directory = tempfile::tempdir().unwrap();
        let made = local(directory.path());
        let path = directory.path().join("signet.master-key");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        assert_eq!(local(directory.path()).current().id(), made.current().id());
    }

    #[test]
    fn all_who_start_at_once_have_the_same_key() {
        let directory = tempfile::tempdir().unwrap();
        let ids: Vec<String> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..16)
                .map(|_| scope.spawn(|| local(directory.path()).current().id().to_owned()))
                .collect();
            starts
                .into_iter()
                .map(|start| start.join().unwrap())
                .collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        local(directory.path());
        let path = directory.path().join("signet.master-key");
        for (mode, fits) in [
            (0o600, true),
            (0o400, true),
            (0o440, false),
            (0o640, false),
            (0o604, false),
            (0o620, false),
            (0o602, false),
        ] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(read_file(&path).is_ok(), fits, "{mode:o}");
            assert_eq!(is_open_to_others(&path), !fits, "{mode:o}");
        }
    }

    #[test]
    fn whoever_has_half_a_key_is_not_told_to_make_another_one_first() {
        let directory = tempfile::tempdir().unwrap();
        local(directory.path());
        let path = directory.path().join("signet.master-key");
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..20]).unwrap();
        let hint = read_file(&path).unwrap_err().hint.unwrap();
        assert!(
            hint.starts_with("give the one that the database was made with"),
            "{hint}"
        );
    }

    #[test]
    fn what_somebody_thought_of_is_no_key() {
        for text in [
            "",
            "secret",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "changemechangemechangemechangemechangemecha",
            "correct-horse-battery-staple-correct-horse0",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
