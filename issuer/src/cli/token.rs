//! `signet token verify`: checks one access token as any verifier does, with a key set from a file
//! or a URL.

use std::io::Read as _;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use signet_core::time::Clock as _;
use signet_verifier::time::UnixTime;
use signet_verifier::{Rejection, VerifiedToken, Verifier};

use super::{key_set, say, unusable};
use crate::clock::SystemClock;

/// The most that is read from standard input: any token, and enough to tell that it is none.
const LARGEST_INPUT: u64 = 1 << 20;

/// Checks the access token on standard input.
#[derive(Args, Debug)]
pub(crate) struct Verify {
    /// The issuer's key set: a file, or a URL such as https://auth.example.com/.well-known/jwks.json
    #[arg(long, value_name = "FILE|URL")]
    jwks: String,
    /// The issuer the token must come from
    #[arg(long)]
    issuer: String,
    /// The audience the token must be for
    #[arg(long)]
    audience: String,
    /// The time of the check, in seconds since 1970, instead of now
    #[arg(long, value_name = "UNIX")]
    now: Option<u64>,
    /// Seconds granted to clocks that differ
    #[arg(long, default_value_t = 30)]
    leeway: u64,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

impl Verify {
    /// Exit 0: the token is good; 1: it isn't; 2: there is nothing to check, or nothing to check
    /// it with.
    pub(crate) async fn run(self) -> ExitCode {
        let answer = match self.check().await {
            Ok(answer) => answer,
            Err(error) => return unusable(&error),
        };
        let text = match &answer {
            Ok(token) if self.json => accepted(token),
            Ok(token) => describe(token),
            Err(rejection) if self.json => {
                json!({ "ok": false, "code": rejection.code() }).to_string()
            }
            Err(rejection) => format!("refused: {rejection}"),
        };
        let said = say(&format!("{text}\n"));
        match answer {
            Ok(_) => said,
            Err(_) => ExitCode::from(1),
        }
    }

    async fn check(&self) -> Result<Result<VerifiedToken, Rejection>, String> {
        let keys = key_set::read(&self.jwks).await?;
        let mut token = Vec::new();
        std::io::stdin()
            .take(LARGEST_INPUT)
            .read_to_end(&mut token)
            .map_err(|error| format!("can't read standard input: {error}"))?;
        if token.last() == Some(&b'\n') {
            token.pop();
        }
        let now = self
            .now
            .map_or_else(|| SystemClock.now(), UnixTime::from_secs);
        let verifier = Verifier::new(&self.issuer, [self.audience.as_str()]).leeway(self.leeway);
        Ok(verifier.verify(&token, &keys, now))
    }
}

/// The claims as they were signed; a payload that was verified is JSON.
fn accepted(token: &VerifiedToken) -> String {
    let kid = json!(token.kid().to_string());
    format!(
        "{{\"ok\":true,\"kid\":{kid},\"claims\":{}}}",
        token.claims_json()
    )
}

fn describe(token: &VerifiedToken) -> String {
    let claims = token.claims();
    let list = |names: &[String]| match names {
        [] => "none".to_owned(),
        names => names.join(", "),
    };
    format!(
        "good\n  key          {}\n  subject      {}\n  session      {}\n  client       {}\n  \
         expires at   {}\n  roles        {}\n  permissions  {}",
        token.kid(),
        claims.subject(),
        claims.session_id(),
        claims.client_id(),
        claims.expires_at(),
        list(claims.roles()),
        list(claims.permissions()),
    )
}
