//! What is wrong with a configuration is told, all of it, before anything starts. What no key
//! can be stands in [`garbage`].

mod garbage;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::harness::Signet;

const KEY: &str = "jzpb4ZB80kRm-x4Nk6hcd9Eu8EtqWYPC7hcPmrHE1lU";

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
    let signet = Signet::new()
        .with("SIGNET_TOKENS_AUDIENCES", "a")
        .with("SIGNET_FOO", "a");
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
        "SIGNET_FOO: there is no such key\n      docs/CONFIGURATION.md lists them all",
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
