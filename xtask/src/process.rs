//! Running other programs, such that nothing outlives the task that started it.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

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
    let status = command
        .status()
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
    let output = command
        .stdin(Stdio::null())
        .output()
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

/// Runs a command with `input` on its standard input; answers its exit code and output.
pub(crate) fn run_with_input(command: &mut Command, input: &str) -> Done<(i32, String)> {
    let shown = show(command);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| Failure::new(format!("{shown}: {error}")))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    let output = child.wait_with_output()?;
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

/// A program in the background. It ends with this value, and with this process, however that ends.
#[derive(Debug)]
pub(crate) struct Background {
    child: Child,
    name: String,
    log: PathBuf,
}

impl Background {
    /// Starts a program whose output goes to `log`.
    pub(crate) fn start(name: &str, command: &Command, log: &Path) -> Done<Self> {
        let file = std::fs::File::create(log)?;
        // The kernel kills it when this process goes, whatever the reason.
        let mut bound = Command::new("setpriv");
        bound
            .args(["--pdeathsig", "KILL", "--"])
            .arg(command.get_program())
            .args(command.get_args())
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file);
        if let Some(folder) = command.get_current_dir() {
            bound.current_dir(folder);
        }
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => bound.env(key, value),
                None => bound.env_remove(key),
            };
        }
        let child = bound
            .spawn()
            .map_err(|error| Failure::new(format!("can't start {name}: {error}")))?;
        Ok(Self {
            child,
            name: name.to_owned(),
            log: log.to_path_buf(),
        })
    }

    /// Waits until `is_ready`, at most ten seconds.
    pub(crate) fn wait_until(&mut self, mut is_ready: impl FnMut() -> bool) -> Done {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(10) {
            if let Some(status) = self.child.try_wait()? {
                let name = &self.name;
                let log = self.log_text();
                return Err(Failure::new(format!("{name} ended: {status}\n{log}")));
            }
            if is_ready() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(Failure::new(format!(
            "{} isn't ready after ten seconds\n{}",
            self.name,
            self.log_text()
        )))
    }

    /// What it has printed so far.
    pub(crate) fn log_text(&self) -> String {
        let mut text = String::new();
        if let Ok(mut file) = std::fs::File::open(&self.log) {
            let _as_much_as_there_is = file.read_to_string(&mut text);
        }
        text
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _may_be_gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// A port of 127.0.0.1 that nobody listens on.
pub(crate) fn free_port() -> Done<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Whether somebody listens on a port of 127.0.0.1.
pub(crate) fn listens(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// A folder that goes with this value.
#[derive(Debug)]
pub(crate) struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    pub(crate) fn new(name: &str) -> Done<Self> {
        let path = std::env::temp_dir().join(format!("signet-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _as_far_as_possible = std::fs::remove_dir_all(&self.0);
    }
}
