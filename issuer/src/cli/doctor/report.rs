//! What was found.

use serde_json::{Value, json};

/// How much it matters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        }
    }
}

/// One line.
#[derive(Debug)]
struct Finding {
    subject: &'static str,
    verdict: Verdict,
    said: String,
    /// What to do, where `said` doesn't end with it.
    hint: Option<String>,
}

/// Everything that was found.
#[derive(Debug, Default)]
pub(super) struct Report(Vec<Finding>);

impl Report {
    /// As it should be.
    pub(super) fn ok(&mut self, subject: &'static str, said: impl Into<String>) {
        self.add(subject, Verdict::Ok, said.into(), None);
    }

    /// An issuer runs like this, and would better not.
    pub(super) fn warn(
        &mut self,
        subject: &'static str,
        said: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.add(subject, Verdict::Warn, said.into(), Some(hint.into()));
    }

    /// An issuer doesn't run like this, or wrongly.
    pub(super) fn fail(
        &mut self,
        subject: &'static str,
        said: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.add(subject, Verdict::Fail, said.into(), Some(hint.into()));
    }

    /// The same, in words that say what to do already.
    pub(super) fn stops(&mut self, subject: &'static str, error: &dyn std::error::Error) {
        self.add(subject, Verdict::Fail, error.to_string(), None);
    }

    fn add(&mut self, subject: &'static str, verdict: Verdict, said: String, hint: Option<String>) {
        self.0.push(Finding {
            subject,
            verdict,
            said,
            hint,
        });
    }

    pub(super) fn has_failed(&self) -> bool {
        self.0.iter().any(|found| found.verdict == Verdict::Fail)
    }

    /// A line for each, and one more where there is something to do.
    pub(super) fn text(&self) -> String {
        let line = |found: &Finding| {
            let (word, subject) = (found.verdict.word(), found.subject);
            let hint = found.hint.as_ref();
            let hint = hint.map_or_else(String::new, |hint| format!("{:20}{hint}\n", ""));
            format!("{word:<5} {subject:<13} {}\n{hint}", found.said)
        };
        self.0.iter().map(line).collect()
    }

    pub(super) fn object(&self) -> Value {
        let object = |found: &Finding| {
            json!({
                "subject": found.subject,
                "verdict": found.verdict.word().to_ascii_lowercase(),
                "message": found.said,
                "hint": found.hint,
            })
        };
        json!({
            "ok": !self.has_failed(),
            "checks": self.0.iter().map(object).collect::<Vec<_>>(),
        })
    }
}
