//! `signet passwords build`: in two passes, so that a list of any size takes little memory. The
//! first one spreads the keys over 256 files beside the list that is made; the second makes each
//! part of it of a few of them.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use signet_core::password::known::{self, Key, MOST_BITS};

use super::keys::{Counts, Lines, Wanted, read};
use crate::cli::{file_fault, no, say, unusable};

/// `signet passwords build`
#[derive(Args, Debug)]
pub(in crate::cli) struct Build {
    /// The passwords, or `-` for standard input
    list: PathBuf,
    /// The file to make; what is there is replaced once the new one is whole
    #[arg(long, short)]
    output: PathBuf,
    /// Leave out passwords of fewer characters: the minimum refuses them anyway
    #[arg(long, value_name = "CHARACTERS", default_value_t = 8)]
    shortest: usize,
    /// Of hashes that say how often they were seen, take those seen so often or more
    #[arg(long, value_name = "TIMES", default_value_t = 1)]
    seen: u64,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// What was made.
struct Made {
    lines: Lines,
    counts: Counts,
    /// How many different passwords are on the list.
    passwords: u64,
    bytes: u64,
}

impl Build {
    pub(super) fn run(self) -> ExitCode {
        let list = self.list.display();
        let made = if self.list.as_os_str() == "-" {
            self.make(&mut io::stdin().lock())
        } else {
            match File::open(&self.list) {
                Ok(file) => self.make(&mut BufReader::with_capacity(1 << 20, file)),
                Err(error) => return unusable(&format_args!("can't read {list}: {error}")),
            }
        };
        match made {
            Ok(made) if made.passwords == 0 => no(&self.nothing(made.counts)),
            Ok(made) => say(&self.told(&made)),
            Err(error) => {
                let output = self.output.display();
                file_fault(
                    &format_args!("can't make {output} of {list}: {error}"),
                    &error,
                )
            }
        }
    }

    fn make(&self, list: &mut impl BufRead) -> io::Result<Made> {
        let wanted = Wanted {
            shortest: self.shortest,
            seen: self.seen,
        };
        let parts = Parts::create(&beside(&self.output, ".parts"))?;
        let mut writers = parts.writers()?;
        let (lines, counts) = read(list, wanted, |key| {
            match writers.get_mut(key.shard(MOST_BITS)) {
                Some(writer) => writer.write_all(&key.to_bytes()),
                None => Ok(()),
            }
        })?;
        for mut writer in writers.drain(..) {
            writer.flush()?;
        }
        let partial = beside(&self.output, ".partial");
        let written = write_list(&parts, counts.taken, &partial);
        let published = written.and_then(|written| {
            if written.0 > 0 {
                fs::rename(&partial, &self.output)?;
            }
            Ok(written)
        });
        let _it_has_its_name_or_is_useless = fs::remove_file(&partial);
        let (passwords, bytes) = published?;
        Ok(Made {
            lines,
            counts,
            passwords,
            bytes,
        })
    }

    /// Why there is no password to make a list of.
    fn nothing(&self, counts: Counts) -> String {
        let list = self.list.display();
        let Counts {
            left_out,
            unreadable,
            ..
        } = counts;
        match left_out.saturating_add(unreadable) {
            0 => format!("there is no password in {list}"),
            lines => format!(
                "none of the {lines} lines in {list} is taken: {left_out} are shorter than \
                 --shortest {} or seen less often than --seen {}, {unreadable} can't be read",
                self.shortest, self.seen
            ),
        }
    }

    fn told(&self, made: &Made) -> String {
        let Made {
            lines,
            counts,
            passwords,
            bytes,
        } = made;
        let output = self.output.display().to_string();
        let lines = match lines {
            Lines::Passwords => "passwords",
            Lines::Sha1 => "SHA-1 hashes",
        };
        if self.json {
            let answer = json!({
                "list": output,
                "read_as": lines,
                "passwords": passwords,
                "left_out": counts.left_out,
                "unreadable": counts.unreadable,
                "bytes": bytes,
            });
            return format!("{answer}\n");
        }
        format!(
            "made {output} of {lines}: {passwords} different ones, {bytes} bytes; left out {}, \
             unreadable {}\n",
            counts.left_out, counts.unreadable
        )
    }
}

/// Writes a list of all parts; answers how many passwords are on it, and its bytes.
fn write_list(parts: &Parts, taken: u64, to: &Path) -> io::Result<(u64, u64)> {
    let bits = known::bits_for(taken);
    let mut file = BufWriter::new(File::create(to)?);
    let (mut digest, mut passwords, mut bytes) = (Sha256::new(), 0u64, 0u64);
    let mut write = |part: &[u8]| -> io::Result<()> {
        digest.update(part);
        bytes = bytes.saturating_add(u64::try_from(part.len()).unwrap_or(u64::MAX));
        file.write_all(part)
    };
    write(&known::head(bits))?;
    let all: Vec<usize> = (0..Parts::COUNT).collect();
    for together in all.chunks(Parts::COUNT >> bits) {
        let mut keys = Vec::new();
        for number in together {
            parts.read(*number, &mut keys)?;
        }
        let (shard, different) = known::shard(keys).map_err(io::Error::other)?;
        passwords = passwords.saturating_add(different.into());
        write(&shard)?;
    }
    let digest = digest.finalize();
    file.write_all(&digest)?;
    file.into_inner()?.sync_all()?;
    let digest = u64::try_from(digest.len()).unwrap_or(0);
    Ok((passwords, bytes.saturating_add(digest)))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// A folder of files that each hold the keys of one of 256 shards. It goes when it is dropped.
struct Parts(PathBuf);

impl Parts {
    const COUNT: usize = 1 << MOST_BITS;

    fn create(folder: &Path) -> io::Result<Self> {
        // One that was left by a run that was killed.
        if folder.exists() {
            match Self::are_all_in(folder)? {
                true => fs::remove_dir_all(folder)?,
                false => {
                    let folder = folder.display();
                    return Err(io::Error::other(format!(
                        "{folder}, which this works in, holds something else; move it away"
                    )));
                }
            }
        }
        fs::create_dir(folder)?;
        Ok(Self(folder.to_owned()))
    }

    /// Whether a folder holds parts and nothing else.
    fn are_all_in(folder: &Path) -> io::Result<bool> {
        for entry in fs::read_dir(folder)? {
            let name = entry?.file_name();
            let number: Option<usize> = name.to_str().and_then(|name| name.parse().ok());
            if number.is_none_or(|number| number >= Self::COUNT) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn file(&self, number: usize) -> PathBuf {
        self.0.join(number.to_string())
    }

    fn writers(&self) -> io::Result<Vec<BufWriter<File>>> {
        let files = (0..Self::COUNT).map(|number| File::create_new(self.file(number)));
        files.map(|file| Ok(BufWriter::new(file?))).collect()
    }

    fn read(&self, number: usize, keys: &mut Vec<Key>) -> io::Result<()> {
        let mut bytes = Vec::new();
        File::open(self.file(number))?.read_to_end(&mut bytes)?;
        keys.extend(bytes.as_chunks().0.iter().copied().map(Key::from_bytes));
        Ok(())
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        let _nobody_can_help_it = fs::remove_dir_all(&self.0);
    }
}
