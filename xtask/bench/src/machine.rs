//! What the figures were measured on.

use std::fs;
use std::process::Command;

use crate::report::Report;

pub(crate) fn describe(report: &mut Report) {
    report.heading("Machine");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    report.fact("cores", &cores.to_string());
    report.fact("processor", &line_of("/proc/cpuinfo", "model name"));
    report.fact("memory", &line_of("/proc/meminfo", "MemTotal"));
    report.fact("load before", &read("/proc/loadavg"));
    report.fact("kernel", &read("/proc/sys/kernel/osrelease"));
    let rustc = Command::new("rustc").arg("--version").output();
    let rustc = rustc.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    report.fact("compiler", &rustc.unwrap_or_default());
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
