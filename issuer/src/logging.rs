//! The log: one line for each event, on standard error. JSON for machines, text for people.
//!
//! Secrets have types that print their name only, so that no event can carry one. What clients
//! send may stand in an event, and so may any character of it: control characters are escaped, so
//! that nobody can write a line of their own or disturb a terminal.
//!
//! Other people's crates are heard from `warn` on only: what they tell below that isn't meant for
//! operators, and may hold what passes through them.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write};
use std::panic;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{Level, LogFormat, LogSettings};

/// The crates whose events are this program's own.
const OURS: [&str; 4] = [
    "signet",
    "signet_core",
    "signet_store_postgres",
    "signet_store_sqlite",
];

/// Begins to log. Only the first call of a process counts.
pub fn start(settings: LogSettings) {
    let format = settings.format.unwrap_or_else(|| {
        if io::stderr().is_terminal() {
            LogFormat::Text
        } else {
            LogFormat::Json
        }
    });
    let registry = tracing_subscriber::registry().with(filter(settings.level));
    let lines = fmt::layer()
        .with_writer(OneLine(io::stderr))
        .with_ansi(false);
    let started = match format {
        LogFormat::Json => registry
            .with(lines.json().flatten_event(true).boxed())
            .try_init(),
        LogFormat::Text => registry.with(lines.boxed()).try_init(),
    };
    if started.is_ok() {
        log_panics();
    }
}

fn filter(level: Level) -> Targets {
    let level = match level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    };
    Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_targets(OURS.map(|target| (target, level)))
}

/// A panic is an event like others: on one line, and without its message, which may hold anything.
fn log_panics() {
    panic::set_hook(Box::new(|info| {
        let location = info.location().map(ToString::to_string);
        tracing::error!(location, "the program met what should never happen");
    }));
}

/// Writes each event as one line of printable characters.
#[derive(Clone, Copy, Debug)]
struct OneLine<M>(M);

/// The writer of one event.
#[derive(Debug)]
struct Line<W>(W);

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for OneLine<M> {
    type Writer = Line<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Line(self.0.make_writer())
    }
}

impl<W: Write> Write for Line<W> {
    /// Called with all of an event, the line feed at its end included.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let line = printable(event.strip_suffix(b"\n").unwrap_or(event));
        self.0.write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The text with every control character spelled out as JSON does, and a line feed.
fn printable(event: &[u8]) -> String {
    let mut line = String::with_capacity(event.len().saturating_add(1));
    for c in String::from_utf8_lossy(event).chars() {
        // Line and paragraph separators end a line for some programs that read logs.
        if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
            let _infallible = write!(line, "\\u{:04x}", u32::from(c));
        } else {
            line.push(c);
        }
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Ear(Arc<Mutex<Vec<u8>>>);

    impl Write for Ear {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const HOSTILE: &str = "a\r\n{\"level\":\"ERROR\"}\u{1b}[31m\u{7}\u{2028}\u{7f}\u{85}b\0";

    fn heard(json: bool) -> String {
        let ear = Ear::default();
        let mine = ear.clone();
        let lines = fmt::layer()
            .with_writer(OneLine(move || mine.clone()))
            .with_ansi(false);
        let lines = if json {
            lines.json().flatten_event(true).boxed()
        } else {
            lines.boxed()
        };
        let subscriber = tracing_subscriber::registry().with(lines);
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(name = HOSTILE, debug = ?HOSTILE, display = %HOSTILE, "{HOSTILE}");
        });
        let bytes = ear.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn an_event_is_one_line_whatever_it_tells() {
        for json in [true, false] {
            let text = heard(json);
            let line = text.strip_suffix('\n').unwrap();
            assert!(
                !line.contains(|c: char| c.is_control() || c == '\u{2028}'),
                "{line:?}"
            );
            assert!(line.contains("31m"), "{line:?}");
        }
    }

    #[test]
    fn the_json_is_json_and_says_what_was_said() {
        let text = heard(true);
        let event: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(event["level"], "INFO");
        let message = event["message"].as_str().unwrap();
        assert_eq!(message, HOSTILE);
    }

    #[test]
    fn others_are_heard_only_when_something_is_wrong() {
        let targets = filter(Level::Trace);
        assert!(targets.would_enable("signet::serve", &tracing::Level::TRACE));
        assert!(targets.would_enable("signet_core::mail", &tracing::Level::TRACE));
        assert!(targets.would_enable("hyper", &tracing::Level::WARN));
        assert!(!targets.would_enable("hyper::proto", &tracing::Level::INFO));
        assert!(!targets.would_enable("sqlx::query", &tracing::Level::DEBUG));
        assert!(!filter(Level::Error).would_enable("hyper", &tracing::Level::WARN));
    }
}
