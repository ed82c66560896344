//! The image, and containers of it.
//!
//! buildah builds it from `deploy/Dockerfile`, in a store of its own that goes with the test. A
//! container is run without a container engine, so that the test needs none that works inside of
//! whatever it runs in: the root is read-only, the user is the image's, and nothing of this machine
//! is there but its network. There is no `/proc` and no `/dev` either.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::process::{Background, Done, Failure, command, root, run_quietly, run_to_end};

const NAME: &str = "signet-test";

/// An image, unpacked.
pub(super) struct Image {
    folder: PathBuf,
    root: PathBuf,
    /// What the Dockerfile says of how it is run.
    pub(super) config: Value,
}

impl Image {
    /// Builds it with `folder/image` in place of what the Dockerfile's first stage makes.
    pub(super) fn build(folder: &Path) -> Done<Self> {
        if run_quietly(command("id").arg("-u"))?.trim() != "0" {
            return Err(Failure::new("only root may unpack and run an image"));
        }
        let buildah = |words: &[&str]| {
            let mut buildah = command("buildah");
            buildah.arg("--root").arg(folder.join("store"));
            buildah.arg("--runroot").arg(folder.join("state"));
            buildah.args(["--storage-driver", "vfs"]).args(words);
            run_quietly(&mut buildah)
        };
        let compiled = format!("compiled={}", folder.display());
        let file = root().join("deploy/Dockerfile").display().to_string();
        let context = root().display().to_string();
        buildah(&[
            "build",
            "--isolation",
            "chroot",
            "--format",
            "docker",
            "--pull-never",
            "--build-context",
            &compiled,
            "--file",
            &file,
            "--tag",
            NAME,
            &context,
        ])?;
        let inspected = buildah(&["inspect", "--type", "image", NAME])?;
        let inspected: Value = serde_json::from_str(&inspected)?;
        let config = inspected.pointer("/Docker/config").cloned();
        let container = buildah(&["from", "--pull-never", NAME])?;
        let mounted = buildah(&["mount", container.trim()])?;
        Ok(Self {
            folder: folder.to_path_buf(),
            root: PathBuf::from(mounted.trim()),
            config: config.ok_or_else(|| Failure::new("the image has no configuration"))?,
        })
    }

    /// Where its files are.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// A text of its configuration.
    pub(super) fn text(&self, pointer: &str) -> &str {
        self.config
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// A list of its configuration.
    pub(super) fn list(&self, pointer: &str) -> Vec<&str> {
        let list = self.config.pointer(pointer).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    /// A container with an empty volume.
    pub(super) fn container(&self, name: &str) -> Done<Container<'_>> {
        let folder = self.folder.join(name);
        let volume = folder.join("data");
        fs::create_dir_all(&volume)?;
        // A new volume has what the image has at its place.
        let data = self.root.join("data");
        let mut like = command("chown");
        run_quietly(like.arg("--reference").arg(&data).arg(&volume))?;
        let mut like = command("chmod");
        run_quietly(like.arg("--reference").arg(&data).arg(&volume))?;
        Ok(Container {
            image: self,
            folder,
            environment: Vec::new(),
            mounts: vec![(volume, "/data".to_owned())],
        })
    }
}

/// How the program is started: with what is mounted, and as whom.
const START: &str = r#"
root=$1; user=$2; group=$3; folder=$4; shift 4
mount --make-rprivate /
mount --bind "$root" "$root"
while [ "$1" != -- ]; do mount --bind "$1" "$root$2"; shift 2; done
mount -o remount,bind,ro "$root"
shift
exec setpriv --no-new-privs unshare --root "$root" --wd "$folder" \
  --setgid "$group" --setuid "$user" "$@"
"#;

/// A container that isn't running yet.
pub(super) struct Container<'a> {
    image: &'a Image,
    folder: PathBuf,
    environment: Vec<(String, String)>,
    mounts: Vec<(PathBuf, String)>,
}

impl Container<'_> {
    /// The container with a variable more.
    pub(super) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.environment.push((name.to_owned(), value.to_string()));
        self
    }

    /// The container with a file of this machine's at a place.
    pub(super) fn mounting(mut self, file: &Path, place: &str) -> Done<Self> {
        // Engines make such places as well, in a layer that the program doesn't see.
        let target = self.image.root.join(place.trim_start_matches('/'));
        if !target.exists() {
            fs::write(target, "")?;
        }
        self.mounts.push((file.to_path_buf(), place.to_owned()));
        Ok(self)
    }

    /// The volume, seen from outside.
    pub(super) fn volume(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Runs the program to its end; answers its exit code and what it said.
    pub(super) fn run(&self, arguments: &[&str]) -> Done<(i32, String)> {
        run_to_end(&mut self.command(arguments))
    }

    /// Runs it in the background.
    pub(super) fn start(&self) -> Done<Background> {
        let log = self.folder.join("log");
        Background::start("the container", &self.command(&[]), &log)
    }

    /// As an engine reads the image's configuration.
    fn command(&self, arguments: &[&str]) -> Command {
        let image = self.image;
        let (user, group) = image.text("/User").split_once(':').unwrap_or_default();
        let mut start = command("unshare");
        start.args(["--mount", "sh", "-euc", START, "sh"]);
        start
            .arg(&image.root)
            .args([user, group, image.text("/WorkingDir")]);
        for (from, to) in &self.mounts {
            start.arg(from).arg(to);
        }
        start
            .arg("--")
            .args(image.list("/Entrypoint"))
            .args(arguments);
        start.env_clear();
        for variable in image.list("/Env") {
            if let Some((name, value)) = variable.split_once('=') {
                start.env(name, value);
            }
        }
        start.envs(self.environment.iter().map(|(name, value)| (name, value)));
        start
    }
}
