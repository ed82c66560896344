//! Writes `vectors/decisions/*.json`: request heads, and what the gate decides about each, alike on
//! every host.
//!
//! ```sh
//! cargo run -p signet-verifier --example make_decision_vectors
//! ```
//!
//! Nobody asks the gate what to expect: each family in [`corpus`] says it, in a table or by a
//! sentence of the contract. Keys come from fixed seeds, so that the files are the same on every
//! machine; a test compares them. To add a case, write it into its family and run this again. Cases
//! that were written without a generator lie in `vectors/decisions/by-hand`.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a generator stops at its first mistake, and a test compares what it writes"
)]

mod corpus;

use std::path::Path;

fn main() -> std::io::Result<()> {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors");
    std::fs::create_dir_all(vectors.join("decisions"))?;
    for (name, text) in corpus::files() {
        std::fs::write(vectors.join(name), text)?;
    }
    Ok(())
}
