//! What is wrong with a configuration is told, all of it, before anything starts.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use super::harness::Signet;

const KEY: &str = "jzpb4ZB80kRm-x4Nk6hcd9Eu8EtqWYPC7hcPmrHE1lU";

/// For each variable, what it can't be. Every key has a row, or the test fails.
const GARBAGE: &[(&str, &[&str])] = &[
    (
        "SIGNET_LISTEN",
        &[
            "",
            "8080",
            "localhost:8080",
            "127.0.0.1",
            "127.0.0.1:0",
            "127.0.0.1:99999",
        ],
    ),
    (
        "SIGNET_OPERATIONS_LISTEN",
        &[
            "",
            "9090",
            "localhost:9090",
            "127.0.0.1:0",
            "127.0.0.1:99999",
            "on",
        ],
    ),
    (
        "SIGNET_PUBLIC_URL",
        &[
            "",
            "auth.example.com",
            "ftp://x.example",
            "https://x.example/path",
            "https://u:p@x.example",
        ],
    ),
    (
        "SIGNET_DATABASE_URL",
        &[
            "",
            "signet.db",
            "sqlite:",
            "sqlite::memory:",
            "postgres://u:hunter2@h",
            "postgres://u:hunter2@h/d?sslmode=require",
            "postgres://u:hunter2@h/d?sslmod=disable",
            "mysql://u:hunter2@h/d",
        ],
    ),
    (
        "SIGNET_REDIS_URL",
        &[
            "",
            "localhost:6379",
            "redis://hunter2@localhost",
            "redis://me:hunter2@localhost?tls=off",
            "rediss://me:hunter2@localhost/zero",
        ],
    ),
    (
        "SIGNET_MASTER_KEY",
        &[
            "",
            "hunter2",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "changemechangemechangemechangemechangemecha",
        ],
    ),
    ("SIGNET_MASTER_KEY_FILE", &["", "/nonexistent/key", "/"]),
    ("SIGNET_MASTER_KEY_PREVIOUS", &["", "hunter2"]),
    (
        "SIGNET_SMTP_URL",
        &[
            "",
            "mail.example.com",
            "http://u:hunter2@h",
            "smtp://hunter2@h",
            "smtp://u:hunter2@h/x",
        ],
    ),
    ("SIGNET_MAIL_FROM", &["", "Signet", "a@b\r\nBcc: c@d"]),
    (
        "SIGNET_REGISTRATION__EMAIL_VERIFICATION",
        &["", "Required", "off", "true"],
    ),
    ("SIGNET_TOKENS__AUDIENCES", &["", "a,,b", "a,a", "a b"]),
    ("SIGNET_TOKENS__CLIENTS", &["", "a,", "é"]),
    (
        "SIGNET_TOKENS__ACCESS_SECONDS",
        &[
            "",
            "soon",
            "0",
            "59",
            "3601",
            "-300",
            "5m",
            "99999999999999999999",
        ],
    ),
    ("SIGNET_REFRESH__GRACE_SECONDS", &["", "-1", "61", "x"]),
    ("SIGNET_REFRESH__IDLE_DAYS", &["", "0", "366", "14d", "31"]),
    ("SIGNET_REFRESH__ABSOLUTE_DAYS", &["", "0", "366", "x"]),
    // Sessions on Redis need one, which no row here gives them.
    ("SIGNET_SESSIONS__STORE", &["", "sql", "Redis", "redis"]),
    (
        "SIGNET_SESSIONS__MAX_PER_ACCOUNT",
        &["", "0", "1001", "many"],
    ),
    (
        "SIGNET_PASSWORD__ALGORITHM",
        &["", "md5", "Argon2id", "argon2i"],
    ),
    ("SIGNET_PASSWORD__MINIMUM", &["", "7", "65", "x"]),
    (
        "SIGNET_PASSWORD__LIST",
        &["", "/nonexistent/known.bin", "/"],
    ),
    (
        "SIGNET_PASSWORD__MEMORY_KIB",
        &["", "1", "262145", "19 MiB"],
    ),
    ("SIGNET_PASSWORD__ITERATIONS", &["", "0", "17"]),
    ("SIGNET_PASSWORD__BCRYPT_COST", &["", "9", "17"]),
    ("SIGNET_PASSWORD__CONCURRENCY", &["", "0", "257", "all"]),
    ("SIGNET_LIMITS__SCALE", &["", "0", "1000001", "off"]),
    ("SIGNET_PROXY__TRUSTED_HOPS", &["", "17", "-1", "x"]),
    (
        "SIGNET_PROXY__NETWORKS",
        &["everyone", "0.0.0.0/0", "::/0", "10.0.0.1", "10.0.0.0/33"],
    ),
    (
        "SIGNET_CORS__ORIGINS",
        &["*", "null", "https://app.example.com/", "app.example.com"],
    ),
    (
        "SIGNET_FORWARD_AUTH__POLICY",
        &["", "/nonexistent/policy.toml", "/"],
    ),
    (
        "SIGNET_FORWARD_AUTH__PROXIES",
        &["everyone", "", "127.0.0.1:80", "::/0", "0.0.0.0/0"],
    ),
    ("SIGNET_TICK__TOKEN_FILE", &["", "/nonexistent/token", "/"]),
    (
        "SIGNET_LINKS__VERIFY",
        &["", "/verify", "https://x.example/#a", "javascript:alert(1)"],
    ),
    (
        "SIGNET_LINKS__RESET",
        &["", "/reset", "https://u@x.example/"],
    ),
    (
        "SIGNET_LINKS__EMAIL_CHANGE",
        &["", "/email-change", "javascript:1"],
    ),
    (
        "SIGNET_LINKS__INVITE",
        &["", "/invite", "https://x.example/#token"],
    ),
    ("SIGNET_LOG__FORMAT", &["", "xml", "JSON"]),
    ("SIGNET_LOG__LEVEL", &["", "loud", "INFO"]),
];

