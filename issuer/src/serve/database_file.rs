//! Whether the database can be where the configuration says, asked before anything is made: what
//! SQLite and the system say later names neither the folder nor the way out, and a master key
//! without a database would be left behind.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use signet_core::secret::Randomness;

/// What every SQLite file begins with (<https://sqlite.org/fileformat2.html#magic_header_string>).
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Why there can be no database.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseFileError {
    /// Nobody made the folder.
    #[error(
        "the folder {folder} of the database does not exist. Make it, or set database_url to a \
         file in a folder that exists"
    )]
    NoFolder {
        /// The folder.
        folder: String,
    },
    /// The folder can't be written in: SQLite keeps files beside the database.
    #[error(
        "can't make files in {folder}, the folder of the database: {source}. Give the user that \
         runs signet the right to write there, or set database_url to a file in another folder"
    )]
    FolderClosed {
        /// The folder.
        folder: String,
        /// What the system says.
        source: io::Error,
    },
    /// There is no file to read.
    #[error("there is no database {path}. Set database_url to where it is")]
    NoFile {
        /// The file.
        path: String,
    },
    /// There is a folder where the file should be.
    #[error(
        "the database {path} is a folder. Set database_url to a file in it, such as \
         sqlite:{path}/signet.db"
    )]
    IsFolder {
        /// The folder.
        path: String,
    },
    /// There is something else where the file should be.
    #[error("{path} is not a SQLite database. Set database_url to another file, or move this away")]
    NotADatabase {
        /// The file.
        path: String,
    },
    /// The file can't be read or written.
    #[error(
        "can't read and write the database {path}: {source}. Give the user that runs signet the \
         right to, or set database_url to another file"
    )]
    FileClosed {
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
}

/// Looks at the file and its folder, and leaves both as they were.
pub(crate) fn examine(path: &Path, randomness: &dyn Randomness) -> Result<(), DatabaseFileError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            let path = shown(path);
            return Err(DatabaseFileError::IsFolder { path });
        }
        Ok(metadata) if metadata.is_file() => examine_file(path)?,
        Ok(_) => return Err(DatabaseFileError::NotADatabase { path: shown(path) }),
        // Its folder tells why it can't be asked.
        Err(_) => {}
    }
    examine_folder(path, randomness)
}

/// Looks at a file that is only read, and has to be there.
pub(crate) fn recognise(path: &Path) -> Result<(), DatabaseFileError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Err(DatabaseFileError::IsFolder { path: shown(path) }),
        Err(error) if is_absence(&error) => Err(DatabaseFileError::NoFile { path: shown(path) }),
        Ok(_) | Err(_) => check_beginning(path, OpenOptions::new().read(true)),
    }
}

fn examine_file(path: &Path) -> Result<(), DatabaseFileError> {
    check_beginning(path, OpenOptions::new().read(true).write(true))
}

fn check_beginning(path: &Path, options: &OpenOptions) -> Result<(), DatabaseFileError> {
    let closed = |source| DatabaseFileError::FileClosed {
        path: shown(path),
        source,
    };
    let file = options.open(path);
    let mut beginning = Vec::new();
    file.and_then(|file| file.take(16).read_to_end(&mut beginning))
        .map_err(closed)?;
    // An empty file is a database that nobody has written to.
    if beginning.is_empty() || beginning == MAGIC {
        return Ok(());
    }
    Err(DatabaseFileError::NotADatabase { path: shown(path) })
}

/// Makes a file and removes it again: no other question is answered by modes, lists of rights and
/// read-only disks alike.
fn examine_folder(path: &Path, randomness: &dyn Randomness) -> Result<(), DatabaseFileError> {
    let mut probe = path.as_os_str().to_owned();
    probe.push(format!(".{}", randomness.uuid()));
    let probe = PathBuf::from(probe);
    let made = OpenOptions::new().write(true).create_new(true).open(&probe);
    made.and_then(|_| fs::remove_file(&probe))
        .map_err(|source| {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            let folder = path.parent().unwrap_or(&path);
            let (shown, is_missing) = (
                shown(folder),
                fs::metadata(folder).is_err_and(|error| is_absence(&error)),
            );
            if is_missing || folder.is_file() {
                return DatabaseFileError::NoFolder { folder: shown };
            }
            DatabaseFileError::FolderClosed {
                folder: shown,
                source,
            }
        })
}

fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
