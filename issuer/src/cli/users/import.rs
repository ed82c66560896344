//! `signet users import`: from a file to accounts, in batches that are each kept as a whole.
//!
//! ```text
//! file ─▶ format (ndjson, csv, dump) ─▶ Fields ─▶ record ─▶ AccountElsewhere ─▶ store
//!                                                    └─▶ report ◀────────────────┘
//! ```
//!
//! A format knows how fields stand in a file, [`record`] what they mean. To read another format, add
//! it to [`format::Format`]; what its fields are called is in docs/IMPORT.md.

mod csv_file;
mod dump;
mod fields;
mod format;
mod ndjson;
mod progress;
mod record;
mod report;
mod slowest;
mod timestamp;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use signet_core::account::AccountId;
use signet_core::account::import::{AccountElsewhere, ImportMode, ImportOutcome};
use signet_core::issuer::Issuer;
use signet_core::ports::StoreError;
use signet_core::role::RoleName;

use self::format::{Format, FormatError, Source};
use self::progress::Progress;
use self::record::RoleMap;
use self::report::{Outcome, Report};
use self::slowest::Costliest;
use crate::cli::arguments::ConfigurationArgs;
use crate::cli::{no, say, unusable, with_issuer_for};
use crate::serve::opening::Purpose;

/// How many accounts are created in one step of the store.
const BATCH: usize = 100;
const ID_TAKEN: &str = "another account has this id";

/// `signet users import`
#[derive(Args, Debug)]
pub(in crate::cli) struct Import {
    /// The accounts, or `-` for standard input. See docs/IMPORT.md
    file: PathBuf,
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// What the file is; `auto` looks at its beginning
    #[arg(long, value_enum, default_value_t = Format::Auto)]
    format: Format,
    /// Say what would come of it, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// A role of the other system and the one it becomes, or nothing for none: `editor=agents-editor`,
    /// `authenticated=`. Other roles keep their names; `admin` must be said, `admin=admin`
    #[arg(long = "role-map", value_name = "THEIRS=OURS")]
    role_map: Vec<String>,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// Why an import stopped. What was imported before that stays; running it again goes on.
#[derive(Debug, thiserror::Error)]
enum ImportError {
    #[error("can't read the accounts: {0}")]
    Read(#[from] io::Error),
    #[error(transparent)]
    Format(#[from] FormatError),
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl Import {
    pub(super) fn run(self) -> ExitCode {
        let roles = match RoleMap::read(&self.role_map) {
            Ok(roles) => roles,
            Err(error) => return unusable(&error),
        };
        let file = self.file.display().to_string();
        let (input, progress): (Box<dyn Read>, _) = if file == "-" {
            (Box::new(io::stdin()), Progress::spinner())
        } else {
            match File::open(&self.file) {
                Ok(file) => {
                    let length = file.metadata().map_or(0, |metadata| metadata.len());
                    (Box::new(file), Progress::bar(length))
                }
                Err(error) => return unusable(&format_args!("can't read {file}: {error}")),
            }
        };
        let input = BufReader::with_capacity(1 << 20, progress.watch(input));
        let source = match Source::open(input, self.format) {
            Ok(source) => source,
            Err(error) => return unusable(&format_args!("{file}: {error}")),
        };
        let mode = match self.dry_run {
            true => ImportMode::Rehearse,
            false => ImportMode::Keep,
        };
        let run = Run {
            roles,
            mode,
            progress,
            report: Report::new(mode),
            addresses: HashMap::new(),
            ids: HashSet::new(),
            costliest: Costliest::default(),
            batch: Vec::new(),
        };
        with_issuer_for(
            Purpose::FirstCommand,
            self.configuration,
            async move |issuer: &Issuer| import(issuer, source, run, self.json).await,
        )
    }
}

async fn import(issuer: &Issuer, mut source: Source, mut run: Run, as_json: bool) -> ExitCode {
    let imported = run.all(issuer, &mut source).await;
    run.progress.finish();
    let floor = issuer.login_floor();
    run.report.slowest_check(run.costliest.time(), floor.least);
    let told = say(&run.report.told(as_json));
    match imported {
        Ok(()) if run.report.is_clean() => told,
        Ok(()) => ExitCode::from(1),
        Err(error @ ImportError::Store(_)) => no(&format_args!(
            "{error}. What the report tells of is done; run the import again to go on"
        )),
        Err(error) => unusable(&error),
    }
}

/// An import under way.
struct Run {
    roles: RoleMap,
    mode: ImportMode,
    progress: Progress,
    report: Report,
    /// The line of each address in the file.
    addresses: HashMap<String, u64>,
    ids: HashSet<AccountId>,
    costliest: Costliest,
    /// The accounts that are next, with their lines.
    batch: Vec<(u64, AccountElsewhere)>,
}

impl Run {
    async fn all(&mut self, issuer: &Issuer, source: &mut Source) -> Result<(), ImportError> {
        while let Some(row) = source.next()? {
            let line = row.line;
            match row
                .fields
                .and_then(|fields| record::read(fields, &self.roles))
            {
                Err(problem) => self.report.refused(line, problem),
                Ok(record::Read::Deleted) => self.report.count(Outcome::Deleted),
                Ok(record::Read::Account { account, note }) => {
                    if let Some(note) = note {
                        self.report.note(line, note);
                    }
                    self.add(line, account);
                }
            }
            if self.batch.len() >= BATCH {
                self.flush(issuer).await?;
            }
        }
        self.flush(issuer).await
    }

    /// What stands in the file twice is found here, where a rehearsal finds it as well.
    fn add(&mut self, line: u64, account: AccountElsewhere) {
        let place = match self.addresses.entry(account.email.canonical().to_owned()) {
            Entry::Occupied(first) => return self.report.duplicate(line, *first.get()),
            Entry::Vacant(place) => place,
        };
        if account.id.is_some_and(|id| !self.ids.insert(id)) {
            return self.report.refused(line, ID_TAKEN.to_owned());
        }
        place.insert(line);
        self.batch.push((line, account));
    }

    async fn flush(&mut self, issuer: &Issuer) -> Result<(), ImportError> {
        let batch = std::mem::take(&mut self.batch);
        let (lines, accounts): (Vec<u64>, Vec<AccountElsewhere>) = batch.into_iter().unzip();
        let kinds: Vec<_> = accounts.iter().map(report::Kind::of).collect();
        let hashes: Vec<_> = accounts.iter().map(|it| it.password.clone()).collect();
        let outcomes = issuer
            .import_accounts_as_operator(accounts, self.mode)
            .await?;
        for (((line, kind), hash), outcome) in
            lines.into_iter().zip(kinds).zip(&hashes).zip(outcomes)
        {
            match outcome {
                ImportOutcome::Imported => {
                    self.report.imported(kind);
                    self.costliest.see(hash);
                }
                ImportOutcome::AddressTaken => self.report.count(Outcome::AlreadyThere),
                ImportOutcome::IdTaken => {
                    self.report.refused(line, ID_TAKEN.to_owned());
                }
                ImportOutcome::UnknownRole(role) => {
                    self.report.refused(line, unknown_role(&role));
                }
            }
        }
        self.progress.accounts(self.report.seen());
        Ok(())
    }
}

fn unknown_role(role: &RoleName) -> String {
    format!("there is no role called {role}; create it, or say --role-map {role}=OURS")
}
