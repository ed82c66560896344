//! How far an import is, on a terminal only.

use std::io::Read;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressBarIter, ProgressStyle};

/// A bar on standard error; nothing where that is no terminal.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// For a file of so many bytes.
    pub(super) fn bar(bytes: u64) -> Self {
        let bar = ProgressBar::new(bytes);
        let style = ProgressStyle::with_template("{bar:30} {percent}% {msg} {eta} left");
        Self(styled(bar, style))
    }

    /// For what nobody knows the end of.
    pub(super) fn spinner() -> Self {
        let style = ProgressStyle::with_template("{spinner} {msg} in {elapsed}");
        Self(styled(ProgressBar::no_length(), style))
    }

    /// Counts what is read.
    pub(super) fn watch<R: Read>(&self, input: R) -> ProgressBarIter<R> {
        self.0.wrap_read(input)
    }

    pub(super) fn accounts(&self, count: u64) {
        self.0.set_message(format!("{count} accounts"));
    }

    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

fn styled<E>(bar: ProgressBar, style: Result<ProgressStyle, E>) -> ProgressBar {
    bar.enable_steady_tick(Duration::from_millis(200));
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
