//! `signet config check`, `signet config print` and `signet config picture`.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::arguments::ConfigurationArgs;
use super::{configuration, say, unusable};
use crate::config::{Faults, Loaded, picture, print};

/// `signet config check`
#[derive(Args, Debug)]
pub(super) struct Check {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(self) -> ExitCode {
        let loaded = Loaded::from(&self.configuration.into_sources());
        let faults = loaded.config.err().unwrap_or_default();
        let text = if self.json {
            json!({ "ok": faults.is_empty(), "faults": listed(&faults) }).to_string()
        } else if faults.is_empty() {
            "the configuration is good".to_owned()
        } else {
            faults.to_string()
        };
        let said = say(&format!("{text}\n"));
        if faults.is_empty() {
            said
        } else {
            ExitCode::from(1)
        }
    }
}

fn listed(faults: &Faults) -> Vec<Value> {
    let fault = |fault: &crate::config::fault::Fault| {
        json!({
            "key": fault.key,
            "origin": fault.origin.as_ref().map(ToString::to_string),
            "problem": fault.problem,
            "hint": fault.hint,
        })
    };
    faults.iter().map(fault).collect()
}

/// `signet config print`
#[derive(Args, Debug)]
pub(super) struct Print {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

impl Print {
    /// Prints what was understood even where something was not, and then tells what.
    pub(super) fn run(self) -> ExitCode {
        let loaded = Loaded::from(&self.configuration.into_sources());
        let said = say(&if self.json {
            format!("{:#}\n", print::json(&loaded.lines))
        } else {
            print::toml(&loaded.lines)
        });
        match loaded.config {
            Ok(_) => said,
            Err(faults) => unusable(&faults),
        }
    }
}

/// `signet config picture`
#[derive(Args, Debug)]
pub(super) struct Picture {
    #[command(flatten)]
    configuration: ConfigurationArgs,
}

impl Picture {
    pub(super) fn run(self) -> ExitCode {
        match configuration(self.configuration) {
            Ok(config) => say(&picture::svg(&config.issuer)),
            Err(code) => code,
        }
    }
}
