//! Every key refuses what it can't be. To add a key, give it a row in [`GARBAGE`]; the test that
//! counts them asks for it.

use std::fs;
use std::net::TcpListener;

use crate::harness::Signet;

/// For each variable, what it can't be. Every key has a row, or a test fails.
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
    ("SIGNET_PASSWORD__FLOOR_MS", &["", "249", "10001", "1s"]),
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
