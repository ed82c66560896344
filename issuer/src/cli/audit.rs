//! `signet audit`: whether the trail is whole, and taking it away.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use signet_core::audit::chain::hex;
use signet_core::audit::read::VerifyTrailError;
use signet_core::audit::verification::TrailHead;
use signet_core::issuer::Issuer;
use signet_core::ports::{StoreError, StoreResult};

use super::arguments::ConfigurationArgs;
use super::{no, say, unusable, with_issuer, with_issuer_or};
use crate::http::admin::audit::{AuditHead, end, lines};
use crate::serve::opening::Purpose;

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Hold every row against the one before it; exit 1 and tell where, if the chain is broken, and
    /// 2, if it can't be looked at
    Verify(Verify),
    /// Print the whole trail, oldest first, a JSON object on each line, and its head on the last
    Export(Export),
}

/// `signet audit verify`
#[derive(Args, Debug)]
pub(super) struct Verify {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// A head that was noted earlier, as `SEQUENCE:HASH`: a trail that was cut, or written anew from
    /// some place on, doesn't go through it
    #[arg(long, value_name = "SEQUENCE:HASH", value_parser = head)]
    head: Option<TrailHead>,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// `signet audit export`
#[derive(Args, Debug)]
pub(super) struct Export {
    #[command(flatten)]
    configuration: ConfigurationArgs,
}

impl AuditCommand {
    pub(super) fn run(self) -> ExitCode {
        match self {
            Self::Verify(verify) => verify.run(),
            Self::Export(export) => export.run(),
        }
    }
}

impl Verify {
    fn run(self) -> ExitCode {
        let (noted, as_json) = (self.head, self.json);
        // Whoever runs this by the clock is woken by 1, and not by a database that is away.
        with_issuer_or(
            unusable,
            Purpose::Command,
            self.configuration,
            async move |issuer: &Issuer| match issuer.verify_trail(noted).await {
                Ok(head) if as_json => {
                    let head = AuditHead::from(head);
                    say(&format!("{}\n", json!({ "ok": true, "head": head })))
                }
                Ok(TrailHead { sequence, hash }) => say(&format!(
                    "{sequence} rows, each behind the one before; note {sequence}:{} somewhere \
                     else, and give it as --head the next time\n",
                    hex(&hash)
                )),
                Err(VerifyTrailError::Broken(broken)) if as_json => {
                    say(&format!(
                        "{}\n",
                        json!({ "ok": false, "broken": broken.to_string() })
                    ));
                    ExitCode::from(1)
                }
                Err(VerifyTrailError::Store(error @ StoreError::Unavailable(_))) => {
                    unusable(&error)
                }
                // A row that holds what no row should is no whole trail either.
                Err(error) => no(&error),
            },
        )
    }
}

impl Export {
    fn run(self) -> ExitCode {
        with_issuer(
            self.configuration,
            async move |issuer: &Issuer| match print(issuer).await {
                Ok(code) => code,
                Err(error) => no(&error),
            },
        )
    }
}

async fn print(issuer: &Issuer) -> StoreResult<ExitCode> {
    let head = issuer.begin_trail_export_as_operator().await?;
    let mut after = 0;
    loop {
        let rows = issuer.trail_after(after).await?;
        let rows = rows.into_iter().filter(|row| row.sequence <= head.sequence);
        let (text, last) = lines(rows);
        let Some(last) = last else {
            return Ok(say(&end(head)));
        };
        let code = say(&text);
        if code != ExitCode::SUCCESS {
            return Ok(code);
        }
        after = last;
    }
}

fn head(text: &str) -> Result<TrailHead, String> {
    let read = || {
        let (sequence, hash) = text.split_once(':')?;
        let mut bytes = [0; 32];
        if hash.len() != 64 || !hash.is_ascii() {
            return None;
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            let at = index.checked_mul(2)?;
            *byte = u8::from_str_radix(hash.get(at..at.checked_add(2)?)?, 16).ok()?;
        }
        Some(TrailHead {
            sequence: sequence.parse().ok()?,
            hash: bytes,
        })
    };
    read().ok_or_else(|| "must be SEQUENCE:HASH, as `signet audit verify` tells it".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_told() {
        let told = format!("7:{}", hex(&[0xab; 32]));
        let read = head(&told).unwrap();
        assert_eq!((read.sequence, read.hash), (7, [0xab; 32]));
        for wrong in [
            "",
            "7",
            "7:",
            "x:00",
            "7:zz",
            told.trim_end_matches("ab"),
            &format!("{told}0"),
        ] {
            assert!(head(wrong).is_err(), "{wrong}");
        }
    }
}
