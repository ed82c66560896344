//! Mail as it arrives: through a real SMTP server, read by Python's email package.
//!
//! Senders and people are called what is hard to write in a header: quotes, right to left, beyond
//! the basic plane.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::expect;
use super::issuer::Issuer;
use crate::components::python;
use crate::process::{Background, Done, command, free_port, listens, root, run_quietly};

const PASSWORD: &str = "correct horse battery staple";

/// A sender and a person, by their names.
const NAMES: [(&str, &str); 4] = [
    ("Signet", "Ada"),
    ("Say \"hi\", <b> & Co.; (all)", "<b>Ada</b> \"co\" & 'sons'"),
    (
        "\u{5D7}\u{5D5}\u{5EA}\u{5DD} \u{62E}\u{627}\u{62A}\u{645}",
        "\u{5D0}\u{5D3}\u{5D4} \u{622}\u{62F}\u{627}",
    ),
    (
        "\u{1F512} Gr\u{FC}\u{DF}e \u{1F469}\u{1F3FD}\u{200D}\u{1F680}",
        "Zo\u{EB} \u{1F469}\u{1F3FD}\u{200D}\u{1F680} .",
    ),
];

pub(super) fn run(folder: &Path) -> Done {
    for (number, (sender, person)) in NAMES.iter().enumerate() {
        let folder = folder.join(number.to_string());
        fs::create_dir(&folder)?;
        arrives(&folder, sender, person)?;
    }
    Ok(())
}

fn arrives(folder: &Path, sender: &str, person: &str) -> Done {
    let (port, received) = (free_port()?, folder.join("received"));
    fs::create_dir(&received)?;
    let mut server = command(python()?);
    server
        .arg(root().join("xtask/interop/smtp_server.py"))
        .arg(port.to_string())
        .arg(&received);
    let mut server = Background::start("aiosmtpd", &server, &folder.join("smtp.log"))?;
    server.wait_until(|| listens(port))?;
    let url = format!("smtp://127.0.0.1:{port}");
    let from = format!("\"{}\" <signet@example.com>", sender.replace('"', "\\\""));
    let settings = [
        ("SIGNET_SMTP_URL", url.as_str()),
        ("SIGNET_MAIL_FROM", from.as_str()),
    ];
    let issuer = Issuer::start(folder, &settings)?;
    let asked = json!({ "email": "ada@example.com", "password": PASSWORD, "name": person });
    let answer = issuer.post("/v1/register", &asked, None)?;
    let first = received.join("1.eml");
    server.wait_until(|| first.exists())?;
    let mut read = command(python()?);
    read.arg(root().join("xtask/interop/read_mail.py"))
        .arg(&first);
    let mail: Value = serde_json::from_str(&run_quietly(&mut read)?)?;
    let token = is_well_made(&mail, sender, person)?;
    let registration = answer.get("registration").cloned().unwrap_or(Value::Null);
    let proof = json!({ "token": token, "registration": registration });
    let session = issuer.post("/v1/email/verify", &proof, None)?;
    expect(
        session.get("access_token").is_some(),
        "its token proves the address",
    )
}

/// What is to be said of every message; the token in it.
fn is_well_made<'a>(mail: &'a Value, sender: &str, person: &str) -> Done<&'a str> {
    let text = |name: &str| mail.get(name).and_then(Value::as_str).unwrap_or("");
    let is = |name: &str, value: Value| mail.get(name) == Some(&value);
    expect(text("to") == "ada@example.com", "it is for the recipient")?;
    expect(
        text("from").contains("signet@example.com"),
        "it says whom it is from",
    )?;
    let told = text("from_name");
    expect(told == sender, &format!("it is from {sender}, not {told}"))?;
    expect(
        text("text").lines().next() == Some("Hello,"),
        &format!(
            "it calls nobody {person} before the mailbox is proven: {}",
            text("text")
        ),
    )?;
    expect(
        text("subject") == "Confirm your address for Signet",
        "it has its subject",
    )?;
    expect(text("type") == "multipart/alternative", "it has two parts")?;
    expect(is("has_html", json!(true)), "one is HTML")?;
    expect(is("remote", json!([])), "nothing in it is to be fetched")?;
    expect(
        text("message_id").ends_with("@example.com>"),
        "it has a Message-ID on the sender's domain",
    )?;
    expect(
        text("auto_submitted") == "auto-generated",
        "it says that a program wrote it",
    )?;
    let headers = json!([
        "auto-submitted",
        "content-type",
        "date",
        "from",
        "message-id",
        "mime-version",
        "subject",
        "to"
    ]);
    expect(is("headers", headers), "no header is there that isn't ours")?;
    expect(is("is_ascii", json!(true)), "every byte of it is ASCII")?;
    let longest = mail.get("longest_line").and_then(Value::as_u64);
    expect(
        longest.is_some_and(|length| length <= 998),
        "no line of it is longer than a server takes",
    )?;
    expect(is("defects", json!([])), "a parser finds no fault in it")?;
    Ok(mail.get("token").and_then(Value::as_str).unwrap_or(""))
}
