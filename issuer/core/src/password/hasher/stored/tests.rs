//! The hashes of [`BATTERY`] were made by passlib 1.7.4 with argon2-cffi 25.1.0 and bcrypt 4.0.1;
//! `cargo xtask test interop` lets it make others.

use std::time::{Duration, Instant};

use super::*;

const BATTERY: &str = "correct horse battery staple";
const BCRYPT: &str = "abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG";

const OF_BATTERY: [&str; 5] = [
    "$argon2id$v=19$m=512,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg$\
     zLJG+dgNWKcL5eY3A22mBDDzFjmJ2ozTjz+6Xvs+srk",
    "$argon2i$v=19$m=512,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg$\
     zneyNgHZcE3rJ7yA+OFRZgdR9SFLBNzNUctgJhJsWio",
    "$argon2d$v=19$m=512,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg$\
     RiQO6lRCYBYj61KuTavKb1NzjUA7PdMbe1Jmu9ts7Tg",
    "$argon2i$v=16$m=512,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$\
     ZQPCtyrNEvuB+ZICC4Mqx4oZKhVnWAnEaicqq4rqc6o",
    "$pbkdf2-sha256$1000$.//.MzQ1Njc4OWFiY2RlZg$H3uCLmU1Z6.TrZd9FAkJ9lvIK8pPp7FAtTL45u9WAGM",
];

fn fault(text: &str) -> Option<HashFault> {
    Scheme::read(text).err()
}

#[test]
fn hashes_of_other_systems_are_held_against_their_passwords() {
    let without_version = OF_BATTERY[3].replace("$v=16", "");
    let of_bcrypt = ["2a", "2b", "2x", "2y"].map(|ident| format!("${ident}$04${BCRYPT}"));
    let texts = OF_BATTERY.map(str::to_owned);
    for text in texts.iter().chain(&of_bcrypt).chain([&without_version]) {
        let scheme = Scheme::read(text).unwrap();
        assert!(
            scheme.matches(&mut Memory::new(), BATTERY.as_bytes()),
            "{text}"
        );
        assert!(
            !scheme.matches(&mut Memory::new(), b"correct horse battery stable"),
            "{text}"
        );
        assert!(!scheme.matches(&mut Memory::new(), b""), "{text}");
    }
}

#[test]
fn bcrypt_never_truncates() {
    let of_72 = "$2b$04$abcdefghijklmnopqrstuuBzzIgyKkz7xMWYSzkIjUSnxEQFQ0WNe";
    let scheme = Scheme::read(of_72).unwrap();
    assert!(scheme.matches(&mut Memory::new(), &[b'a'; 72]));
    assert!(!scheme.matches(&mut Memory::new(), &[b'a'; 71]));
    assert!(!scheme.matches(&mut Memory::new(), &[b'a'; 73]));
    let wide = "é".repeat(36);
    let hash = bcrypt::hash_with_salt(&wide, 4, [7; 16])
        .unwrap()
        .to_string();
    let scheme = Scheme::read(&hash).unwrap();
    assert!(scheme.matches(&mut Memory::new(), wide.as_bytes()));
    assert!(!scheme.matches(&mut Memory::new(), format!("{wide}a").as_bytes()));
}

#[test]
fn bcrypt_takes_no_password_for_another_with_a_nul_in_it() {
    let hash = bcrypt::hash_with_salt("abc", 4, [7; 16])
        .unwrap()
        .to_string();
    assert!(
        bcrypt::verify("abc\0abc", &hash).unwrap(),
        "this is what is kept from happening"
    );
    let scheme = Scheme::read(&hash).unwrap();
    assert!(scheme.matches(&mut Memory::new(), b"abc"));
    assert!(!scheme.matches(&mut Memory::new(), b"abc\0abc"));
}

