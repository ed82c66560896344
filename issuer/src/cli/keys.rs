//! `signet keys`: the lives of the signing keys, in an operator's hands. It works beside issuers that
//! run; each of them takes the keys there are within a second. docs/KEYS.md is the manual.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use signet_core::audit::Actor;
use signet_core::issuer::Issuer;
use signet_core::secret::SecretBytes;
use signet_core::signing::admin::KeyStanding;
use signet_core::signing::import::{LARGEST_KEY_FILE, read};
use signet_core::signing::life::{Plan, Revocation, Wish};
use zeroize::Zeroizing;

use super::arguments::ConfigurationArgs;
use super::{no, say, unusable, with_issuer};
use crate::http::admin::keys::{KeysChanged, SigningKey};
use crate::http::wire::Timestamp;

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// List the keys there are and were
    List(List),
    /// Have the published key sign, and another one published
    Rotate(Rotate),
    /// Take a key away
    Revoke(Revoke),
    /// Publish an Ed25519 key that you bring along (PKCS#8 in PEM, or a private JWK); it signs with
    /// the next rotation
    Import(Import),
    /// Seal anew, under the master key, what the previous one has sealed
    Reseal(Reseal),
}

/// `signet keys list`
#[derive(Args, Debug)]
pub(super) struct List {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// `signet keys rotate`
#[derive(Args, Debug)]
pub(super) struct Rotate {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// `signet keys revoke`
#[derive(Args, Debug)]
pub(super) struct Revoke {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// The key, as `signet keys list` shows it
    // One in 64 begins with a hyphen.
    #[arg(allow_hyphen_values = true)]
    kid: String,
    /// It may be known to somebody: publish it no more, and have every edge refuse what it signed,
    /// whoever holds it. Without this flag it only stops signing
    #[arg(long)]
    now: bool,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// `signet keys import`
#[derive(Args, Debug)]
pub(super) struct Import {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// The file with the key
    file: PathBuf,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// `signet keys reseal`
#[derive(Args, Debug)]
pub(super) struct Reseal {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

impl KeysCommand {
    pub(super) fn run(self) -> ExitCode {
        match self {
            Self::List(list) => list.run(),
            Self::Rotate(rotate) => order(rotate.configuration, &Wish::Rotate, rotate.json),
            Self::Revoke(revoke) => revoke.run(),
            Self::Import(import) => import.run(),
            Self::Reseal(reseal) => reseal.run(),
        }
    }
}

impl List {
    fn run(self) -> ExitCode {
        let as_json = self.json;
        with_issuer(
            self.configuration,
            async move |issuer: &Issuer| match issuer.keys().await {
                Ok(keys) if as_json => {
                    let keys: Vec<SigningKey> = keys.into_iter().map(SigningKey::from).collect();
                    say(&format!("{}\n", json!({ "keys": keys })))
                }
                Ok(keys) => say(&text(&keys)),
                Err(error) => no(&error),
            },
        )
    }
}

impl Revoke {
    fn run(self) -> ExitCode {
        let how = match self.now {
            true => Revocation::Now,
            false => Revocation::Orderly,
        };
        let kid = &self.kid;
        order(self.configuration, &Wish::Revoke { kid, how }, self.json)
    }
}

impl Import {
    fn run(self) -> ExitCode {
        match seed(&self.file) {
            Ok(seed) => order(self.configuration, &Wish::Import(&seed), self.json),
            Err(error) => unusable(&format_args!("{}: {error}", self.file.display())),
        }
    }
}

fn seed(file: &Path) -> Result<SecretBytes<32>, String> {
    let mut text = Zeroizing::new(Vec::new());
    let most = u64::try_from(LARGEST_KEY_FILE).unwrap_or(u64::MAX);
    File::open(file)
        .and_then(|file| file.take(most.saturating_add(1)).read_to_end(&mut text))
        .map_err(|error| error.to_string())?;
    if text.len() > LARGEST_KEY_FILE {
        return Err(format!(
            "has more than {LARGEST_KEY_FILE} bytes; that is no key"
        ));
    }
    read(&text).map_err(|error| error.to_string())
}

impl Reseal {
    fn run(self) -> ExitCode {
        let as_json = self.json;
        with_issuer(self.configuration, async move |issuer: &Issuer| {
            let report = match issuer.reseal(Actor::Operator).await {
                Ok(report) => report,
                Err(error) => return no(&error),
            };
            let is_done = report.others.is_empty();
            let said = match as_json {
                true => say(&format!(
                    "{}\n",
                    json!({
                        "resealed": report.resealed,
                        "broken": report.broken,
                        "master_key": report.current,
                        "others": report.others,
                    })
                )),
                false => say(&resealed(report.resealed, report.broken, &report.others)),
            };
            match is_done {
                true => said,
                false => ExitCode::from(1),
            }
        })
    }
}

fn resealed(resealed: u64, broken: u64, others: &BTreeMap<String, u64>) -> String {
    let mut text = format!("sealed {resealed} values anew\n");
    if broken > 0 {
        text.push_str(&format!(
            "{broken} values don't open under the previous master key and stay as they are\n"
        ));
    }
    for (master_key, count) in others {
        text.push_str(&format!(
            "{count} values are sealed under another master key, {master_key}: give that one as \
             master_key_previous and run this again\n"
        ));
    }
    if others.is_empty() {
        text.push_str("nothing is sealed under another master key: the previous one may go\n");
    }
    text
}

fn order(configuration: ConfigurationArgs, wish: &Wish<'_>, as_json: bool) -> ExitCode {
    with_issuer(configuration, async |issuer: &Issuer| {
        match issuer.change_keys_as_operator(*wish).await {
            Ok(plan) if as_json => say(&format!("{}\n", json!(KeysChanged::from(plan)))),
            Ok(plan) => say(&told(&plan)),
            Err(error) => no(&error),
        }
    })
}

fn told(plan: &Plan) -> String {
    let mut text = String::new();
    if let Some(kid) = plan.promoted() {
        text.push_str(&format!("{kid} signs from now on\n"));
    }
    if let Some(kid) = plan.published() {
        text.push_str(&format!("{kid} is published, and will sign next\n"));
    }
    match text.is_empty() {
        true => "done\n".to_owned(),
        false => text,
    }
}

fn text(keys: &[KeyStanding]) -> String {
    let mut text = String::new();
    for key in keys {
        let stage = key.stage.as_str();
        let published_at = Timestamp::from(key.published_at);
        text.push_str(&format!(
            "{}  {stage:<7}  published {published_at}",
            key.kid
        ));
        for (what, at) in [
            ("signs from", key.signs_from),
            ("stopped", key.retired_at),
            ("gone", key.removed_at),
            ("refused until", key.refused_until),
        ] {
            if let Some(at) = at {
                text.push_str(&format!("  {what} {}", Timestamp::from(at)));
            }
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        revoke: Revoke,
    }

    #[test]
    fn a_key_may_begin_like_a_flag() {
        for kid in ["-7Zu", "-hNow", "--now-9", "-"] {
            for line in [["revoke", kid, "--now"], ["revoke", "--now", kid]] {
                let program = Program::try_parse_from(line).unwrap();
                assert_eq!(program.revoke.kid, kid);
                assert!(program.revoke.now, "{kid}");
            }
        }
        assert!(Program::try_parse_from(["revoke", "--now"]).is_err());
        assert!(Program::try_parse_from(["revoke", "KID", "--later"]).is_err());
    }
}
