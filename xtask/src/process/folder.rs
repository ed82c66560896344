//! Folders that go with the value that stands for them, or with this process.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Done;

static FOLDERS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A folder that goes with this value.
#[derive(Debug)]
pub(crate) struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    pub(crate) fn new(name: &str) -> Done<Self> {
        let path = std::env::temp_dir().join(format!("signet-{name}-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        folders().insert(path.clone());
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _as_far_as_possible = fs::remove_dir_all(&self.0);
        folders().remove(&self.0);
    }
}

/// Removes every folder there is.
pub(super) fn remove_all() {
    for folder in folders().iter() {
        let _as_far_as_possible = fs::remove_dir_all(folder);
    }
}

fn folders() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    FOLDERS.lock().unwrap_or_else(PoisonError::into_inner)
}
