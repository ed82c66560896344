//! A container that has what it needs serves, at the port of the platform; one that hasn't says what
//! is missing.

use std::fs;

use super::container::{Container, Image};
use crate::process::{Background, Done, Failure, command, free_port, listens, run_quietly};

/// Where clients are to reach the issuer.
pub(super) const HOST: &str = "auth.example.com";
const MASTER_KEY: &str = "jzpb4ZB80kRm-x4Nk6hcd9Eu8EtqWYPC7hcPmrHE1lU";

/// A container with all that production needs.
pub(super) fn ready<'a>(image: &'a Image, name: &str) -> Done<Container<'a>> {
    Ok(without_a_key(image, name)?.with("SIGNET_MASTER_KEY", MASTER_KEY))
}

fn without_a_key<'a>(image: &'a Image, name: &str) -> Done<Container<'a>> {
    let container = image.container(name)?;
    Ok(container
        .with("SIGNET_PUBLIC_URL", format!("https://{HOST}"))
        .with("SIGNET_SMTP_URL", "smtps://mail.invalid"))
}

pub(super) fn check(image: &Image) -> Done {
    expect(
        &image.container("bare")?,
        &[],
        2,
        "public_url: must be set, since this is not local",
    )?;
    expect(
        &without_a_key(image, "keyless")?,
        &[],
        2,
        "master_key: must be set",
    )?;
    let port = free_port()?;
    let container = ready(image, "serving")?.with("PORT", port);
    let mut process = container.start()?;
    process.wait_until(|| listens(port))?;
    must_be_confined(&process, image)?;
    for path in ["healthz", "readyz"] {
        let mut curl = command("curl");
        curl.args(["--silent", "--show-error", "--fail"]);
        run_quietly(curl.arg(format!("http://127.0.0.1:{port}/{path}")))?;
    }
    if !container.volume().join("signet.db").exists() {
        return Err(process.failure("keeps its database elsewhere than in the volume"));
    }
    expect(&container, &["health"], 0, "")?;
    expect(&container, &["db", "backup", "/data/copy.db"], 0, "")?;
    expect(
        &container,
        &["db", "backup", "/copy.db"],
        1,
        "Read-only file system",
    )
}

/// Runs a command in a container.
pub(super) fn expect(container: &Container<'_>, arguments: &[&str], code: i32, told: &str) -> Done {
    let (ended, said) = container.run(arguments)?;
    if ended == code && said.contains(told) {
        return Ok(());
    }
    let asked = arguments.join(" ");
    Err(Failure::new(format!(
        "signet {asked}: exit {ended} instead of {code}, or no word of {told}\n{said}"
    )))
}

/// What the kernel says of it: nobody's rights, and nothing to write to but the volume.
fn must_be_confined(process: &Background, image: &Image) -> Done {
    let folder = format!("/proc/{}", process.id());
    let status = fs::read_to_string(format!("{folder}/status"))?;
    let (user, group) = image.text("/User").split_once(':').unwrap_or_default();
    let lines = [
        format!("Uid:\t{user}\t{user}\t{user}\t{user}"),
        format!("Gid:\t{group}\t{group}\t{group}\t{group}"),
        "CapEff:\t0000000000000000".to_owned(),
        "NoNewPrivs:\t1".to_owned(),
    ];
    for line in lines {
        if !status.lines().any(|found| found == line) {
            return Err(process.failure(&format!("has another {line}:\n{status}")));
        }
    }
    let mounts = fs::read_to_string(format!("{folder}/mountinfo"))?;
    let is_read_only = |line: &str| {
        let mut words = line.split(' ').skip(4);
        words.next() == Some("/") && words.next().is_some_and(|flags| flags.starts_with("ro"))
    };
    match mounts.lines().any(is_read_only) {
        true => Ok(()),
        false => Err(process.failure(&format!("may write to its root:\n{mounts}"))),
    }
}
