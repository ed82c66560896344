//! Prometheus' text format, version 0.0.4: families of samples with what they mean.
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::fmt::{Display, Write as _};

use signet_core::tally::Observed;

/// A text that families are written into.
#[derive(Debug, Default)]
pub(super) struct Exposition(String);

/// One family, open for its samples.
#[derive(Debug)]
pub(super) struct Family<'a> {
    text: &'a mut String,
    name: &'static str,
}

type Labels<'a> = &'a [(&'static str, &'a str)];

impl Exposition {
    /// What only rises.
    pub(super) fn counter(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, "counter", help)
    }

    /// What is so at the moment.
    pub(super) fn gauge(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, "gauge", help)
    }

    /// How long something took.
    pub(super) fn histogram(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, "histogram", help)
    }

    /// Families that somebody else wrote.
    pub(super) fn append(&mut self, families: impl Display) {
        let _infallible = write!(self.0, "{families}");
    }

    /// All of it.
    pub(super) fn finish(self) -> String {
        self.0
    }

    fn family(&mut self, name: &'static str, kind: &str, help: &str) -> Family<'_> {
        let _infallible = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Family {
            text: &mut self.0,
            name,
        }
    }
}

impl Family<'_> {
    /// One value.
    pub(super) fn sample(&mut self, labels: Labels<'_>, value: impl Display) {
        self.line("", labels, None, value);
    }

    /// One histogram.
    pub(super) fn observed(&mut self, labels: Labels<'_>, observed: &Observed) {
        for (bound, count) in &observed.up_to {
            let bound = bound.as_secs_f64().to_string();
            self.line("_bucket", labels, Some(&bound), count);
        }
        self.line("_bucket", labels, Some("+Inf"), observed.count);
        self.line("_sum", labels, None, observed.sum.as_secs_f64());
        self.line("_count", labels, None, observed.count);
    }

    fn line(&mut self, suffix: &str, labels: Labels<'_>, bound: Option<&str>, value: impl Display) {
        let Self { text, name } = self;
        let bound = bound.map(|bound| ("le", bound));
        let labels: Vec<String> = labels
            .iter()
            .copied()
            .chain(bound)
            .map(|(label, of)| format!("{label}=\"{}\"", escaped(of)))
            .collect();
        let labels = match labels.as_slice() {
            [] => String::new(),
            labels => format!("{{{}}}", labels.join(",")),
        };
        let _infallible = writeln!(text, "{name}{suffix}{labels} {value}");
    }
}

fn escaped(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    value.replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn samples_and_histograms_stand_under_what_they_mean() {
        let mut text = Exposition::default();
        let mut family = text.counter("a_total", "How often.");
        family.sample(&[], 1);
        family.sample(&[("x", "a \"b\" \\ c\nd"), ("y", "z")], 2);
        let observed = Observed {
            up_to: vec![(Duration::from_millis(2), 3), (Duration::from_secs(1), 4)],
            count: 5,
            sum: Duration::from_millis(2_500),
        };
        let mut family = text.histogram("b_seconds", "How long.");
        family.observed(&[("x", "y")], &observed);
        text.append("c 1\n");
        let expected = r#"# HELP a_total How often.
# TYPE a_total counter
a_total 1
a_total{x="a \"b\" \\ c\nd",y="z"} 2
# HELP b_seconds How long.
# TYPE b_seconds histogram
b_seconds_bucket{x="y",le="0.002"} 3
b_seconds_bucket{x="y",le="1"} 4
b_seconds_bucket{x="y",le="+Inf"} 5
b_seconds_sum{x="y"} 2.5
b_seconds_count{x="y"} 5
c 1
"#;
        assert_eq!(text.finish(), expected);
    }
}
