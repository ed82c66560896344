//! `signet mail test ADDRESS`: one message on the way that all mail goes, told step by step.
//!
//! It needs no database, and goes past the outbox: what can't be sent is told and not kept.

use std::process::ExitCode;

use clap::Args;
use lettre::transport::smtp::extension::ClientId;
use serde_json::{Value, json};
use signet_core::email::EmailAddress;
use signet_core::secret::{OperatingSystem, Randomness};
use signet_core::time::Clock as _;

use crate::cli::arguments::ConfigurationArgs;
use crate::cli::{block_on, configuration, no, say, unusable};
use crate::clock::SystemClock;
use crate::config::{MailSettings, SmtpSettings};
use crate::mail::smtp::{Smtp, Step, Trial};

const SUBJECT: &str = "A test of mail from Signet";
const TEXT: &str = "Somebody who runs Signet sent this to see whether mail gets through. It does.\n\n\
                    There is nothing to do.\n";
const HTML: &str = "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
                    <title>A test of mail from Signet</title></head>\n<body>\n\
                    <p>Somebody who runs Signet sent this to see whether mail gets through. It \
                    does.</p>\n<p>There is nothing to do.</p>\n</body>\n</html>\n";

/// `signet mail test`
#[derive(Args, Debug)]
pub(in crate::cli) struct Test {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// Whom to send it to
    address: String,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// A line of the report: a step, what came of it, and, where it failed, what to do.
struct Line {
    step: &'static str,
    message: String,
    hint: Option<&'static str>,
}

impl Test {
    pub(in crate::cli) fn run(self) -> ExitCode {
        let address = match EmailAddress::parse(&self.address) {
            Ok(address) => address,
            Err(error) => return unusable(&format_args!("the address {error}")),
        };
        let config = match configuration(self.configuration) {
            Ok(config) => config,
            Err(code) => return code,
        };
        let settings = match config.mail {
            MailSettings::Smtp(settings) => settings,
            MailSettings::Mailbox => {
                return no(
                    &"no mail server is set, so mail stays here, in /dev/mailbox: set smtp_url",
                );
            }
        };
        let lines = block_on_lines(send(&settings, &address));
        let lines = match lines {
            Ok(lines) => lines,
            Err(code) => return code,
        };
        let ok = lines.iter().all(|line| line.hint.is_none());
        let said = say(&match self.json {
            true => format!("{}\n", object(&lines, ok)),
            false => text(&lines),
        });
        match ok {
            true => said,
            false => ExitCode::from(1),
        }
    }
}

/// Runs it to its end; the lines, or why nothing can be run here.
fn block_on_lines(sending: impl Future<Output = Vec<Line>>) -> Result<Vec<Line>, ExitCode> {
    let mut lines = None;
    let code = block_on(async {
        lines = Some(sending.await);
        ExitCode::SUCCESS
    });
    lines.ok_or(code)
}

async fn send(settings: &SmtpSettings, to: &EmailAddress) -> Vec<Line> {
    let server = settings.server.clone();
    let hello = ClientId::Domain(settings.hello.clone());
    let smtp = match Smtp::new(server, settings.from.clone(), hello) {
        Ok(smtp) => smtp,
        Err(error) => {
            return vec![Line {
                step: "tls",
                message: error.to_string(),
                hint: Some("nothing is ever sent without TLS"),
            }];
        }
    };
    let mailbox = to.mailbox();
    let randomness: &dyn Randomness = &OperatingSystem;
    let trial = Trial {
        id: randomness.uuid(),
        now: SystemClock.now(),
        to: &mailbox,
        subject: SUBJECT,
        text: TEXT,
        html: HTML,
    };
    let host = &settings.server.host;
    let mut lines = Vec::new();
    let sent = smtp
        .send(trial, &mut |step| lines.push(told(step, host)))
        .await;
    let message_id = smtp.message_id(trial.id);
    lines.push(match sent {
        Ok(()) => Line {
            step: "message id",
            message: message_id,
            hint: None,
        },
        Err(fault) => Line {
            step: fault.stage.as_str(),
            message: match fault.may_be_taken() {
                true => format!("{fault}; its Message-ID is {message_id}"),
                false => fault.to_string(),
            },
            hint: Some(fault.hint()),
        },
    });
    lines
}

fn told(step: Step, host: &str) -> Line {
    let (step, message) = match step {
        Step::Resolved(addresses) => {
            let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            ("resolve", format!("{host} is {}", addresses.join(", ")))
        }
        Step::Connected(address) => ("connect", format!("{address} answers")),
        Step::Encrypted(certificate) => {
            let names = match certificate.names.is_empty() {
                true => "no host name".to_owned(),
                false => certificate.names.join(", "),
            };
            let fingerprint = certificate.fingerprint;
            (
                "tls",
                format!("the certificate is good: for {names}; SHA-256 {fingerprint}"),
            )
        }
        Step::InTheClear => ("tls", "none: the server is on this machine".to_owned()),
        Step::SignedIn => ("auth", "the server took the credentials".to_owned()),
        Step::Anonymous => ("auth", "smtp_url has no credentials".to_owned()),
        Step::SenderAccepted(from) => ("sender", format!("{from} may send")),
        Step::RecipientAccepted(to) => ("recipient", format!("{to} is taken")),
        Step::Taken(answer) => ("message", format!("taken: {answer}")),
    };
    Line {
        step,
        message: signet_core::mail::reason::line(&message),
        hint: None,
    }
}

fn text(lines: &[Line]) -> String {
    let mut text = String::new();
    for Line {
        step,
        message,
        hint,
    } in lines
    {
        let verdict = if hint.is_some() { "FAIL" } else { "ok" };
        text.push_str(&format!("{verdict:<4}  {step:<10}  {message}\n"));
        if let Some(hint) = hint {
            text.push_str(&format!("                  {hint}\n"));
        }
    }
    text
}

fn object(lines: &[Line], ok: bool) -> Value {
    let steps: Vec<Value> = lines
        .iter()
        .map(|line| {
            json!({
                "step": line.step,
                "ok": line.hint.is_none(),
                "message": line.message,
                "hint": line.hint,
            })
        })
        .collect();
    json!({ "ok": ok, "steps": steps })
}
