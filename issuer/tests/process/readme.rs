//! What the README says of running Signet for others, done as it says it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::harness::Signet;

const README: &str = include_str!("../../../README.md");

/// The first block of a language behind a heading.
fn block(heading: &str, language: &str) -> &'static str {
    let section = README.split_once(heading).unwrap().1;
    let fence = format!("```{language}\n");
    let rest = section.split_once(&fence).unwrap().1;
    rest.split_once("```").unwrap().0
}

#[test]
fn the_production_example_is_a_good_configuration_once_it_is_private() {
    let signet = Signet::new();
    let folder = signet.folder();
    let here = |text: &str| {
        text.replace("/etc/signet", folder.to_str().unwrap())
            .replace("/var/lib/signet", folder.to_str().unwrap())
    };
    let heading = "\n## Run it for others\n";
    let make_key = here(block(heading, "sh"));
    let made = Command::new("sh").args(["-euc", &make_key]).status();
    assert!(made.expect("sh and openssl").success());
    let file = folder.join("signet.toml");
    fs::write(&file, here(block(heading, "toml"))).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let open = signet.run(&["config", "check"]);
    assert_eq!(open.code, 1, "{}", open.out);
    assert!(open.out.contains("chmod 600 signet.toml"), "{}", open.out);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let private = signet.run(&["config", "check"]);
    assert_eq!(private.out, "the configuration is good\n");
}
