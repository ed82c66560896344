//! `signet passwords build`: lists of passwords that attackers know, and what they refuse.

use std::fs;

use serde_json::{Value, json};

use super::harness::{Ended, PASSWORD, Signet};

/// Makes an account where a list of passwords is refused.
fn create_with_list(signet: &Signet, list: &str, password: &str) -> Ended {
    let create = [
        "user",
        "create",
        "--email",
        "ada@example.com",
        "--password-stdin",
        "--password-list",
        list,
    ];
    signet.run_with_input(&create, password.as_bytes())
}

#[test]
fn a_list_of_nothing_says_why_and_takes_away_nobody_s_folder() {
    let signet = Signet::new();
    let list = signet.folder().join("list.txt");
    let parts = signet.folder().join("known.bin.parts");
    let build = || signet.run(&["passwords", "build", "list.txt", "-o", "known.bin"]);
    fs::write(&list, "short\n1234567\n").unwrap();
    let short = build();
    assert_eq!(short.code, 1, "{}", short.out);
    let told = "none of the 2 lines in list.txt is taken: 2 are shorter than --shortest 8";
    assert!(short.err.contains(told), "{}", short.err);
    fs::write(&list, "").unwrap();
    assert!(build().err.contains("there is no password in list.txt"));

    fs::write(&list, "purple monkey dishwasher\n").unwrap();
    fs::create_dir(&parts).unwrap();
    fs::write(parts.join("letter.txt"), "to my grandmother").unwrap();
    let ended = build();
    assert_eq!(ended.code, 1, "{}", ended.out);
    assert!(ended.err.contains("move it away"), "{}", ended.err);
    assert!(parts.join("letter.txt").exists());

    fs::rename(parts.join("letter.txt"), parts.join("255")).unwrap();
    let over = build();
    assert_eq!(over.code, 0, "what a killed run left: {}", over.err);
    assert!(!parts.exists());
}

#[test]
fn a_list_that_was_built_is_held_against_new_passwords() {
    let signet = Signet::new();
    let list = "Purple Monkey Dishwasher\nshort\npurple monkey dishwasher\n";
    fs::write(signet.folder().join("list.txt"), list).unwrap();
    let built = signet.run(&["passwords", "build", "list.txt", "-o", "known.bin"]);
    assert_eq!(built.code, 0, "{}", built.err);
    assert!(
        built.out.contains("of passwords: 1 different ones"),
        "{}",
        built.out
    );
    let names: Vec<_> = fs::read_dir(signet.folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 2, "nothing is left behind: {names:?}");
    let create = |list: &str, password: &str| create_with_list(&signet, list, password);
    let refused = create("known.bin", "purple MONKEY dishwasher");
    assert_eq!(refused.code, 1, "{}", refused.err);
    assert!(
        refused.err.contains("common or was leaked"),
        "{}",
        refused.err
    );
    let faulty = create("list.txt", PASSWORD);
    assert_eq!(faulty.code, 2);
    assert!(
        faulty.err.contains("signet passwords build"),
        "{}",
        faulty.err
    );
    assert_eq!(create("known.bin", PASSWORD).code, 0);
    let nothing = signet.run(&[
        "passwords",
        "build",
        "list.txt",
        "-o",
        "none.bin",
        "--shortest",
        "50",
    ]);
    assert_eq!(nothing.code, 1);
    assert!(!signet.folder().join("none.bin").exists());
}

#[test]
fn hashes_of_a_breach_are_held_against_new_passwords_as_they_are_typed() {
    let signet = Signet::new();
    // SHA-1 of "Purple Monkey Dishwasher", and of something that was seen less often.
    let list = "B74681A5286DE37A7C2B1676CB52B79B6959875D:17\r\n\
                70CCD9007338D6D81DD3B6271621B9CF9A97EA00:2\r\n";
    let build = [
        "passwords",
        "build",
        "-",
        "-o",
        "known.bin",
        "--seen",
        "10",
        "--json",
    ];
    let built = signet.run_with_input(&build, list.as_bytes());
    assert_eq!(built.code, 0, "{}", built.err);
    let built: Value = serde_json::from_str(&built.out).unwrap();
    assert_eq!(
        (&built["passwords"], &built["left_out"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(built["read_as"], "SHA-1 hashes");
    for (password, code) in [
        ("Purple Monkey Dishwasher", 1),
        ("purple monkey dishwasher", 0),
    ] {
        let created = create_with_list(&signet, "known.bin", password);
        assert_eq!(created.code, code, "{password}: {}", created.err);
    }
}
