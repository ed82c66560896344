//! Writes the seeds of every target into the folder that is named.

use std::io;
use std::path::Path;

fn main() -> io::Result<()> {
    match std::env::args_os().nth(1) {
        Some(folder) => signet_fuzz::write_seeds(Path::new(&folder)),
        None => Err(io::Error::other("usage: seeds FOLDER")),
    }
}
