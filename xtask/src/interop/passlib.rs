//! Passwords of a system that kept them with passlib: what it makes is imported, logged in with, and
//! made anew.

use std::path::Path;

use serde_json::Value;

use super::issuer::Issuer;
use super::{NEW_PASSWORD, PASSWORD, expect};
use crate::components::python;
use crate::process::{Done, Failure, command, root, run_quietly};

pub(super) fn run(folder: &Path) -> Done {
    let mut make = command(python()?);
    make.arg(root().join("xtask/interop/passlib_hashes.py"))
        .arg(PASSWORD);
    let accounts = run_quietly(&mut make)?;
    let file = folder.join("accounts.ndjson");
    std::fs::write(&file, &accounts)?;
    let names = accounts.lines().map(name_of).collect::<Done<Vec<_>>>()?;
    expect(names.len() == 10, "passlib makes ten hashes")?;
    let issuer = Issuer::start(folder, &[])?;
    let report = issuer.import_users(&file)?;
    expect(
        report.get("imported").and_then(Value::as_u64) == Some(10),
        "all of them are imported",
    )?;
    let before = hashes(folder)?;
    for name in &names {
        let (email, password) = match name.as_str() {
            "decomposed" => (name, format!("e\u{301} {PASSWORD}")),
            _ => (name, PASSWORD.to_owned()),
        };
        let email = format!("{email}@example.com");
        expect(
            before
                .iter()
                .any(|row| row.starts_with(&format!("{email} imported:"))),
            &format!("{name} is kept as it came"),
        )?;
        expect(
            issuer.login(&email, NEW_PASSWORD).is_err(),
            &format!("{name} takes no other password"),
        )?;
        issuer.login(&email, &password)?;
        issuer.login(&email, &password.replace("e\u{301}", "é"))?;
    }
    let own = "$argon2id$v=19$m=19456,t=2,p=1$";
    for row in hashes(folder)? {
        let is_own = row
            .split_once(' ')
            .is_some_and(|(_, hash)| hash.starts_with(own));
        expect(is_own, "every hash was made anew")?;
    }
    let again = issuer.import_users(&file)?;
    expect(
        again.get("already_there").and_then(Value::as_u64) == Some(10),
        "an import that is run again changes nothing",
    )
}

/// The part before the `@` of an account's address.
fn name_of(line: &str) -> Done<String> {
    let account: Value = serde_json::from_str(line)?;
    let email = account.get("email").and_then(Value::as_str);
    let name = email.and_then(|email| email.strip_suffix("@example.com"));
    let name = name.ok_or_else(|| Failure::new("an account without an address"))?;
    Ok(name.to_owned())
}

/// The address and the hash of each account, as they stand in the database.
fn hashes(folder: &Path) -> Done<Vec<String>> {
    let script = "import sqlite3, sys\n\
                  rows = sqlite3.connect(sys.argv[1]).execute(\n\
                  '''SELECT email_canonical || ' ' || password_hash FROM accounts''')\n\
                  print('\\n'.join(row[0] for row in rows))\n";
    let mut read = command(python()?);
    read.args(["-c", script]).arg(folder.join("signet.db"));
    Ok(run_quietly(&mut read)?.lines().map(str::to_owned).collect())
}
