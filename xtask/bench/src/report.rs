//! What the benchmarks print: figures with their targets, and at the end which were missed.

/// Collects figures.
#[derive(Debug, Default)]
pub(crate) struct Report {
    missed: Vec<String>,
}

/// How a figure is to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// It has none: it is there to be compared with.
    None,
    /// At most this.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
}

impl Report {
    #[expect(clippy::print_stdout, reason = "this is what a benchmark is for")]
    fn line(&self, text: &str) {
        println!("{text}");
    }

    pub(crate) fn heading(&self, text: &str) {
        self.line(&format!("\n## {text}\n"));
    }

    pub(crate) fn fact(&self, name: &str, value: &str) {
        self.line(&format!("{name:<44} {value}"));
    }

    /// One figure with its unit.
    pub(crate) fn figure(&mut self, name: &str, value: f64, unit: &str, target: Target) {
        let (is_met, wanted) = match target {
            Target::None => (true, String::new()),
            Target::AtMost(most) => (value <= most, format!("at most {most}")),
            Target::AtLeast(least) => (value >= least, format!("at least {least}")),
        };
        let verdict = match (wanted.as_str(), is_met) {
            ("", _) => String::new(),
            (wanted, true) => format!("  ({wanted}: met)"),
            (wanted, false) => format!("  ({wanted}: MISSED)"),
        };
        if !is_met {
            self.missed
                .push(format!("{name}: {value:.2} {unit}, {wanted}"));
        }
        self.fact(name, &format!("{value:>10.2} {unit}{verdict}"));
    }

    pub(crate) fn conclude(self) {
        if self.missed.is_empty() {
            self.line("\nevery target was met");
        } else {
            self.line(&format!("\nmissed:\n  {}", self.missed.join("\n  ")));
        }
    }
}
