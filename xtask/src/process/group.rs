//! Process groups: a program and all that it starts in turn, ended together.
//!
//! A [`Group`] is ended when its value goes. [`end_with_signals`] ends those that run when this
//! process is told to stop.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, ExitStatus, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, kill_process_group, waitpid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::folder;

/// The leaders of the groups that run.
static RUNNING: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// A program and whatever it starts.
#[derive(Debug)]
pub(super) struct Group {
    child: Child,
    _end: End,
}

impl Group {
    /// Starts a program as the leader of a group.
    pub(super) fn spawn(command: &mut Command) -> io::Result<Self> {
        // Held while it starts: a signal that comes now waits until it can be ended as well.
        let mut running = running();
        let child = command.process_group(0).spawn()?;
        let leader = Pid::from_child(&child);
        running.insert(leader.as_raw_pid());
        Ok(Self {
            child,
            _end: End(leader),
        })
    }

    /// Waits until the program ends by itself; what it has left behind is ended then.
    pub(super) fn wait(mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }

    /// The same, with what it prints.
    pub(super) fn output(self) -> io::Result<Output> {
        let Self { child, _end } = self;
        child.wait_with_output()
    }

    /// Its standard input, once.
    pub(super) fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// The leader's id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to the leader.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), signal)?)
    }

    /// How the program ended, if it has.
    pub(super) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }
}

/// Ends a group when it goes.
#[derive(Debug)]
struct End(Pid);

impl Drop for End {
    fn drop(&mut self) {
        let mut running = running();
        let _may_be_gone = kill_process_group(self.0, Signal::KILL);
        let _may_be_reaped = waitpid(Some(self.0), WaitOptions::empty());
        running.remove(&self.0.as_raw_pid());
    }
}

fn running() -> MutexGuard<'static, BTreeSet<i32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on, a signal that stops this process ends every group first.
pub(crate) fn end_with_signals() -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            let running = running();
            for leader in running.iter().copied().filter_map(Pid::from_raw) {
                let _may_be_gone = kill_process_group(leader, Signal::KILL);
            }
            folder::remove_all();
            // `running` is held to the end: nothing starts any more.
            std::process::exit(signal.saturating_add(128));
        }
    });
    Ok(())
}
