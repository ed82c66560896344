//! Fuzz targets: every byte that reaches the verifier from outside, and what must hold of it.
//!
//! A [`Target`] is two functions. `check` takes any bytes and panics where a property fails, be it
//! only that nothing panics; `seeds` answers inputs to start from, which are made of `vectors/`, so
//! that what is known to be hard is where the search begins. What a signature would stop is signed
//! here, with the keys of the vectors: the fuzzer writes headers and payloads, not signatures.
//!
//! Each target is a program in `bin`. Built by `cargo xtask` with `--cfg fuzzing` it is libFuzzer,
//! guided by coverage. Built by anyone else it checks the files that it is given, which is how a
//! finding is looked at:
//!
//! ```text
//! cargo run -p signet-fuzz --bin token -- target/fuzz/findings/token/crash-…
//! ```
//!
//! `tests/seeds.rs` checks all seeds, in every test run.
//!
//! # Adding a target
//!
//! Write its module in `targets`, name it in [`TARGETS`], and give it a program as short as the
//! others. Its name must not be that of a program of the system: what is built lies beside `signet`,
//! where people and tests put it on their PATH.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a target fails by panicking"
)]

mod jws;
mod program;
pub mod targets;
mod vectors;

#[cfg(fuzzing)]
pub use libfuzzer_sys;
pub use program::{check_files, write_seeds};

/// What is fuzzed.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and that of its program.
    pub name: &'static str,
    /// The longest input worth trying, in bytes; longer ones are seldom, and slow.
    pub longest: usize,
    /// What inputs are made of, where that measurably finds more.
    pub words: &'static [&'static str],
    /// Panics where a property fails.
    pub check: fn(&[u8]),
    /// Inputs to start from.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    targets::token::TARGET,
    targets::key_set::TARGET,
    targets::policy::TARGET,
    targets::feed::TARGET,
    targets::request_head::TARGET,
];

/// The `main` of a target's program.
#[macro_export]
macro_rules! fuzz {
    ($target:expr) => {
        #[cfg(fuzzing)]
        $crate::libfuzzer_sys::fuzz_target!(|input: &[u8]| ($target.check)(input));

        #[cfg(not(fuzzing))]
        fn main() -> std::io::Result<()> {
            $crate::check_files(&$target)
        }
    };
}
