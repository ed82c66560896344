//! `signet policy test`: decides about requests as the gate does, and says which decisions aren't
//! the wanted ones.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};
use signet_core::secret::OperatingSystem;
use signet_verifier::gate::Code;
use signet_verifier::policy::document::Policy;
use signet_verifier::time::UnixTime;
use signet_verifier::{Leeway, Rejection};

use super::cases::{self, Case, Feed, SESSION};
use super::explain::missing;
use super::stage::{Scene, Stage};
use crate::cli::{say, unusable};
use crate::policy_file;

/// When it is decided. Nothing depends on it.
const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

/// `signet policy test`
#[derive(Args, Debug)]
pub(in crate::cli) struct Test {
    /// The policy
    file: PathBuf,
    /// The cases, as docs/POLICY.md describes them
    cases: PathBuf,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// A decision that isn't the wanted one.
struct Failure {
    line: usize,
    name: Option<String>,
    request: String,
    wanted: String,
    got: String,
    /// Why the token is bad, if it is.
    reason: Option<&'static str>,
    /// What would have to be true for an allow.
    missing: Option<String>,
}

impl Test {
    /// Exit 0: all decisions are the wanted ones; 1: some aren't; 2: there is nothing to decide.
    pub(super) fn run(self) -> ExitCode {
        let policy = match policy_file::read(&self.file) {
            Ok(policy) => policy,
            Err(error) => return unusable(&error),
        };
        let cases = match cases::read(&self.cases, &policy) {
            Ok(cases) => cases,
            Err(error) => return unusable(&error),
        };
        let stage = Stage::new(&OperatingSystem);
        let failures: Vec<Failure> = cases
            .iter()
            .filter_map(|(line, case)| try_out(&stage, &policy, case, *line))
            .collect();
        let said = say(&if self.json {
            format!("{}\n", listed(&failures, cases.len()))
        } else {
            self.told(&failures, cases.len())
        });
        if failures.is_empty() {
            said
        } else {
            ExitCode::from(1)
        }
    }

    fn told(&self, failures: &[Failure], cases: usize) -> String {
        let shown = self.cases.display();
        let mut text = String::new();
        for failure in failures {
            let Failure {
                line,
                name,
                request,
                wanted,
                got,
                missing,
                ..
            } = failure;
            text.push_str(&match name {
                Some(name) => format!("{shown}:{line}: {name}\n    {request}\n"),
                None => format!("{shown}:{line}: {request}\n"),
            });
            text.push_str(&format!("    wanted {wanted}, got {got}\n"));
            if let Some(missing) = missing {
                text.push_str(&format!("    missing for an allow: {missing}\n"));
            }
        }
        let passed = cases.saturating_sub(failures.len());
        text.push_str(&format!("{passed} of {cases} cases passed\n"));
        text
    }
}

/// Decides about a case; `None` where the decision is the wanted one.
fn try_out(stage: &Stage, policy: &Policy, case: &Case, line: usize) -> Option<Failure> {
    let said = case.token.as_ref().map(|token| token.claims(policy, NOW));
    let token = said.as_ref().map(|payload| stage.token(payload));
    let ended = case.token.as_ref().filter(|token| token.revoked);
    let ended = ended.map(|_| SESSION);
    let feed = match case.feed {
        Feed::Fresh => Some(stage.feed(policy.issuer(), NOW, ended)),
        Feed::Stale => Some(stage.feed(policy.issuer(), NOW.saturating_sub(60), ended)),
        Feed::Missing => None,
    };
    let decision = stage.decide(
        policy,
        &Scene {
            method: &case.request.method,
            target: &case.request.target,
            headers: &case.headers,
            token: token.as_deref(),
            feed: feed.as_deref(),
            now: NOW,
            leeway: Leeway::NONE,
        },
    );
    let code = decision.code().map(Code::as_str);
    let is_wanted_rule = case.rule.is_none() || case.rule.as_deref() == decision.rule();
    if code == case.expect.code() && is_wanted_rule {
        return None;
    }
    let fails_the_condition = matches!(
        decision.code(),
        Some(Code::InsufficientScope | Code::ReauthenticationRequired)
    );
    let token = token.filter(|_| fails_the_condition);
    let reason = decision.reason().map(Rejection::code);
    Some(Failure {
        line,
        name: case.name.clone(),
        missing: token.and_then(|token| missing(policy, &case.request, &token, NOW)),
        request: case.request.to_string(),
        wanted: described(case.expect.code(), None, case.rule.as_deref()),
        got: described(code, reason, decision.rule()),
        reason,
    })
}

fn described(code: Option<&str>, reason: Option<&str>, rule: Option<&str>) -> String {
    let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
    let rule = rule.map_or_else(String::new, |rule| format!(" by rule {rule:?}"));
    format!("{}{reason}{rule}", code.unwrap_or("allow"))
}

fn listed(failures: &[Failure], cases: usize) -> Value {
    let failures = failures.iter().map(|failure| {
        json!({
            "line": failure.line,
            "name": failure.name,
            "request": failure.request,
            "wanted": failure.wanted,
            "got": failure.got,
            "reason": failure.reason,
            "missing": failure.missing,
        })
    });
    let failures: Vec<Value> = failures.collect();
    json!({ "ok": failures.is_empty(), "cases": cases, "failures": failures })
}
