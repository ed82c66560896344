//! `signet policy explain`: why a request is decided as it is, for whoever wonders at a 403.
//!
//! The decision is the gate's own. A gate with the keys that are given, if any, looks at the token
//! first. What it refuses is refused whoever signed it, so the decision is that gate's too. Since a
//! gate takes good tokens only, a token that nobody can check (no key set is given) or that is good
//! is signed anew, on a [`Stage`]: what is explained is the decision if the token is what it says.
//! How far that is known is said.

mod condition;
mod report;
mod token;

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use signet_core::secret::OperatingSystem;
use signet_core::time::Clock as _;
use signet_verifier::policy::document::{Allow, Policy};
use signet_verifier::policy::{Method, TargetPath};
use signet_verifier::time::UnixTime;
use signet_verifier::{Decision, Gate, Leeway, Refusal, Rejection};

use self::report::Report;
use self::token::Said;
use super::cases::RequestLine;
use super::stage::{Scene, Stage};
use crate::cli::{block_on, key_set, say, unusable};
use crate::clock::SystemClock;
use crate::policy_file;

/// The most that is read from standard input: any token, and enough to tell that it is none.
const LARGEST_INPUT: u64 = 1 << 20;

/// `signet policy explain`
#[derive(Args, Debug)]
pub(in crate::cli) struct Explain {
    /// The policy
    file: PathBuf,
    /// The request's method
    method: String,
    /// The request's path, with its query
    path: String,
    /// The access token, or `-` to read it from standard input, where no other process can see it.
    /// Without one, a request without a token is explained
    #[arg(long, allow_hyphen_values = true)]
    token: Option<String>,
    /// The issuer's key set, to check the token: a file, or a URL such as
    /// https://auth.example.com/.well-known/jwks.json
    #[arg(long, value_name = "FILE|URL")]
    jwks: Option<String>,
    /// The time of the decision, in seconds since 1970, instead of now
    #[arg(long, value_name = "UNIX")]
    now: Option<u64>,
    /// Seconds granted to clocks that differ, at most 60
    #[arg(long, default_value = "30")]
    leeway: Leeway,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// How far a token can be trusted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Trust {
    /// There is none.
    Absent,
    /// There are no keys to check it with.
    Unchecked,
    /// There are keys, but none that can be used: hosts answer 503.
    NoKeys,
    /// It is good.
    Good,
    /// It is bad, whoever signed it.
    Bad(Rejection),
}

impl Explain {
    /// Exit 0: it is explained, whatever the decision; 2: there is nothing to explain.
    pub(super) fn run(self) -> ExitCode {
        block_on(async {
            let policy = match policy_file::read(&self.file) {
                Ok(policy) => policy,
                Err(error) => return unusable(&error),
            };
            match self.explain(&policy).await {
                Ok(text) => say(&text),
                Err(error) => unusable(&error),
            }
        })
    }

    async fn explain(&self, policy: &Policy) -> Result<String, String> {
        let now = self
            .now
            .map_or_else(|| SystemClock.now(), UnixTime::from_secs);
        let token = self.token()?;
        let gate = self.gate(policy).await?;
        let trust = self.check(&gate, token.as_deref(), now);
        let said = token.as_deref().and_then(Said::read);
        let decision = self.decide(&gate, token.as_deref(), trust, now);
        let report = Report {
            policy,
            method: &self.method,
            target: &self.path,
            trust,
            said: said.as_ref(),
            decision: &decision,
            now,
        };
        Ok(if self.json {
            format!("{}\n", report.json())
        } else {
            report.text()
        })
    }

    fn token(&self) -> Result<Option<String>, String> {
        if self.token.as_deref() != Some("-") {
            return Ok(self.token.clone());
        }
        let mut token = String::new();
        std::io::stdin()
            .take(LARGEST_INPUT)
            .read_to_string(&mut token)
            .map_err(|error| format!("can't read standard input: {error}"))?;
        Ok(Some(token.strip_suffix('\n').unwrap_or(&token).to_owned()))
    }

    /// A gate with the keys that are given.
    async fn gate(&self, policy: &Policy) -> Result<Gate, String> {
        let mut gate = Gate::new(policy.clone()).leeway(self.leeway);
        if let Some(source) = &self.jwks {
            gate.install_keys(key_set::read(source).await?);
        }
        Ok(gate)
    }

    fn check(&self, gate: &Gate, token: Option<&str>, now: UnixTime) -> Trust {
        let Some(token) = token else {
            return Trust::Absent;
        };
        match gate.verify(token.as_bytes(), now) {
            Ok(_) => Trust::Good,
            Err(Refusal::InvalidToken(rejection)) => Trust::Bad(rejection),
            // Nothing but its key is left to be asked for.
            Err(_) if self.jwks.is_none() => Trust::Unchecked,
            Err(_) => Trust::NoKeys,
        }
    }

    fn decide(&self, gate: &Gate, token: Option<&str>, trust: Trust, now: UnixTime) -> Decision {
        let scene = Scene {
            method: &self.method,
            target: &self.path,
            headers: &[],
            token,
            feed: None,
            now,
            leeway: self.leeway,
        };
        match trust {
            Trust::Absent | Trust::NoKeys | Trust::Bad(_) => scene.shown_to(gate),
            Trust::Good | Trust::Unchecked => {
                let stage = Stage::new(&OperatingSystem);
                let token = token.and_then(|token| stage.signed_anew(token));
                let feed = stage.feed(gate.policy().issuer(), now, None);
                let on_stage = Scene {
                    token: token.as_deref(),
                    feed: Some(&feed),
                    ..scene
                };
                stage.decide(gate.policy(), &on_stage)
            }
        }
    }
}

/// What a token lacks for an allow; `None` where it is no condition that stands in the way.
pub(super) fn missing(
    policy: &Policy,
    request: &RequestLine,
    token: &str,
    now: UnixTime,
) -> Option<String> {
    let path = TargetPath::parse(request.target.as_bytes()).ok()?;
    let rule = policy.rule(&path, Method::parse(request.method.as_bytes())?)?;
    let Allow::When(wanted) = &rule.allow else {
        return None;
    };
    let held = Said::read(token)?.held(policy);
    condition::missing(wanted, &held.facts(rule, &path, now))
}
