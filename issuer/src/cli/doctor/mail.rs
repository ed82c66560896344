//! The mail server: reached as for a message, and left without one.

use lettre::transport::smtp::extension::ClientId;

use super::report::Report;
use crate::config::{Config, MailSettings};
use crate::mail::smtp::{Security, Smtp};

const SUBJECT: &str = "mail";

pub(super) async fn examine(config: &Config, report: &mut Report) {
    let settings = match &config.mail {
        MailSettings::Mailbox => return report.ok(SUBJECT, "stays here, in /dev/mailbox"),
        MailSettings::Smtp(settings) => settings,
    };
    let server = &settings.server;
    let name = format!("{}:{}", server.host, server.port);
    let hello = ClientId::Domain(settings.hello.clone());
    let greeted = match Smtp::new(server.clone(), settings.from.clone(), hello) {
        Ok(smtp) => smtp
            .greet()
            .await
            .map_err(|fault| (fault.to_string(), fault.hint())),
        Err(error) => Err((error.to_string(), "mail waits in the outbox meanwhile")),
    };
    if let Err((reason, hint)) = greeted {
        return report.warn(SUBJECT, format!("{name} can't be used: {reason}"), hint);
    }
    let way = match server.security {
        Security::Implicit => "over TLS",
        Security::StartTls => "over TLS (STARTTLS)",
        Security::Plain => "without TLS, on this machine",
    };
    let us = match server.credentials {
        Some(_) => "and knows us",
        None => "and asked for no credentials",
    };
    report.ok(SUBJECT, format!("{name} answers {way} {us}"));
}
