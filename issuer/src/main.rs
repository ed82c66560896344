//! The program: see [`signet`].

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// What a hash gives back is there for the next, whichever thread makes it: the system's allocator
/// keeps it for the thread that had it. See `docs/adr/0032-hashes-yield.md`.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    signet::cli::run()
}
