//! A real issuer on a free port, and a client of it: curl, as in the README.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::components::program;
use crate::process::{
    Background, Done, Failure, command, free_port, listens, run_quietly, run_with_input,
};

/// The issuer in a process of its own. It ends with this value.
pub(crate) struct Issuer {
    port: u16,
    database: PathBuf,
    /// What it was told, as everybody is who operates it.
    environment: Vec<(String, String)>,
    _process: Background,
}

impl Issuer {
    /// Starts an issuer in local mode, with more settings than the defaults.
    pub(crate) fn start(folder: &Path, settings: &[(&str, &str)]) -> Done<Self> {
        Self::start_at(free_port()?, folder, settings)
    }

    /// The same at a port that something else has to know before.
    pub(crate) fn start_at(port: u16, folder: &Path, settings: &[(&str, &str)]) -> Done<Self> {
        Self::start_program(&program("signet"), port, folder, settings)
    }

    /// The same with a program of another build.
    pub(crate) fn start_program(
        program: &Path,
        port: u16,
        folder: &Path,
        settings: &[(&str, &str)],
    ) -> Done<Self> {
        let database = folder.join("signet.db");
        let listen = format!("127.0.0.1:{port}");
        let public_url = format!("http://{listen}");
        let database_url = format!("sqlite:{}", database.display());
        let usual = [
            ("SIGNET_LISTEN", listen.as_str()),
            ("SIGNET_PUBLIC_URL", &public_url),
            ("SIGNET_DATABASE_URL", &database_url),
        ];
        let environment: Vec<(String, String)> = usual
            .iter()
            .chain(settings)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let mut serve = command(program);
        serve
            .arg("serve")
            .current_dir(folder)
            .envs(environment.iter().cloned());
        let log = folder.join(format!("issuer-{port}.log"));
        let mut process = Background::start("the issuer", &serve, &log)?;
        process.wait_until(|| listens(port))?;
        Ok(Self {
            port,
            database,
            environment,
            _process: process,
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Gets a JSON document.
    pub(crate) fn get(&self, path: &str) -> Done<Value> {
        let mut curl = command("curl");
        curl.args(["--silent", "--show-error", "--fail"]);
        let text = run_quietly(curl.arg(format!("{}{path}", self.url())))?;
        Ok(serde_json::from_str(&text)?)
    }

    /// Posts a JSON document; answers the answer's, or null where it has none.
    pub(crate) fn post(&self, path: &str, body: &Value, token: Option<&str>) -> Done<Value> {
        let mut curl = command("curl");
        curl.args(["--silent", "--show-error", "--fail-with-body"])
            .args(["--header", "content-type: application/json"])
            .args(["--data", &body.to_string()]);
        if let Some(token) = token {
            curl.args(["--header", &format!("authorization: Bearer {token}")]);
        }
        let text = run_quietly(curl.arg(format!("{}{path}", self.url())))?;
        if text.is_empty() {
            return Ok(Value::Null);
        }
        Ok(serde_json::from_str(&text)?)
    }

    /// Registers an address; answers what the issuer answers.
    pub(crate) fn register(&self, email: &str, password: &str) -> Done<Value> {
        let body = json!({ "email": email, "password": password });
        self.post("/v1/register", &body, None)
    }

    /// Registers and verifies an address; answers an access token.
    pub(crate) fn registered(&self, email: &str, password: &str) -> Done<String> {
        let answer = self.register(email, password)?;
        let registration = answer.get("registration").cloned().unwrap_or(Value::Null);
        let token = self.mailed(email, "verify", "token")?;
        let proof = json!({ "token": token, "registration": registration });
        access_token(&self.post("/v1/email/verify", &proof, None)?)
    }

    /// Logs in; answers an access token.
    pub(crate) fn login(&self, email: &str, password: &str) -> Done<String> {
        let body = json!({ "email": email, "password": password });
        access_token(&self.post("/v1/login", &body, None)?)
    }

    /// What stands in the newest mail of a kind to an address, as soon as it is there.
    pub(crate) fn mailed(&self, email: &str, kind: &str, what: &str) -> Done<String> {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(10) {
            let mailbox = self.get("/dev/mailbox.json")?;
            let messages = mailbox.get("messages").and_then(Value::as_array);
            let is = |message: &&Value, name, value| {
                message.get(name).and_then(Value::as_str) == Some(value)
            };
            let found = messages
                .into_iter()
                .flatten()
                .find(|message| is(message, "to", email) && is(message, "kind", kind));
            let text = found
                .and_then(|message| message.get(what))
                .and_then(Value::as_str);
            if let Some(text) = text {
                return Ok(text.to_owned());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(Failure::new(format!("no {kind} mail for {email}")))
    }

    /// Imports accounts as an operator does; the report.
    pub(crate) fn import_users(&self, file: &Path) -> Done<Value> {
        let mut import = self.order(&["users", "import", "--json"]);
        Ok(serde_json::from_str(&run_quietly(import.arg(file))?)?)
    }

    /// The file of its database.
    pub(crate) fn database(&self) -> &Path {
        &self.database
    }

    /// Has the program do something beside it, as an operator does.
    pub(crate) fn operate(&self, words: &[&str]) -> Done<String> {
        run_quietly(&mut self.order(words))
    }

    /// Creates an admin as an operator does.
    pub(crate) fn create_admin(&self, email: &str, password: &str) -> Done {
        self.create_user(email, password, &["--role", "admin"])
    }

    /// Creates an account whose address is proven, as an operator does.
    pub(crate) fn create_user(&self, email: &str, password: &str, more: &[&str]) -> Done {
        let mut create = self.order(&["user", "create", "--verified", "--password-stdin"]);
        create.args(["--email", email]).args(more);
        match run_with_input(&mut create, &format!("{password}\n"))? {
            (0, _) => Ok(()),
            (code, output) => Err(Failure::new(format!("exit {code}: {output}"))),
        }
    }

    fn order(&self, words: &[&str]) -> Command {
        let mut order = command(program("signet"));
        order.args(words).envs(self.environment.iter().cloned());
        order
    }
}

fn access_token(session: &Value) -> Done<String> {
    let token = session.get("access_token").and_then(Value::as_str);
    let token = token.ok_or_else(|| Failure::new(format!("no access token in {session}")))?;
    Ok(token.to_owned())
}

/// The status of an answer.
pub(crate) fn get_status(url: &str, token: Option<&str>) -> Done<u16> {
    let mut curl = command("curl");
    curl.args([
        "--silent",
        "--output",
        "/dev/null",
        "--write-out",
        "%{http_code}",
    ]);
    if let Some(token) = token {
        curl.args(["--header", &format!("authorization: Bearer {token}")]);
    }
    Ok(run_quietly(curl.arg(url))?.trim().parse()?)
}