/// What a fault calls the key of a variable.
fn key_of(variable: &str) -> String {
    let name = variable.strip_prefix("SIGNET_").unwrap();
    name.to_ascii_lowercase().replace("__", ".")
}

#[test]
fn every_key_refuses_what_it_cannot_be() {
    for (variable, values) in GARBAGE {
        for value in *values {
            let ended = Signet::new()
                .with(variable, value)
                .run(&["config", "check"]);
            assert_eq!(ended.code, 1, "{variable}={value:?}: {}", ended.out);
            let fault = format!("  {} ({variable}): ", key_of(variable));
            assert!(
                ended.out.contains(&fault),
                "{variable}={value:?}: {}",
                ended.out
            );
            assert!(!ended.out.contains("hunter2"), "{}", ended.out);
        }
    }
}

#[test]
fn one_fault_of_any_key_stops_the_start() {
    for (variable, values) in GARBAGE {
        let value = values.last().unwrap();
        let signet = Signet::new().with(variable, value);
        let ended = signet.run(&[]);
        assert_eq!(ended.code, 2, "{variable}={value:?}: {}", ended.err);
        let told = "signet: the configuration has";
        assert!(ended.err.starts_with(told), "{variable}: {}", ended.err);
        assert!(ended.out.is_empty(), "{variable}: {}", ended.out);
        let nothing_made = fs::read_dir(signet.folder()).unwrap().count() == 0;
        assert!(nothing_made, "{variable}={value:?} left something behind");
    }
}

