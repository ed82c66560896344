//! The file on disk: made for its owner only.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// What anyone but the owner and the group may do.
const OTHERS: u32 = 0o007;

/// Creates the file where there is none, before SQLite does, which would let others read it;
/// SQLite gives the files beside it the same mode. What others may do to files that are there
/// already (copied from a backup, say) is taken from them.
pub(super) fn prepare(path: &Path) -> io::Result<()> {
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)?;
    for file in with_companions(path) {
        shut_out_others(&file)?;
    }
    Ok(())
}

/// A path with something more at its end.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Makes a file that wasn't there, for its owner only.
pub(super) fn create_new(path: &Path) -> io::Result<std::fs::File> {
    std::fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)
}

/// Makes what was done to the names in a file's folder durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// The database, its write-ahead log and the log's index.
pub(super) fn with_companions(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|suffix| with_suffix(path, suffix))
}

fn shut_out_others(file: &Path) -> io::Result<()> {
    let mut permissions = match std::fs::metadata(file) {
        Ok(metadata) => metadata.permissions(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if permissions.mode() & OTHERS == 0 {
        return Ok(());
    }
    permissions.set_mode(permissions.mode() & !OTHERS);
    std::fs::set_permissions(file, permissions)
}
