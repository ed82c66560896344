//! Keys that change while every host is asked all the time, and a key that somebody else has.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{ASKED_EVERY, EMAIL, Host, PASSWORD, PATIENCE, told, until};
use crate::components::{node, python};
use crate::interop::issuer::{Issuer, get_status};
use crate::process::{Done, Failure, command, root, run_quietly};

/// How often somebody logs in while the keys change.
const LOGGED_IN_EVERY: Duration = Duration::from_secs(1);
/// How often each host is asked then, in a second, at least.
const ASKED_A_SECOND: u64 = 4;
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
            if began.elapsed() > PATIENCE {
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

/// Has the planted key sign, while every host is asked with tokens from before and from after, and
/// for so long after that: nobody is refused. How often each host was asked.
///
/// It is shown tokens of a stranger's key, too. It refuses them, and fetches the key set because of
/// them, every ten seconds: so it has the one from after the change, in which the key from before
/// has to be.
pub(super) fn rotate(
    issuer: &Issuer,
    folder: &Path,
    hosts: &[Host],
    watched: Duration,
) -> Done<String> {
    let before = issuer.login(EMAIL, PASSWORD)?;
    let strange = strangers(folder, &before)?;
    let is_over = AtomicBool::new(false);
    let (rotated, asked) = thread::scope(|scope| {
        let (before, strange, is_over) = (before.as_str(), strange.as_str(), &is_over);
        let asking: Vec<_> = hosts
            .iter()
            .map(|host| scope.spawn(move || watch(issuer, before, strange, host, is_over)))
            .collect();
        let rotated = issuer.operate(&["keys", "rotate"]);
        thread::sleep(watched);
        is_over.store(true, Ordering::SeqCst);
        let joined = asking.into_iter().map(|asking| asking.join());
        let asked: Done<Vec<u64>> = joined
            .map(|asked| asked.unwrap_or_else(|_| Err(Failure::new("asking panicked"))))
            .collect();
        (rotated, asked)
    });
    rotated?;
    let asked = asked?;
    let hosts = hosts.iter().zip(&asked);
    let words: Vec<String> = hosts
        .map(|(host, asked)| format!("{} {asked} times", host.name))
        .collect();
    let words = words.join(", ");
    let least = watched.as_secs().saturating_mul(ASKED_A_SECOND);
    if asked.iter().any(|asked| *asked < least) {
        return Err(Failure::new(format!("asked too seldom: {words}")));
    }
    if head(&issuer.login(EMAIL, PASSWORD)?) == head(&before) {
        return Err(Failure::new("the same key signs as before"));
    }
    Ok(words)
}

/// The claims of a token, signed with a key that nobody knows.
fn strangers(folder: &Path, token: &str) -> Done<String> {
    let file = folder.join("strange.pem");
    forge(&["make".as_ref(), file.as_os_str()])?;
    forge(&["sign".as_ref(), file.as_os_str(), token.as_ref()])
}

/// What stands before the claims: which key signed it.
fn head(token: &str) -> Option<&str> {
    token.split('.').next()
}

fn watch(
    issuer: &Issuer,
    before: &str,
    strange: &str,
    host: &Host,
    is_over: &AtomicBool,
) -> Done<u64> {
    let mut asked = 0_u64;
    while !is_over.load(Ordering::SeqCst) {
        let new = issuer.login(EMAIL, PASSWORD)?;
        let logged_in = Instant::now();
        while logged_in.elapsed() < LOGGED_IN_EVERY {
            for (token, expected) in [(before, 200), (new.as_str(), 200), (strange, 401)] {
                let status = get_status(&host.url, Some(token))?;
                if status != expected {
                    let name = host.name;
                    return Err(Failure::new(format!(
                        "{name}: {status} at a rotation, and not {expected}"
                    )));
                }
                asked = asked.saturating_add(1);
            }
            thread::sleep(ASKED_EVERY);
        }
    }
    Ok(asked)
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
