//! Key sets: which keys are kept doesn't depend on how the text is laid out, and no set but one
//! that holds a token's key lets the token in.

use std::sync::LazyLock;

use allocation_counter::measure;
use serde::de::IgnoredAny;
use serde_json::Value;
use signet_verifier::keyset::{KeySetError, LeftOutKey, LoadedKeySet};
use signet_verifier::time::UnixTime;
use signet_verifier::{KeyId, KeySet, Verifier};

use crate::jws::Key;
use crate::{Target, vectors};

/// Key sets.
pub const TARGET: Target = Target {
    name: "key_set",
    longest: 66_000,
    words: &[],
    check,
    seeds,
};

/// The most keys of a set.
const MOST_KEYS: usize = 32;
/// The key of `vectors/tokens`, which is in many of the sets as well.
const MAIN: Key = Key {
    kid: "main",
    seed: 1,
};

static X: LazyLock<String> = LazyLock::new(|| MAIN.x());
static TOKEN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let header = br#"{"alg":"EdDSA","kid":"main","typ":"at+jwt"}"#;
    let claims = br#"{"iss":"i","aud":"a","exp":1800000300,"iat":1800000000,"sub":"u","jti":"t","sid":"s","client_id":"c"}"#;
    MAIN.sign(header, claims)
});

fn check(input: &[u8]) {
    let mut loaded = Err(KeySetError::Empty);
    let taken = measure(|| loaded = KeySet::from_jwks(input));
    // A member of an object is two slices and a name, and may be written in six bytes.
    let most_memory = 64 * 1_024 + 32 * u64::try_from(input.len()).unwrap();
    assert!(taken.bytes_max < most_memory, "{taken:?}");
    assert_eq!(seen(&KeySet::from_jwks(input)), seen(&loaded));
    if let Ok(loaded) = loaded {
        counts_every_entry(&loaded);
        is_json(input);
        lets_in_only_what_it_holds_the_key_of(&loaded.key_set, input);
        means_the_same_laid_out_otherwise(&loaded, input);
    }
}

type Seen<'a> = Result<(Vec<&'a str>, &'a [LeftOutKey]), KeySetError>;

/// What two answers are compared by.
fn seen(loaded: &Result<LoadedKeySet, KeySetError>) -> Seen<'_> {
    let loaded = loaded.as_ref().map_err(|error| *error)?;
    Ok((loaded.key_set.key_ids().collect(), &loaded.left_out))
}

fn counts_every_entry(loaded: &LoadedKeySet) {
    let mut kids: Vec<&str> = loaded.key_set.key_ids().collect();
    let all = kids.len() + loaded.left_out.len();
    assert!((1..=MOST_KEYS).contains(&all));
    assert_eq!(loaded.key_set.is_empty(), kids.is_empty());
    assert!(loaded.left_out.iter().all(|key| key.position < all));
    assert!(kids.iter().all(|kid| KeyId::parse(kid).is_some()));
    kids.sort_unstable();
    assert!(kids.is_sorted_by(|one, next| one < next), "{kids:?}");
}

fn is_json(input: &[u8]) {
    let read = serde_json::from_slice::<IgnoredAny>(input);
    assert!(read.is_ok(), "kept keys of what isn't JSON");
}

fn lets_in_only_what_it_holds_the_key_of(key_set: &KeySet, input: &[u8]) {
    let verifier = Verifier::new("i", ["a"]);
    let now = UnixTime::from_secs(1_800_000_000);
    if verifier.verify(&TOKEN, key_set, now).is_ok() {
        assert!(key_set.key_ids().any(|kid| kid == MAIN.kid));
        // Escapes could hide the key, so it is looked for in what another reader makes of it.
        let read: Value = serde_json::from_slice(input).expect("a small set has no huge numbers");
        let keys = read["keys"].as_array().unwrap();
        assert!(keys.iter().any(|key| key["x"] == X.as_str()));
    }
}

/// serde_json has no room for some numbers; sets with such are only read by us.
fn means_the_same_laid_out_otherwise(loaded: &LoadedKeySet, input: &[u8]) {
    let Ok(read) = serde_json::from_slice::<Value>(input) else {
        return;
    };
    for text in [
        serde_json::to_string(&read).unwrap(),
        serde_json::to_string_pretty(&read).unwrap(),
    ] {
        match KeySet::from_jwks(text.as_bytes()) {
            Err(KeySetError::TooLarge) => {}
            again => {
                let first = (
                    loaded.key_set.key_ids().collect(),
                    loaded.left_out.as_slice(),
                );
                assert_eq!(seen(&again), Ok(first));
            }
        }
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let file = vectors::file("key-sets.json");
    let sets = vectors::cases(&file).iter();
    let mut seeds: Vec<Vec<u8>> = sets.map(|case| vectors::bytes(&case["jwks"])).collect();
    for file in vectors::files("tokens") {
        let sets = file["key_sets"].as_object().unwrap().values();
        seeds.extend(sets.map(vectors::bytes));
    }
    seeds
}
