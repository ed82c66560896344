//! Programs in the background: servers that a check needs.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::group::Group;
use super::{Done, Failure};

/// How long a server may take until it is ready; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program in the background. It ends with this value, and with this process, however that ends.
#[derive(Debug)]
pub(crate) struct Background {
    group: Group,
    name: String,
    log: PathBuf,
}

impl Background {
    /// Starts a program whose output goes to `log`.
    pub(crate) fn start(name: &str, command: &Command, log: &Path) -> Done<Self> {
        let file = fs::File::create(log)?;
        let mut bound = bound_to_this_process(command);
        bound
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file);
        let group = Group::spawn(&mut bound)
            .map_err(|error| Failure::new(format!("can't start {name}: {error}")))?;
        Ok(Self {
            group,
            name: name.to_owned(),
            log: log.to_path_buf(),
        })
    }

    /// Waits until `is_ready`, for a while.
    pub(crate) fn wait_until(&mut self, mut is_ready: impl FnMut() -> bool) -> Done {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if let Some(status) = self.group.ended()? {
                return Err(self.failure(&format!("ended: {status}")));
            }
            if is_ready() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(self.failure(&format!("isn't ready after {PATIENCE:?}")))
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.group.id()
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) -> Done {
        Ok(self.group.signal(Signal::TERM)?)
    }

    /// Waits until it has ended by itself, for a while.
    pub(crate) fn ended_within(&mut self, patience: Duration) -> Done<ExitStatus> {
        let started = Instant::now();
        while started.elapsed() < patience {
            if let Some(status) = self.group.ended()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(self.failure(&format!("hasn't ended after {patience:?}")))
    }

    /// A failure with what it has printed so far.
    pub(crate) fn failure(&self, what: &str) -> Failure {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        Failure::new(format!("{} {what}\n{log}", self.name))
    }
}

/// The same command, killed by the kernel when this process goes without a chance to do it.
fn bound_to_this_process(command: &Command) -> Command {
    let mut bound = Command::new("setpriv");
    bound
        .args(["--pdeathsig", "KILL", "--"])
        .arg(command.get_program())
        .args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        bound.current_dir(folder);
    }
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => bound.env(key, value),
            None => bound.env_remove(key),
        };
    }
    bound
}

/// A port of 127.0.0.1 that nobody listens on.
pub(crate) fn free_port() -> Done<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// So many of them, no two alike.
pub(crate) fn free_ports(count: usize) -> Done<Vec<u16>> {
    let listeners: Vec<TcpListener> = (0..count)
        .map(|_| TcpListener::bind("127.0.0.1:0"))
        .collect::<Result<_, _>>()?;
    let ports = listeners
        .iter()
        .map(|listener| listener.local_addr().map(|address| address.port()));
    Ok(ports.collect::<Result<_, _>>()?)
}

/// Whether somebody listens on a port of 127.0.0.1.
pub(crate) fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}