#[test]
fn what_asks_for_too_much_is_refused_at_once() {
    let tail = "c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let started = Instant::now();
    for parameters in [
        "m=4194304,t=2,p=1",
        "m=4294967295,t=4294967295,p=1",
        "m=64,t=4000000000,p=1",
        "m=64,t=17,p=1",
        "m=2048,t=2,p=255",
        "m=262145,t=1,p=1",
        "m=262144,t=5,p=1",
        "m=65537,t=16,p=4",
    ] {
        for kind in ["argon2id", "argon2i", "argon2d"] {
            let text = format!("${kind}$v=19${parameters}${tail}");
            assert_eq!(fault(&text), Some(HashFault::TooCostly), "{text}");
        }
    }
    for cost in ["17", "31"] {
        let text = format!("$2b${cost}${BCRYPT}");
        assert_eq!(fault(&text), Some(HashFault::TooCostly), "{text}");
    }
    let checksum = "A".repeat(43);
    for rounds in [
        "1000001",
        "4294967295",
        "4294967296",
        "99999999999999999999999",
    ] {
        let text = format!("$pbkdf2-sha256${rounds}$c2FsdA${checksum}");
        assert_eq!(fault(&text), Some(HashFault::TooCostly), "{text}");
    }
    // Any one of the largest computed would take longer, and a busy machine alone does not.
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn the_bounds_themselves_are_within() {
    let tail = "c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let checksum = "A".repeat(43);
    for text in [
        format!("$argon2id$v=19$m=262144,t=4,p=16${tail}"),
        format!("$argon2id$v=19$m=65536,t=16,p=1${tail}"),
        format!("$2b$16${BCRYPT}"),
        format!("$pbkdf2-sha256$1000000$c2FsdA${checksum}"),
    ] {
        assert_eq!(fault(&text), None, "{text}");
    }
}

#[test]
fn what_is_no_hash_is_unreadable() {
    let checksum = "A".repeat(43);
    let (salt, long) = ("A".repeat(1_400), "A".repeat(100_000));
    for text in [
        String::new(),
        "none".to_owned(),
        "!".to_owned(),
        "correct horse battery staple".to_owned(),
        "5f4dcc3b5aa765d61d8327deb882cf99".to_owned(),
        "$argon2id$".to_owned(),
        "$argon2id$v=19$m=512,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg".to_owned(),
        "$argon2id$v=20$m=512,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        "$argon2x$v=19$m=512,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        "$2b$99$x".to_owned(),
        format!("$2$04${BCRYPT}"),
        format!("$2b$03${BCRYPT}"),
        format!("$2b$4${BCRYPT}"),
        format!("$2b$04${BCRYPT}x"),
        format!("$2b$04${}", BCRYPT.replace('a', "é")),
        format!("$pbkdf2-sha256$0$c2FsdA${checksum}"),
        format!("$pbkdf2-sha256$-1$c2FsdA${checksum}"),
        format!("$pbkdf2-sha256$01000$c2FsdA${checksum}"),
        format!("$pbkdf2-sha256$1000$c2Fs+A${checksum}"),
        format!("$pbkdf2-sha256$1000$c2FsdA==${checksum}"),
        format!("$pbkdf2-sha256$1000$c2FsdA${checksum}A"),
        format!("$pbkdf2-sha256$1000$c2FsdA${checksum}$x"),
        "$pbkdf2-sha256$1000$c2FsdA".to_owned(),
        format!("$pbkdf2-sha256$1000${salt}${checksum}"),
        format!("$pbkdf2-sha512$1000$c2FsdA${checksum}"),
        format!("$argon2id$v=19$m=512,t=2,p=1${long}$AAAA"),
        format!("$pbkdf2-sha256$1000${long}${checksum}"),
        "$argon2id$\0".to_owned(),
        "\u{1F600}".repeat(100),
    ] {
        let shown: String = text.chars().take(60).collect();
        assert_eq!(fault(&text), Some(HashFault::Unreadable), "{shown}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_upsets_the_reader(text in "(\\$(argon2(id|i|d)|2[abxy]|pbkdf2-sha256))?[$=,0-9a-zA-Zv./+ é]{0,90}") {
        let _a_scheme_or_a_fault = Scheme::read(&text);
    }
}
