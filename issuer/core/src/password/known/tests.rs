use super::*;

/// The SHA-256 of `built_in.bin`, which `cargo xtask passwords` prints when it makes it.
const BUILT_IN_DIGEST: &str = "a5098a39cea7f1635362e6159ba0eea2b153e41d7c446d0345ce45c9a76438cd";

fn key(number: u64) -> Key {
    Key::of(&format!("no password {number}"))
}

/// A list of the keys below `count`.
fn list(bits: u32, count: u64) -> Vec<u8> {
    let mut shards = vec![Vec::new(); 1 << bits];
    for number in 0..count {
        let key = key(number);
        shards[key.shard(bits)].push(key);
        shards[key.shard(bits)].push(key);
    }
    let mut file = head(bits);
    for keys in shards {
        file.extend(shard(keys).unwrap().0);
    }
    let digest = Sha256::digest(&file);
    [file.as_slice(), &digest].concat()
}

#[test]
fn the_built_in_list_is_the_one_that_was_made() {
    let bytes = include_bytes!("built_in.bin");
    let digest = Sha256::digest(bytes);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, BUILT_IN_DIGEST);
    assert_eq!(KnownPasswords::built_in().len(), 474_743);
    for known in [
        "password1",
        "PASSWORD1",
        "qwertyuiop",
        "1q2w3e4r5t6y",
        "Spongebob1",
    ] {
        assert!(KnownPasswords::built_in().contains(known), "{known}");
    }
}

#[test]
fn one_of_thirty_thousand_good_passwords_is_refused_by_mistake() {
    let list = KnownPasswords::built_in();
    let wrong = (0..1_000_000).filter(|number| list.has(key(*number)));
    // 15 are expected; more than 35 come once in a hundred thousand runs of other numbers.
    let wrong = wrong.count();
    assert!(wrong <= 35, "{wrong} of a million");
}

#[test]
fn a_list_of_any_size_holds_what_was_put_into_it() {
    for (bits, count) in (0..60)
        .map(|count| (0, count))
        .chain([(3, 5_000), (8, 20_000)])
    {
        let list = KnownPasswords::read(&list(bits, count)).unwrap();
        assert_eq!(list.len(), count);
        assert!((0..count).all(|number| list.has(key(number))), "{count}");
        assert!(
            !list.has(key(1_000_000)) && !list.has(key(1_000_001)),
            "{count}"
        );
    }
    assert_eq!([0, 1 << 20, 1_100_000, 1 << 40].map(bits_for), [0, 0, 1, 8]);
}

#[test]
fn a_list_that_is_not_whole_is_none() {
    let whole = list(2, 40);
    KnownPasswords::read(&whole).unwrap();
    for length in 0..whole.len() {
        assert!(KnownPasswords::read(&whole[..length]).is_err(), "{length}");
    }
    for place in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        assert!(KnownPasswords::read(&changed).is_err(), "{place}");
    }
    let foreign = KnownPasswords::read(b"password\n123456\n").unwrap_err();
    assert_eq!(foreign, KnownPasswordsError::Foreign);
}

#[test]
fn numbers_that_do_not_fit_are_no_list_even_where_the_digest_is_right() {
    let whole = list(0, 40);
    let (body, _) = whole.split_at(whole.len() - 32);
    // The bits, the number of fingerprints, the length of a segment, and that of all of them.
    for place in [16, 17, 24, 26, 36, 37, 38, 40, 42] {
        let mut body = body.to_vec();
        body[place] ^= 0x40;
        let digest = Sha256::digest(&body);
        let changed = [body.as_slice(), &digest].concat();
        let read = KnownPasswords::read(&changed);
        assert_eq!(read.unwrap_err(), KnownPasswordsError::Damaged, "{place}");
    }
}
