//! The authorities whose certificates are taken: those of Debian's package `ca-certificates`, in the
//! file where every TLS library of the issuer looks for them.

use std::fs;
use std::path::Path;

use crate::process::{Done, Failure};

/// Where Debian keeps them, and where the image does.
pub(crate) const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

pub(super) fn copy_to(root: &Path) -> Done {
    let place = root.join(AUTHORITIES.trim_start_matches('/'));
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder)?;
    }
    match fs::copy(AUTHORITIES, place) {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::new(format!(
            "{AUTHORITIES}: {error}; install ca-certificates"
        ))),
    }
}
