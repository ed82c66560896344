//! What libFuzzer says of its run.

use std::fmt;

/// The figures of a run without a finding.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Report {
    pub(super) executions: u64,
    per_second: u64,
    /// Edges that were reached.
    coverage: u64,
    /// Inputs that reached something that no shorter one does.
    corpus: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            executions,
            per_second,
            coverage,
            corpus,
        } = self;
        write!(
            f,
            "{executions:>10} executions, {per_second:>6}/s, {coverage:>5} edges, {corpus:>5} inputs kept"
        )
    }
}

/// The figures at the end of a log.
pub(super) fn report(log: &str) -> Option<Report> {
    let last = log.lines().rfind(|line| line.contains(" cov: "))?;
    Some(Report {
        executions: number_after(log, "stat::number_of_executed_units:")?,
        per_second: number_after(log, "stat::average_exec_per_sec:")?,
        coverage: number_after(last, " cov:")?,
        corpus: number_after(last, " corp:")?,
    })
}

/// The file of an input that was found, and what was wrong with it.
pub(super) fn finding(log: &str) -> Option<(&str, String)> {
    let file = log.lines().find_map(|line| {
        let (_, file) = line.split_once("Test unit written to ")?;
        Some(file)
    })?;
    let panicked = |line: &&str| line.contains(" panicked at ");
    let mut lines = log.lines().skip_while(|line| !panicked(line));
    let why: Vec<&str> = lines.by_ref().take(2).collect();
    let why = if why.is_empty() {
        let summary = log.lines().find_map(|line| line.strip_prefix("SUMMARY: "));
        summary.unwrap_or("libFuzzer stopped").to_owned()
    } else {
        why.join("\n  ")
    };
    Some((file, why))
}

/// The number at the start of what follows `name`.
fn number_after(text: &str, name: &str) -> Option<u64> {
    let (_, rest) = text.split_once(name)?;
    let rest = rest.trim_start();
    let end = rest.find(|c: char| !c.is_ascii_digit());
    rest.get(..end.unwrap_or(rest.len()))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_found_nothing_has_figures() {
        let log = "#2\tINITED cov: 10 ft: 11 corp: 1/1b exec/s: 0 rss: 28Mb\n\
                   #900\tDONE   cov: 1612 ft: 4537 corp: 928/445Kb lim: 8206 exec/s: 45 rss: 30Mb\n\
                   Done 900 runs in 20 second(s)\n\
                   stat::number_of_executed_units: 900\n\
                   stat::average_exec_per_sec:     45\n";
        let report = report(log);
        let expected = Report {
            executions: 900,
            per_second: 45,
            coverage: 1_612,
            corpus: 928,
        };
        assert_eq!(report, Some(expected));
    }

    #[test]
    fn a_finding_has_its_file_and_what_was_wrong() {
        let log = "thread '<unnamed>' (7) panicked at shared/fuzz/src/targets/token.rs:1:2:\n\
                   accepted with a bit flipped\n\
                   note: run with `RUST_BACKTRACE=1`\n\
                   ==7== ERROR: libFuzzer: deadly signal\n\
                   SUMMARY: libFuzzer: deadly signal\n\
                   artifact_prefix='/f/'; Test unit written to /f/crash-00\n";
        let (file, why) = finding(log).unwrap_or_default();
        assert_eq!(file, "/f/crash-00");
        assert!(why.ends_with("\n  accepted with a bit flipped"), "{why}");
    }

    #[test]
    fn a_slow_input_is_a_finding_without_a_panic() {
        let log = "SUMMARY: libFuzzer: timeout\n\
                   artifact_prefix='/f/'; Test unit written to /f/timeout-00\n";
        let expected = Some(("/f/timeout-00", "libFuzzer: timeout".to_owned()));
        assert_eq!(finding(log), expected);
    }
}
