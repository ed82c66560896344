//! What is said to the one who started the issuer in a terminal: where things are and, while
//! nobody can administer it, the link that makes the first admin. A log never gets to see it.

use std::io::{self, IsTerminal as _, Write};

use zeroize::Zeroizing;

use crate::config::{Config, MailSettings, Mode};
use crate::http::App;

/// Greets, if this is local mode and a terminal.
pub(super) async fn show(config: &Config, app: &App) {
    let mut terminal = io::stdout();
    if config.mode != Mode::Local || !terminal.is_terminal() {
        return;
    }
    let setup_link = match app.issuer.issue_setup_link().await {
        Ok(token) => token.map(|token| {
            let token = token.reveal();
            Zeroizing::new(format!("{}/setup#token={}", config.issuer.issuer, *token))
        }),
        Err(error) => {
            tracing::warn!(%error, "no setup link could be made");
            None
        }
    };
    let text = greeting(config, setup_link.as_deref().map(String::as_str));
    let _nobody_reads_it = terminal
        .write_all(text.as_bytes())
        .and_then(|()| terminal.flush());
}

fn greeting(config: &Config, setup_link: Option<&str>) -> Zeroizing<String> {
    let url = &config.issuer.issuer;
    let mail = match config.mail {
        MailSettings::Mailbox => format!("{url}/dev/mailbox"),
        MailSettings::Smtp(ref smtp) => format!("{}:{}", smtp.server.host, smtp.server.port),
    };
    let setup = setup_link.map_or_else(String::new, |link| {
        format!(
            "\n  Nobody administers it yet. This link makes the first admin, once, within an \
             hour:\n\n    {link}\n"
        )
    });
    Zeroizing::new(format!(
        "\n  Signet {} runs on this machine, for this machine.\n\n    \
         API       {url}/docs\n    \
         Mail      {mail}\n    \
         Database  {}\n{setup}\n  Ctrl-C stops it.\n\n",
        env!("CARGO_PKG_VERSION"),
        config.database,
    ))
}
