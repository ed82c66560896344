//! Keys that change while every host is asked all the time, and a key that somebody else has.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{EMAIL, Host, PASSWORD, told, until};
use crate::components::{node, python};
use crate::interop::issuer::{Issuer, get_status};
use crate::process::{Done, Failure, command, root, run_quietly};

/// How long hosts are asked after the keys changed: longer than between two fetches for an unknown
/// one.
const WATCHED: Duration = Duration::from_secs(12);
/// When a token of a refused key is refused everywhere.
const REFUSED_WITHIN: Duration = Duration::from_secs(10);

/// A key of which there is a copy outside of the issuer.
pub(super) struct StolenKey {
    file: PathBuf,
    kid: String,
}

impl StolenKey {
    /// Has the issuer publish one, as if that had been long enough ago for it to sign. Hosts that
    /// start after that know it, as those that run learn of it in the time between.
    pub(super) fn plant(folder: &Path, issuer: &Issuer) -> Done<Self> {
        let file = folder.join("stolen.pem");
        forge(&["make".as_ref(), file.as_os_str()])?;
        let kid = forge(&["kid".as_ref(), file.as_os_str()])?;
        let path = file.display().to_string();
        issuer.operate(&["keys", "import", &path])?;
        let mut age = command(python()?);
        age.arg("-c").arg(
            "import sqlite3, sys\n\
             file = sqlite3.connect(sys.argv[1], timeout=10)\n\
             file.execute('UPDATE signing_keys SET created_at = created_at - 1000 WHERE kid = ?', sys.argv[2:])\n\
             file.commit()",
        );
        run_quietly(age.arg(issuer.database()).arg(&kid))?;
        // An issuer that runs looks once a second.
        let began = Instant::now();
        while !issuer
            .get("/.well-known/jwks.json")?
            .to_string()
            .contains(&kid)
        {
            if began.elapsed() > WATCHED {
                return Err(Failure::new("the key isn't published"));
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(Self { file, kid })
    }

    fn forged(&self, token: &str) -> Done<String> {
        forge(&["sign".as_ref(), self.file.as_os_str(), token.as_ref()])
    }
}

fn forge(words: &[&std::ffi::OsStr]) -> Done<String> {
    let mut script = command(node()?);
    script.arg(root().join("xtask/revocation/forge.mjs"));
    run_quietly(script.args(words))
}

/// Has the planted key sign, while every host is asked with tokens from before and from after:
/// nobody is refused.
pub(super) fn rotate(issuer: &Issuer, keep: &str, hosts: &[Host]) -> Done {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let is_over = &is_over;
        let asking: Vec<_> = hosts
            .iter()
            .map(|host| scope.spawn(move || watch(issuer, keep, host, is_over)))
            .collect();
        let rotated = issuer.operate(&["keys", "rotate"]);
        thread::sleep(WATCHED);
        is_over.store(true, Ordering::SeqCst);
        for asked in asking {
            asked
                .join()
                .unwrap_or_else(|_| Err(Failure::new("asking panicked")))?;
        }
        rotated.map(drop)
    })
}

fn watch(issuer: &Issuer, keep: &str, host: &Host, is_over: &AtomicBool) -> Done {
    while !is_over.load(Ordering::SeqCst) {
        let new = issuer.login(EMAIL, PASSWORD)?;
        for token in [keep, &new] {
            let status = get_status(&host.url, Some(token))?;
            if status != 200 {
                return Err(Failure::new(format!(
                    "{}: {status} at a rotation",
                    host.name
                )));
            }
        }
    }
    Ok(())
}

/// The drill: a forged token opens every door until the key is revoked. How long that takes at each
/// host, and that everybody else goes on.
pub(super) fn drill(issuer: &Issuer, stolen: &StolenKey, hosts: &[Host]) -> Done<String> {
    let forged = stolen.forged(&issuer.login(EMAIL, PASSWORD)?)?;
    for host in hosts {
        until(host, &forged, 200, Instant::now())?;
    }
    issuer.operate(&["keys", "revoke", &stolen.kid, "--now"])?;
    let revoked = Instant::now();
    let took = super::everywhere(hosts, &forged, 401, revoked)?;
    let words = told(hosts, &took);
    if took.iter().any(|took| *took > REFUSED_WITHIN) {
        return Err(Failure::new(format!(
            "a forged token is refused too late: {words}"
        )));
    }
    let new = issuer.login(EMAIL, PASSWORD)?;
    super::everywhere(hosts, &new, 200, Instant::now())?;
    Ok(words)
}