#[test]
fn hashes_that_would_take_seconds_are_a_fault_of_two_keys() {
    let check = |memory: &str, passes: &str| {
        Signet::new()
            .with("SIGNET_PASSWORD__MEMORY_KIB", memory)
            .with("SIGNET_PASSWORD__ITERATIONS", passes)
            .run(&["config", "check"])
    };
    assert_eq!(check("262144", "4").code, 0);
    let ended = check("262144", "5");
    assert_eq!(ended.code, 1);
    assert!(
        ended
            .out
            .contains("password.memory_kib × password.iterations"),
        "{}",
        ended.out
    );
}

#[test]
fn the_matrix_has_every_key() {
    let printed = Signet::new().run(&["config", "print", "--json"]).out;
    let printed: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let keys: Vec<&String> = printed.as_object().unwrap().keys().collect();
    let tested: Vec<String> = GARBAGE
        .iter()
        .map(|(variable, _)| key_of(variable))
        .collect();
    assert_eq!(keys, tested.iter().collect::<Vec<_>>());
    assert!(keys.len() <= 40, "{} keys", keys.len());
}

#[test]
fn all_faults_of_all_keys_are_told_at_once_and_nothing_starts() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap();
    let mut signet = Signet::new().with("SIGNET_NONSENSE", "1");
    for (variable, values) in GARBAGE.iter().filter(|(name, _)| *name != "SIGNET_LISTEN") {
        signet = signet.with(variable, values[0]);
    }
    let ended = signet.run(&["--listen", &taken.to_string()]);
    assert_eq!(ended.code, 2, "{}", ended.err);
    for (variable, _) in GARBAGE.iter().filter(|(name, _)| *name != "SIGNET_LISTEN") {
        assert!(
            ended.err.contains(&format!("({variable}): ")),
            "{variable}: {}",
            ended.err
        );
    }
    assert!(
        ended.err.contains("SIGNET_NONSENSE: there is no such key"),
        "{}",
        ended.err
    );
    // Had it come as far as the listener, it would have found the port taken.
    assert!(!ended.err.contains("can't listen"), "{}", ended.err);
    assert_eq!(fs::read_dir(signet.folder()).unwrap().count(), 0);
}

#[test]
fn out_there_everything_that_protects_must_be_set() {
    for signet in [
        Signet::new().with("PORT", "8080"),
        Signet::new().with("SIGNET_LISTEN", "0.0.0.0:8080"),
        Signet::new().with("SIGNET_PUBLIC_URL", "http://auth.example.com"),
        Signet::new().with("SIGNET_LISTEN", "[::]:8080"),
    ] {
        let ended = signet.run(&[]);
        assert_eq!(ended.code, 2);
        for key in ["public_url", "master_key", "smtp_url"] {
            assert!(
                ended.err.contains(&format!("\n  {key}")),
                "{key}: {}",
                ended.err
            );
        }
        assert!(
            ended.err.contains("this is not local mode: "),
            "{}",
            ended.err
        );
    }
    let complete = Signet::new()
        .with("PORT", "8080")
        .with("SIGNET_PUBLIC_URL", "https://auth.example.com")
        .with("SIGNET_MASTER_KEY", KEY)
        .with("SIGNET_SMTP_URL", "smtps://u:p@mail.example.com");
    let ended = complete.run(&["config", "check"]);
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (0, "the configuration is good\n")
    );
}

#[test]
fn sessions_on_redis_need_one() {
    let on_redis = || Signet::new().with("SIGNET_SESSIONS__STORE", "redis");
    let ended = on_redis().run(&["config", "check"]);
    let told = "sessions.store (SIGNET_SESSIONS__STORE): is redis, and there is none";
    assert!(ended.out.contains(told), "{}", ended.out);
    assert!(ended.out.contains("set redis_url"), "{}", ended.out);
    let ended = on_redis()
        .with("SIGNET_REDIS_URL", "redis://localhost")
        .run(&["config", "check"]);
    assert_eq!(ended.code, 0, "{}", ended.out);
}

