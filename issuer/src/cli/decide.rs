//! `signet decide`: what a gate decides about request heads, a line of JSON each, as they come.
//!
//! It decides as every host does, with what it is given instead of what it would have fetched, and
//! at the time it is told. That makes it the reference that other hosts are compared with.

mod request;

use std::fmt;
use std::io::{self, BufRead as _, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use signet_verifier::time::UnixTime;
use signet_verifier::{Gate, Leeway, RequestHead};

use self::request::Fault;
use super::{complain, key_set, unusable};
use crate::policy_file;

/// The longest line, in bytes: more than any host takes as a request's head.
const LONGEST_LINE: usize = 1 << 20;

/// How much is read and written at once.
const BUFFER: usize = 1 << 16;

/// Decides about the request heads on standard input
#[derive(Args, Debug)]
pub(super) struct Decide {
    /// The policy, as TOML or as `signet policy compile` prints it
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The issuer's key set
    #[arg(long, value_name = "FILE")]
    jwks: PathBuf,
    /// A revocation feed; several are applied in their order
    #[arg(long, value_name = "FILE")]
    revocations: Vec<PathBuf>,
    /// The time of the decisions, in seconds since 1970
    #[arg(long, value_name = "UNIX")]
    now: u64,
    /// Seconds granted to clocks that differ, at most 60
    #[arg(long, default_value = "30")]
    leeway: Leeway,
}

impl Decide {
    /// Exit 0: every line was decided, whatever the decisions; 2: something can't be used.
    pub(super) fn run(self) -> ExitCode {
        let gate = match self.gate() {
            Ok(gate) => gate,
            Err(faults) => return unusable(&faults.join("\n")),
        };
        let input = BufReader::with_capacity(BUFFER, io::stdin().lock());
        let output = BufWriter::with_capacity(BUFFER, io::stdout().lock());
        match decide_lines(&gate, UnixTime::from_secs(self.now), input, output) {
            Ok(()) => ExitCode::SUCCESS,
            // Whoever closed the pipe has read enough.
            Err(Stop::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
                ExitCode::SUCCESS
            }
            Err(stop) => unusable(&stop),
        }
    }

    /// The gate with all it knows, or everything that can't be used.
    fn gate(&self) -> Result<Gate, Vec<String>> {
        let now = UnixTime::from_secs(self.now);
        let policy = policy_file::read(&self.policy).map_err(|error| error.to_string());
        let keys = key_set::read_file(&self.jwks);
        let feeds = self.revocations.iter();
        let (feeds, bad_feeds): (Vec<_>, Vec<_>) =
            feeds.map(|path| read_feed(path)).partition(Result::is_ok);
        match (policy, keys) {
            (Ok(policy), Ok(keys)) if bad_feeds.is_empty() => {
                let mut gate = Gate::new(policy).leeway(self.leeway);
                gate.install_keys(keys);
                for (feed, path) in feeds.into_iter().flatten().zip(&self.revocations) {
                    if let Err(fault) = gate.apply_feed(&feed, now) {
                        complain(&format_args!("{} is ignored: {fault}", path.display()));
                    }
                }
                Ok(gate)
            }
            (policy, keys) => {
                let faults = [policy.err(), keys.err()];
                let bad_feeds = bad_feeds.into_iter().filter_map(Result::err);
                Err(faults.into_iter().flatten().chain(bad_feeds).collect())
            }
        }
    }
}

/// A feed as it would have been fetched. One that is only refused later is a feed; what isn't even
/// three segments is the wrong file.
fn read_feed(path: &Path) -> Result<Vec<u8>, String> {
    let shown = path.display();
    let mut feed = std::fs::read(path).map_err(|error| format!("can't read {shown}: {error}"))?;
    if feed.last() == Some(&b'\n') {
        feed.pop();
    }
    let is_base64url = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let segments: Vec<&[u8]> = feed.split(|byte| *byte == b'.').collect();
    let is_segment = |segment: &&[u8]| !segment.is_empty() && segment.iter().all(is_base64url);
    if segments.len() == 3 && segments.iter().all(is_segment) {
        Ok(feed)
    } else {
        Err(format!(
            "{shown} is no revocation feed: not three segments of base64url"
        ))
    }
}

/// Why no more lines are decided.
#[derive(Debug)]
enum Stop {
    /// This line can't be used.
    Line {
        /// Its number, from 1.
        number: u64,
        /// Why.
        fault: Fault,
    },
    Input(io::Error),
    Output(io::Error),
}

/// Decides line by line. Whenever the next line has yet to come, what was decided is out.
fn decide_lines<R: Read, W: Write>(
    gate: &Gate,
    now: UnixTime,
    mut input: BufReader<R>,
    mut output: BufWriter<W>,
) -> Result<(), Stop> {
    let mut line = Vec::new();
    for number in 1_u64.. {
        if !input.buffer().contains(&b'\n') {
            output.flush().map_err(Stop::Output)?;
        }
        line.clear();
        let most = u64::try_from(LONGEST_LINE)
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        let read = input.by_ref().take(most).read_until(b'\n', &mut line);
        if read.map_err(Stop::Input)? == 0 {
            break;
        }
        let decision = match decide(gate, now, &line) {
            Ok(decision) => decision,
            Err(fault) => {
                output.flush().map_err(Stop::Output)?;
                return Err(Stop::Line { number, fault });
            }
        };
        writeln!(output, "{decision}").map_err(Stop::Output)?;
    }
    output.flush().map_err(Stop::Output)
}

fn decide(gate: &Gate, now: UnixTime, line: &[u8]) -> Result<String, Fault> {
    if line.len() > LONGEST_LINE {
        return Err("longer than a mebibyte".into());
    }
    let head = request::read(line)?;
    let headers = head.headers.iter();
    let headers: Vec<(&[u8], &[u8])> = headers
        .map(|(name, value)| (name.as_slice(), value.as_slice()))
        .collect();
    let request = RequestHead {
        method: &head.method,
        target: &head.target,
        headers: &headers,
    };
    Ok(gate.decide(&request, now).to_json())
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { number, fault } => write!(f, "line {number}: {fault}"),
            Self::Input(error) => write!(f, "can't read standard input: {error}"),
            Self::Output(error) => write!(f, "can't write the decisions: {error}"),
        }
    }
}
