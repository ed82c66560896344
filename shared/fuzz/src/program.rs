//! What the programs do that aren't libFuzzer.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use crate::{TARGETS, Target};

/// Checks the files that the command line names.
///
/// # Errors
/// Where a file can't be read.
///
/// # Panics
/// Where a property fails.
pub fn check_files(target: &Target) -> io::Result<()> {
    for file in std::env::args_os().skip(1) {
        (target.check)(&fs::read(&file)?);
        let file = Path::new(&file).display();
        writeln!(io::stderr(), "{}: {file} is as it should be", target.name)?;
    }
    Ok(())
}

/// Writes the seeds of every target into a folder of its name, its words beside it, and says which
/// targets there are: a line for each, with its name and its longest input.
///
/// # Errors
/// Where a file can't be written.
pub fn write_seeds(folder: &Path) -> io::Result<()> {
    for target in TARGETS {
        let folder = folder.join(target.name);
        fs::create_dir_all(&folder)?;
        let mut seeds = (target.seeds)();
        seeds.retain(|seed| seed.len() <= target.longest);
        for (number, seed) in seeds.into_iter().enumerate() {
            fs::write(folder.join(format!("seed-{number:05}")), seed)?;
        }
        fs::write(folder.with_extension("words"), dictionary(target.words))?;
        writeln!(io::stdout(), "{} {}", target.name, target.longest)?;
    }
    Ok(())
}

/// A dictionary as libFuzzer reads it, which takes an empty one for a mistake.
fn dictionary(words: &[&str]) -> String {
    let quoted = words.iter().map(|word| {
        let bytes = word.bytes().map(|byte| match byte {
            b'"' | b'\\' => format!("\\{}", char::from(byte)),
            b' '..=b'~' => char::from(byte).to_string(),
            other => format!("\\x{other:02x}"),
        });
        format!("\"{}\"\n", bytes.collect::<String>())
    });
    format!("# What inputs are made of.\n{}", quoted.collect::<String>())
}
