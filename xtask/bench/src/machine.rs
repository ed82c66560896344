//! What the figures were measured on.

use std::fs::{self, File};
use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::load::Load;
use crate::report::{Report, Target};

/// In what Linux tells programs of times, whatever its own clock does.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// How often the disk is asked.
const SYNCS: usize = 400;
const PAGE: usize = 4_096;

pub(crate) fn describe(report: &mut Report) {
    report.heading("Machine");
    report.fact("cores", &cores().to_string());
    report.fact("processor", &line_of("/proc/cpuinfo", "model name"));
    report.fact("memory", &line_of("/proc/meminfo", "MemTotal"));
    report.fact("load before", &read("/proc/loadavg"));
    report.fact("kernel", &read("/proc/sys/kernel/osrelease"));
    let rustc = Command::new("rustc").arg("--version").output();
    let rustc = rustc.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    report.fact("compiler", &rustc.unwrap_or_default());
}

/// What the disk of a folder takes to make one page durable, in a file whose blocks are there.
pub(crate) fn describe_disk(report: &mut Report, folder: &Path) {
    let mut file = File::create(folder.join("page")).unwrap();
    file.write_all(&[1; PAGE]).unwrap();
    file.sync_all().unwrap();
    let syncs = (0..SYNCS).map(|_| {
        file.rewind().unwrap();
        file.write_all(&[2; PAGE]).unwrap();
        let started = Instant::now();
        file.sync_data().unwrap();
        started.elapsed().as_secs_f64() * 1e3
    });
    let syncs = Load::of(syncs.collect(), 1.0);
    report.figure("fdatasync of a page, p50", syncs.p50, "ms", Target::None);
    report.figure("fdatasync of a page, p99", syncs.p99, "ms", Target::None);
}

/// How many processors there are for this program.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn read(path: &str) -> String {
    fs::read_to_string(path)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn line_of(path: &str, name: &str) -> String {
    read(path)
        .lines()
        .find_map(|line| line.strip_prefix(name)?.split_once(':'))
        .map(|(_, value)| value.trim().to_owned())
        .unwrap_or_default()
}

/// For how long the processors had nothing to do so far, all together.
pub(crate) fn idle() -> Duration {
    let stat = read("/proc/stat");
    let all = stat.lines().next().unwrap();
    let idle: u32 = all.split_whitespace().nth(4).unwrap().parse().unwrap();
    TICK * idle
}

/// What a process holds in memory, in MiB, by its number or `self`.
pub(crate) fn resident(process: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap();
    let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib / 1_024.0
}