#[test]
fn links_of_production_are_https_and_a_port_must_be_one() {
    let production = || {
        Signet::new()
            .with("SIGNET_PUBLIC_URL", "https://auth.example.com")
            .with("SIGNET_MASTER_KEY", KEY)
            .with("SIGNET_SMTP_URL", "smtps://u:p@mail.example.com")
    };
    let ended = production()
        .with("SIGNET_LINKS__RESET", "http://app.example.com/reset")
        .run(&["config", "check"]);
    assert!(
        ended
            .out
            .contains("links.reset (SIGNET_LINKS__RESET): is not https"),
        "{}",
        ended.out
    );
    for port in ["", "0", "65536", "http"] {
        let ended = production().with("PORT", port).run(&["config", "check"]);
        assert!(
            ended.out.contains("listen: follows from PORT"),
            "{port}: {}",
            ended.out
        );
    }
}

#[test]
fn what_kubernetes_injects_is_ignored() {
    let signet = Signet::new()
        .with("SIGNET_PORT", "tcp://10.0.0.1:8080")
        .with("SIGNET_PORT_8080_TCP_ADDR", "10.0.0.1")
        .with("SIGNET_SERVICE_HOST", "10.0.0.1")
        .with("SIGNET_SERVICE_PORT_HTTP", "8080");
    assert_eq!(signet.run(&["config", "check"]).code, 0);
}

#[test]
fn unknown_names_are_faults_with_a_suggestion() {
    let signet = Signet::new().with("SIGNET_TOKENS_AUDIENCES", "a");
    fs::write(
        signet.folder().join("signet.toml"),
        "publicurl = \"http://localhost:8080\"\n[tokens]\naudience = [\"a\"]\n[nonsense]\nx = 1\n",
    )
    .unwrap();
    let out = signet.run(&["config", "check"]).out;
    for told in [
        "publicurl (signet.toml:1): there is no such key\n      did you mean public_url?",
        "tokens.audience (signet.toml:3): there is no such key\n      did you mean tokens.audiences?",
        "nonsense.x (signet.toml:5): there is no such key",
        "SIGNET_TOKENS_AUDIENCES: there is no such key\n      did you mean SIGNET_TOKENS__AUDIENCES?",
    ] {
        assert!(out.contains(told), "{told}\n{out}");
    }
}

#[test]
fn the_file_counts_less_than_variables_and_these_less_than_flags() {
    let signet = Signet::new()
        .with("SIGNET_REFRESH__IDLE_DAYS", "3")
        .with("SIGNET_REFRESH__ABSOLUTE_DAYS", "5");
    fs::write(
        signet.folder().join("signet.toml"),
        "[refresh]\ngrace_seconds = 1\nidle_days = 1\nabsolute_days = 1\n",
    )
    .unwrap();
    let out = signet
        .run(&["config", "print", "--refresh-absolute-days", "7"])
        .out;
    for line in [
        "grace_seconds = 1  # signet.toml:2",
        "idle_days = 3  # SIGNET_REFRESH__IDLE_DAYS",
        "absolute_days = 7  # --refresh-absolute-days",
    ] {
        assert!(out.contains(line), "{line}\n{out}");
    }
}

#[test]
fn what_was_understood_is_printed_beside_the_faults() {
    let ended = Signet::new()
        .with("SIGNET_REFRESH__GRACE_SECONDS", "61")
        .with("SIGNET_REFRESH__IDLE_DAYS", "3")
        .run(&["config", "print"]);
    assert_eq!(ended.code, 2);
    assert!(ended.out.contains("idle_days = 3"), "{}", ended.out);
    assert!(ended.err.contains("refresh.grace_seconds"), "{}", ended.err);
}

