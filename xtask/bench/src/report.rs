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
        let verdict = match target {
            Target::None => String::new(),
            Target::AtMost(most) if value <= most => format!("  (at most {most}: met)"),
            Target::AtMost(most) => {
                self.missed
                    .push(format!("{name}: {value:.2} {unit}, at most {most}"));
                format!("  (at most {most}: MISSED)")
            }
        };
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
