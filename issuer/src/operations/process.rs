//! What the system says of this process, under the names that Prometheus' own libraries use. Where
//! there is no `/proc`, nothing is said.

use std::fs;

use signet_core::time::UnixTime;

use super::exposition::Exposition;

pub(super) fn show(text: &mut Exposition, started_at: UnixTime) {
    let name = "process_start_time_seconds";
    let mut family = text.gauge(name, "When the process started, in seconds since 1970.");
    family.sample(&[], started_at.as_secs());
    if let Some(bytes) = resident() {
        let name = "process_resident_memory_bytes";
        text.gauge(name, "Memory that is really used.")
            .sample(&[], bytes);
    }
    if let Some(seconds) = processor_time() {
        let name = "process_cpu_seconds_total";
        let mut family = text.counter(name, "Time of processors that was used.");
        family.sample(&[], seconds);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // The folder itself is open while it is counted.
        let open = open.count().saturating_sub(1);
        text.gauge("process_open_fds", "Open files and sockets.")
            .sample(&[], open);
    }
    if let Some(most) = most_files() {
        let name = "process_max_fds";
        let mut family = text.gauge(name, "How many files and sockets may be open.");
        family.sample(&[], most);
    }
}

fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib.saturating_mul(1_024))
}

/// Seconds in the program and in the system for it.
fn processor_time() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name before it may hold anything, a parenthesis too; what follows are fields 3 and on.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields.split_ascii_whitespace().skip(11);
    let (user, system): (f64, f64) = (ticks.next()?.parse().ok()?, ticks.next()?.parse().ok()?);
    // What the kernel calls a tick to programs is a hundredth of a second, whatever it uses itself.
    Some((user + system) / 100.0)
}

fn most_files() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let mut lines = limits.lines();
    let line = lines.find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}
