//! The picture of a token's life says what is configured.

use super::harness::Signet;

/// What the picture says to the eye: its texts, without their markup.
fn words(picture: &str) -> Vec<String> {
    let texts = picture.split("<text ").skip(1);
    let texts = texts.map(|text| text.split("</text>").next().unwrap());
    texts
        .map(|text| text.split('<').map(behind_the_tag).collect())
        .collect()
}

fn behind_the_tag(piece: &str) -> &str {
    piece.rsplit('>').next().unwrap()
}

fn drawn(settings: &[(&str, &str)]) -> String {
    let with = |signet: Signet, (name, value): &(&str, &str)| signet.with(name, value);
    let ended = settings
        .iter()
        .fold(Signet::new(), with)
        .run(&["config", "picture"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    ended.out
}

#[test]
fn the_committed_picture_is_that_of_the_defaults() {
    let committed = include_str!("../../../docs/token-life.svg");
    assert!(
        committed == drawn(&[]),
        "docs/token-life.svg is out of date: cargo xtask picture"
    );
}

#[test]
fn its_numbers_follow_the_configuration() {
    let picture = drawn(&[
        ("SIGNET_TOKENS__ACCESS_SECONDS", "600"),
        ("SIGNET_REFRESH__GRACE_SECONDS", "45"),
        ("SIGNET_REFRESH__IDLE_DAYS", "1"),
        ("SIGNET_REFRESH__ABSOLUTE_DAYS", "90"),
    ]);
    let words = words(&picture);
    for told in [
        "good for 10 min at most,",
        "and 9 min 30 s at least",
        "for 45 s it is answered once more,",
        "1 day without a refresh",
        "90 days after the login, whatever happens",
        "13 min, until no token is left",
        "13 min",
    ] {
        assert!(words.iter().any(|text| text == told), "{told}: {words:#?}");
    }
    // Whoever has it read aloud is told the same.
    let about = picture.split_once("<desc").unwrap().1;
    let about = about.split_once("</desc>").unwrap().0;
    for told in ["10 min", "9 min 30 s", "45 s", "1 day", "90 days", "13 min"] {
        assert!(about.contains(told), "{told}: {about}");
    }
}

#[test]
fn without_a_grace_none_is_drawn() {
    let picture = drawn(&[("SIGNET_REFRESH__GRACE_SECONDS", "0")]);
    assert!(words(&picture).contains(&"a second time is a replay".to_owned()));
    assert!(!picture.contains("refresh hatched"));
    assert!(drawn(&[]).contains("refresh hatched"));
}

#[test]
fn what_has_a_fault_has_no_picture() {
    let signet = Signet::new().with("SIGNET_TOKENS__ACCESS_SECONDS", "soon");
    let ended = signet.run(&["config", "picture"]);
    assert_eq!((ended.code, ended.out.as_str()), (2, ""));
    assert!(ended.err.contains("tokens.access_seconds"), "{}", ended.err);
}
