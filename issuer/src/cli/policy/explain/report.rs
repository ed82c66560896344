//! What is said of a decision, to people and to programs.

use serde_json::{Value, json};
use signet_verifier::policy::document::{Allow, Policy, Revocation, Rule};
use signet_verifier::policy::{Method, TargetPath};
use signet_verifier::time::UnixTime;
use signet_verifier::{Decision, Rejection};

use super::Trust;
use super::condition::{self, Part};
use super::token::Said;
use crate::cli::policy::absence;
use crate::cli::policy::rule::described;

/// A decision, and what it was made from.
#[derive(Debug)]
pub(super) struct Report<'a> {
    pub(super) policy: &'a Policy,
    pub(super) method: &'a str,
    pub(super) target: &'a str,
    pub(super) trust: Trust,
    pub(super) said: Option<&'a Said>,
    pub(super) decision: &'a Decision,
    pub(super) now: UnixTime,
}

/// What the rule's condition says to the token.
#[derive(Debug, Default)]
struct Judgement {
    parts: Vec<Part>,
    missing: Option<String>,
}

impl Report<'_> {
    /// For people: a line for the decision, then what led to it.
    pub(super) fn text(&self) -> String {
        let outcome = match self.decision.code() {
            None => "allowed".to_owned(),
            Some(code) => format!("{} {}", self.decision.status(), code.as_str()),
        };
        let proviso = if self.hangs_on_the_token() {
            ", if the token is genuine"
        } else {
            ""
        };
        let mut text = format!("{} {}: {outcome}{proviso}\n", self.method, self.target);
        let mut line = |label: &str, line: &str| {
            text.push_str(&format!("{label:<11}{line}\n"));
        };
        line("rule", &self.rule().map_or_else(|reason| reason, described));
        line("token", &self.trust());
        if let Some(said) = self.said {
            line("", &self.claims(said));
        }
        let judgement = self.judgement();
        for (position, part) in judgement.parts.iter().enumerate() {
            let label = if position == 0 { "condition" } else { "" };
            let verdict = if part.holds { "holds" } else { "fails" };
            let indent = part.depth.saturating_mul(2);
            line(label, &format!("{verdict}  {:indent$}{}", "", part.text));
        }
        if self
            .rule()
            .is_ok_and(|rule| rule.revocation == Revocation::Required)
        {
            line(
                "revocation",
                "required: a host without a fresh feed answers 503",
            );
        }
        if let Some(missing) = &judgement.missing {
            line("missing", missing);
        }
        text
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let judgement = self.judgement();
        let parts = judgement
            .parts
            .iter()
            .map(|part| json!({ "depth": part.depth, "holds": part.holds, "text": part.text }));
        let decision: Value = serde_json::from_str(&self.decision.to_json()).unwrap_or_default();
        let (trust, reason) = match self.trust {
            Trust::Absent => ("absent", None),
            Trust::Unchecked => ("unchecked", self.decision.reason()),
            Trust::NoKeys => ("unchecked", None),
            Trust::Good => ("good", None),
            Trust::Bad(rejection) => ("bad", Some(rejection)),
        };
        let claims = self.said.map(|said| said.claims());
        json!({
            "decision": decision,
            "no_rule_because": self.rule().err(),
            "token": { "trust": trust, "reason": reason.map(Rejection::code), "claims": claims },
            "condition": parts.collect::<Vec<_>>(),
            "missing": judgement.missing,
        })
    }

    /// The rule that decides, or why there is none.
    fn rule(&self) -> Result<&Rule, String> {
        let path = TargetPath::parse(self.target.as_bytes())
            .map_err(|fault| format!("none: the path {fault}"))?;
        let method = Method::parse(self.method.as_bytes())
            .ok_or_else(|| format!("none: {:?} is no method", self.method))?;
        let rule = self.policy.rule(&path, method);
        rule.ok_or_else(|| format!("none: {}", absence::reason(self.policy, &path, method)))
    }

    /// Whether the decision is another one if somebody made the token up.
    fn hangs_on_the_token(&self) -> bool {
        let is_looked_at = self.rule().is_ok_and(|rule| rule.allow != Allow::Anyone);
        self.trust == Trust::Unchecked && is_looked_at && self.refused_for().is_none()
    }

    /// Why the token is refused, as far as anybody can tell.
    fn refused_for(&self) -> Option<Rejection> {
        match self.trust {
            Trust::Bad(rejection) => Some(rejection),
            Trust::Unchecked => self.decision.reason(),
            Trust::Absent | Trust::NoKeys | Trust::Good => None,
        }
    }

    fn judgement(&self) -> Judgement {
        let Ok(path) = TargetPath::parse(self.target.as_bytes()) else {
            return Judgement::default();
        };
        let Ok(rule) = self.rule() else {
            return Judgement::missing("a rule");
        };
        let wanted = match &rule.allow {
            Allow::When(wanted) => wanted,
            Allow::Anyone => return Judgement::holding("anyone: no token is looked at"),
            Allow::Optional => {
                return Judgement::holding("anyone without a token or with a good one");
            }
        };
        if self.trust == Trust::NoKeys {
            return Judgement::missing("a key to check the token with");
        }
        let Some(said) = self.said.filter(|_| self.refused_for().is_none()) else {
            return Judgement::missing("a good token");
        };
        let held = said.held(self.policy);
        let facts = held.facts(rule, &path, self.now);
        Judgement {
            parts: condition::parts(wanted, &facts),
            missing: condition::missing(wanted, &facts),
        }
    }

    /// How far the token can be trusted, in words.
    fn trust(&self) -> String {
        match self.trust {
            Trust::Absent => "none".to_owned(),
            Trust::Good => "good".to_owned(),
            Trust::NoKeys => "unchecked: the key set has no key that can be used".to_owned(),
            Trust::Bad(rejection) => format!("refused: {}", self.refusal(rejection)),
            Trust::Unchecked => {
                let refusal = self.decision.reason();
                let refusal = refusal.map_or_else(String::new, |rejection| {
                    format!(", and refused even if it is: {}", self.refusal(rejection))
                });
                format!("unchecked: without --jwks nobody knows whether it is genuine{refusal}")
            }
        }
    }

    /// A reason, with what led to it where the token tells.
    fn refusal(&self, rejection: Rejection) -> String {
        let Some(said) = self.said else {
            return rejection.code().to_owned();
        };
        let detail = match (rejection, said.expires_at()) {
            (Rejection::Expired, Some(expired_at)) => {
                let ago = self.now.as_secs().saturating_sub(expired_at.as_secs());
                format!(", {ago} seconds ago")
            }
            (Rejection::BadIssuer, _) => {
                let (its, wanted) = (said.issuer(), self.policy.issuer());
                format!(": it is from {its:?}, the policy takes {wanted:?}")
            }
            (Rejection::BadAudience, _) => {
                let (its, wanted) = (said.audiences(), self.policy.audiences());
                format!(": it is for {its:?}, the policy takes {wanted:?}")
            }
            _ => String::new(),
        };
        format!("{}{detail}", rejection.code())
    }

    /// What the token says, as far as policies care.
    fn claims(&self, said: &Said) -> String {
        let held = said.held(self.policy);
        let list = |names: &[String]| match names {
            [] => "none".to_owned(),
            names => names.join(", "),
        };
        format!(
            "says subject {:?}; roles {}; permissions {}",
            held.subject,
            list(&held.roles),
            list(&held.permissions),
        )
    }
}

impl Judgement {
    fn missing(what: &str) -> Self {
        Self {
            parts: Vec::new(),
            missing: Some(what.to_owned()),
        }
    }

    fn holding(text: &str) -> Self {
        let part = Part {
            depth: 0,
            holds: true,
            text: text.to_owned(),
        };
        Self {
            parts: vec![part],
            missing: None,
        }
    }
}
