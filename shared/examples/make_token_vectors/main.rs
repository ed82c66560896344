//! Writes `vectors/tokens/*.json` and `vectors/key-sets.json`: every case that a verifier of
//! Signet's tokens must decide alike on every host.
//!
//! ```sh
//! cargo run -p signet-verifier --example make_token_vectors
//! ```
//!
//! Keys come from fixed seeds, so that the files are the same on every machine; a test compares
//! them. To add a case, write it into the module of its family in [`corpus`] and run this again.
//! Vectors that other people made lie in `vectors/corpora`.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a generator stops at its first mistake, and a test compares what it writes"
)]

mod corpus;

use std::path::Path;

fn main() -> std::io::Result<()> {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors");
    std::fs::create_dir_all(vectors.join("tokens"))?;
    for (name, text) in corpus::files() {
        std::fs::write(vectors.join(name), text)?;
    }
    Ok(())
}
