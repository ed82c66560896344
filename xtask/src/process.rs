//! Running other programs, such that nothing outlives the task that started it.
//!
//! Every program leads a [`group`] of its own, which ends with the value that stands for it, and
//! with this process when a signal ends that.

mod background;
mod folder;
mod group;

use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

pub(crate) use background::{Background, free_port, free_ports, listens};
pub(crate) use folder::TemporaryFolder;
pub(crate) use group::end_with_signals;

use group::Group;

/// Why a task can't be done, in words for whoever started it.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

pub(crate) type Done<T = ()> = Result<T, Failure>;

#[expect(clippy::print_stdout, reason = "this is what the task has to say")]
pub(crate) fn say(text: impl fmt::Display) {
    println!("{text}");
}

pub(crate) fn say_error(text: impl fmt::Display) {
    let _nobody_reads_it = writeln!(std::io::stderr(), "{text}");
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// A command that runs in the root of the repository.
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// The cargo that runs this task, in the root of the repository.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// Runs a command and passes on what it prints.
pub(crate) fn run(command: &mut Command) -> Done {
    let shown = show(command);
    let status = Group::spawn(command.stdin(Stdio::null()))
        .and_then(Group::wait)
        .map_err(|error| Failure::new(format!("{shown}: {error}")))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("{shown}: {status}")))
    }
}

/// Runs a command without showing what it prints, unless it fails; answers its output.
pub(crate) fn run_quietly(command: &mut Command) -> Done<String> {
    let shown = show(command);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let output = Group::spawn(command.stderr(Stdio::piped()))
        .and_then(Group::output)
        .map_err(|error| Failure::new(format!("{shown}: {error}")))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(Failure::new(format!(
        "{shown}: {}\n{text}{errors}",
        output.status
    )))
}

/// Runs a command; answers its exit code and all that it printed.
pub(crate) fn run_to_end(command: &mut Command) -> Done<(i32, String)> {
    let shown = show(command);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let output = Group::spawn(command.stderr(Stdio::piped()))
        .and_then(Group::output)
        .map_err(|error| Failure::new(format!("{shown}: {error}")))?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Ok((output.status.code().unwrap_or(-1), text))
}

/// Runs a command with `input` on its standard input; answers its exit code and output.
pub(crate) fn run_with_input(command: &mut Command, input: &str) -> Done<(i32, String)> {
    let shown = show(command);
    let mut group = Group::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()))
        .map_err(|error| Failure::new(format!("{shown}: {error}")))?;
    let stdin = group.stdin();
    // Beside reading: whoever answers before all is said would wait for us, and we for it.
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input.as_bytes())));
        group.output()
    })?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok((output.status.code().unwrap_or(-1), text))
}

/// Tries again when a step fails that may fail for a moment: the network is part of it.
pub(crate) fn with_retries(what: &str, mut step: impl FnMut() -> Done) -> Done {
    let mut wait = Duration::from_secs(2);
    for _ in 0..3 {
        match step() {
            Ok(()) => return Ok(()),
            Err(failure) => say_error(format!("{what} failed, trying again: {failure}")),
        }
        std::thread::sleep(wait);
        wait = wait.saturating_mul(3);
    }
    step()
}

fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}