#[test]
fn broken_files_are_faults_with_their_lines() {
    let signet = Signet::new();
    let path = signet.folder().join("other.toml");
    fs::write(&path, "listen = \n[tokens\nlimits = 3\n").unwrap();
    let ended = signet.run(&["config", "check", "--config", "other.toml"]);
    assert_eq!(ended.code, 1);
    assert!(
        ended.out.contains("not TOML (other.toml:1)"),
        "{}",
        ended.out
    );
    assert!(
        ended.out.contains("not TOML (other.toml:2)"),
        "{}",
        ended.out
    );
    fs::write(&path, b"\xff").unwrap();
    assert_eq!(
        signet
            .run(&["config", "check", "--config", "other.toml"])
            .code,
        1
    );
    assert_eq!(
        signet
            .run(&["config", "check", "--config", "missing.toml"])
            .code,
        1
    );
    assert_eq!(signet.run(&["--config", "missing.toml"]).code, 2);
}

#[test]
fn types_of_the_file_are_not_guessed() {
    let signet = Signet::new();
    fs::write(
        signet.folder().join("signet.toml"),
        "listen = 8080\n[tokens]\naudiences = \"a\"\nclients = [1]\naccess_seconds = \"300\"\n\
         [limits]\nscale = 1.5\n[log]\nlevel = true\nformat = { a = 1 }\n",
    )
    .unwrap();
    let out = signet.run(&["config", "check"]).out;
    for key in [
        "listen",
        "tokens.audiences",
        "tokens.clients",
        "tokens.access_seconds",
        "limits.scale",
        "log.level",
        "log.format",
    ] {
        assert!(
            out.contains(&format!("\n  {key} (signet.toml:")),
            "{key}\n{out}"
        );
    }
}

#[test]
fn secrets_are_never_printed_nor_read_from_open_files() {
    let signet = Signet::new()
        .with("SIGNET_MASTER_KEY", KEY)
        .with("SIGNET_SMTP_URL", "smtps://u:hunter2@mail.example.com");
    for arguments in [&["config", "print"][..], &["config", "print", "--json"]] {
        let out = signet.run(arguments).out;
        assert!(!out.contains(KEY) && !out.contains("hunter2"), "{out}");
    }
    let signet = Signet::new();
    let path = signet.folder().join("signet.toml");
    fs::write(&path, format!("master_key = \"{KEY}\"\n")).unwrap();
    for (mode, code) in [(0o644, 1), (0o640, 1), (0o600, 0)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let ended = signet.run(&["config", "check"]);
        assert_eq!(ended.code, code, "{mode:o}: {}", ended.out);
        assert!(!ended.out.contains(KEY), "{}", ended.out);
    }
}

#[test]
fn a_master_key_file_is_private_and_holds_one_key() {
    let signet = Signet::new().with("SIGNET_MASTER_KEY_FILE", "key");
    let path = signet.folder().join("key");
    for (content, mode, code) in [
        (format!("{KEY}\n"), 0o600, 0),
        (KEY.to_owned(), 0o400, 0),
        (format!("{KEY}\n"), 0o644, 1),
        (format!("{KEY}\n"), 0o640, 1),
        (format!("{KEY}\n\n"), 0o600, 1),
        (format!("{KEY} "), 0o600, 1),
        (String::new(), 0o600, 1),
        ("x".repeat(100_000), 0o600, 1),
    ] {
        let _there_may_be_none = fs::remove_file(&path);
        fs::write(&path, &content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let ended = signet.run(&["config", "check"]);
        assert_eq!(ended.code, code, "{mode:o}: {}", ended.out);
    }
    fs::write(&path, KEY).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let both = signet
        .with("SIGNET_MASTER_KEY", KEY)
        .run(&["config", "check"]);
    assert!(
        both.out.contains("is set, and so is master_key"),
        "{}",
        both.out
    );
}

#[test]
fn the_reference_is_what_the_program_says() {
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/CONFIGURATION.md");
    let committed = fs::read_to_string(committed).unwrap();
    let said = Signet::new().run(&["config", "reference"]).out;
    assert!(
        committed == said,
        "docs/CONFIGURATION.md is out of date: cargo run -- config reference > docs/CONFIGURATION.md"
    );
}
