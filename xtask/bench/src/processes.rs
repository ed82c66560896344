//! What processes have had of the processors, and what they hold, with all that descend from them:
//! many a service is a process whose children do the work.

use std::fs;
use std::time::Duration;

use crate::machine::{TICK, resident};

/// A process, as `/proc` has it.
struct Process {
    id: u32,
    parent: u32,
    /// What it has had of the processors, and its children that are gone.
    used: Duration,
}

impl Process {
    fn read(id: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // Its name may hold anything, and ends with the last parenthesis.
        let (_, after_name) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = after_name.split(' ').collect();
        let ticks = fields.get(11..15)?.iter().map(|field| field.parse::<u32>());
        let ticks: u32 = ticks.sum::<Result<_, _>>().ok()?;
        Some(Self {
            id,
            parent: fields.get(1)?.parse().ok()?,
            used: TICK * ticks,
        })
    }
}

/// Processes, their children, the children of these, and so on.
fn family(roots: &[u32]) -> Vec<Process> {
    let all = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let all = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut others: Vec<Process> = all.filter_map(Process::read).collect();
    let mut family: Vec<Process> = Vec::new();
    loop {
        let belongs = |process: &mut Process| {
            roots.contains(&process.id) || family.iter().any(|known| known.id == process.parent)
        };
        let next: Vec<Process> = others.extract_if(.., belongs).collect();
        if next.is_empty() {
            return family;
        }
        family.extend(next);
    }
}

/// What they have had of the processors so far, to a hundredth of a second.
pub(crate) fn processor_time(roots: &[u32]) -> Duration {
    family(roots).iter().map(|process| process.used).sum()
}

/// What this program has had of them so far, without what it started.
pub(crate) fn own_processor_time() -> Duration {
    Process::read(std::process::id()).unwrap().used
}

/// What they hold in memory, in MiB; what two of them share counts twice.
pub(crate) fn memory(roots: &[u32]) -> f64 {
    let family = family(roots).into_iter();
    family
        .map(|process| resident(&process.id.to_string()))
        .sum()
}
