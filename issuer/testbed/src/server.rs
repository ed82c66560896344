//! A program in the background that can't outlive whoever started it.
//!
//! A shell stands between: it starts the program, waits until its own standard input ends, stops
//! the program and removes the folder. The other end of that pipe is held by this process alone,
//! and the kernel closes it when the process goes, be it by a signal that nobody can catch. (The
//! signal of `setpriv --pdeathsig` would come when the *thread* goes that started the program, and
//! tests have a thread each.)

use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take until it is ready; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whom servers run as where root starts them, which they refuse to run as.
const USER: &str = "postgres";

const KEEPER: &str = r#"
trap '' INT TERM HUP
log=$1 folder=$2 stop=$3
shift 3
"$@" >>"$log" 2>&1 </dev/null &
server=$!
read -r word
kill -s "${word:-$stop}" "$server"
wait "$server"
[ -n "$word" ] || rm -rf "$folder"
"#;

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    keeper: Child,
    log: PathBuf,
}

impl Server {
    /// Starts a program, whose folder goes with it. `stop` is the signal that ends it.
    pub(crate) fn start(program: &[&str], folder: &Path, stop: &str) -> Self {
        Self::keep(&as_user(program), folder, stop)
    }

    /// The same as whoever runs the test, for what lies where others can't read.
    pub(crate) fn start_as_ourselves(program: &[&str], folder: &Path, stop: &str) -> Self {
        Self::keep(program, folder, stop)
    }

    fn keep(program: &[&str], folder: &Path, stop: &str) -> Self {
        let log = folder.join("log");
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(&log)
            .arg(folder)
            .arg(stop)
            .args(program)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // An interrupt from a terminal is this process's to hear first.
            .process_group(0)
            .spawn()
            .expect("there is a shell");
        Self { keeper, log }
    }

    /// Waits until it listens.
    pub(crate) fn wait_for(&self, port: u16) {
        let started = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if started.elapsed() > PATIENCE {
                let log = fs::read_to_string(&self.log).unwrap_or_default();
                panic!("nobody listens on port {port}: {log}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it with a signal, and leaves the folder.
    pub(crate) fn stop(mut self, signal: &str) {
        if let Some(mut input) = self.keeper.stdin.take() {
            let _it_may_be_gone = writeln!(input, "{signal}");
        }
        let _it_may_be_gone = self.keeper.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _it_may_be_gone = self.keeper.wait();
    }
}

/// A folder that a server may write in, and that its keeper removes.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = tempfile::Builder::new()
        .prefix(&format!("signet-{name}-"))
        .tempdir()
        .unwrap()
        .keep();
    give(&folder);
    folder
}

/// Gives a file or a folder to the user that servers run as.
pub(crate) fn give(path: &Path) {
    if is_root() {
        let (user, group) = (id("-u"), id("-g"));
        chown(path, Some(user), Some(group)).unwrap();
    }
}

/// A command that runs as the user that servers run as.
pub(crate) fn as_user<'a>(program: &[&'a str]) -> Vec<&'a str> {
    let mut words = Vec::new();
    if is_root() {
        words.extend(["setpriv", "--reuid", USER, "--regid", USER, "--init-groups"]);
        words.push("--");
    }
    words.extend(program);
    words
}

/// Runs a command to its end; answers what it printed.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| {
        panic!("{:?} can't be run: {error}", command.get_program());
    });
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {text}{errors}");
    text
}

/// A command of these words.
pub(crate) fn command(words: &[&str]) -> Command {
    let (program, arguments) = words.split_first().expect("a command has a name");
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// A port of 127.0.0.1 that nobody listens on.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// The first of these that exists.
pub(crate) fn installed(package: &str, candidates: impl IntoIterator<Item = PathBuf>) -> PathBuf {
    let found = candidates.into_iter().find(|path| path.exists());
    found.unwrap_or_else(|| {
        panic!("{package} isn't installed: `cargo xtask setup` does it, or names the package")
    })
}

fn is_root() -> bool {
    id_of(&["id", "-u"]) == 0
}

fn id(which: &str) -> u32 {
    id_of(&["id", which, USER])
}

fn id_of(words: &[&str]) -> u32 {
    let text = run(&mut command(words));
    text.trim().parse().unwrap()
}
