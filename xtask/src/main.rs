//! `cargo xtask`: everything that is done to this repository.
//!
//! A task is a function of its own file that answers `Result<(), Failure>`; what it runs goes
//! through [`process`], so that nothing it starts outlives it. To add a step to the test run, add
//! it to [`test::STEPS`]; to need a new component, add it to [`setup`].

mod artefacts;
mod bench;
mod chunked;
mod components;
mod conformance;
mod envoy;
mod fuzz;
mod image;
mod interop;
mod npm;
mod process;
mod prove;
mod revocation;
mod setup;
mod test;
mod traces;
mod wasm;
mod worker;

use std::path::Path;
use std::process::ExitCode;

use components::target_folder;
use process::Failure;

const USAGE: &str = "\
usage: cargo xtask TASK

  setup                 make this machine ready: packages, tools, targets
  test [STEP...]        every check there is, or some of them
  image [FOLDER]        build the static issuer, and what its container image holds
  wasm                  build the npm package, the Worker and the filter for Envoy
  prove [WORD...]       the proofs at full size, with a report; or those named so, without
  fuzz [TARGET] [--seconds N]  search for inputs that upset the verifier
  bench [AREA...]       Signet beside its peers, in one run, or some of its areas
  openapi [--check]     write openapi.json anew, or compare it
  picture [--check]     write docs/token-life.svg anew, or compare it
  previous              keep this release in migrations/previous, for the next one's tests
  passwords [--check]   make the built-in list of passwords anew, or compare it
  sqlx-prepare [--check]  write the queries' description anew, or compare it
";

fn main() -> ExitCode {
    if let Err(error) = process::end_with_signals() {
        process::say_error(error);
        return ExitCode::FAILURE;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["setup"] => setup::all(),
        ["test", steps @ ..] => test::run(steps),
        ["image"] => image::build(&target_folder().join("image")),
        ["image", folder] => image::build(Path::new(folder)),
        ["wasm"] => wasm::build(),
        ["prove", words @ ..] => prove::run(words),
        ["fuzz", words @ ..] => fuzz::from_words(words),
        ["bench", arguments @ ..] => bench::run(arguments),
        ["openapi"] => artefacts::write_openapi(),
        ["openapi", "--check"] => artefacts::check_openapi(),
        ["picture"] => artefacts::write_picture(),
        ["picture", "--check"] => artefacts::check_picture(),
        ["previous"] => artefacts::keep_previous(),
        ["passwords"] => artefacts::write_passwords(),
        ["passwords", "--check"] => artefacts::check_passwords(),
        ["sqlx-prepare"] => artefacts::write_queries(),
        ["sqlx-prepare", "--check"] => artefacts::check_queries(),
        _ => Err(Failure::new(USAGE)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            process::say_error(&failure);
            ExitCode::FAILURE
        }
    }
}
