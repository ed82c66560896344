//! Targets and policies: nothing panics, and what is read once reads as the same again.

use proptest::collection::vec;
use proptest::prelude::*;
use signet_verifier::policy::{Condition, Facts, Method, Pattern, Policy, TargetPath, Verdict};
use signet_verifier::time::UnixTime;

use crate::inputs;

const POLICY: &str = "version=1\nissuer='i'\naudience=['a']\n[roles]\nx=['y:z']\n[[rule]]\nid='r'\n\
                      methods=['GET']\npath='/a/{b}/{*c}'\nallow={any=[{subject='{b}'},{not={role='q'}},\
                      {fresh_within='5m'}]}\n[[rule]]\nid='s'\npath='/'\nallow='anyone'\n";

/// Bytes of which paths are made, and others.
fn target() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        8 => prop::sample::select(&b"/aAz09.-_~%2fF5cC3eE;:@!"[..]),
        1 => any::<u8>(),
    ];
    vec(byte, 0..24).prop_map(|rest| [b"/", &rest[..]].concat())
}

fn condition() -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![
        Just(Condition::Role("held".into())),
        Just(Condition::Role("other".into())),
        (0..8_u64).prop_map(Condition::FreshWithin),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 1..4).prop_map(Condition::All),
            vec(inner.clone(), 1..4).prop_map(Condition::Any),
            inner.prop_map(|part| Condition::Not(Box::new(part))),
        ]
    })
}

/// The verdict if the password was proven `age` seconds ago.
fn verdict(condition: &Condition, age: Option<u64>) -> Verdict {
    let pattern = Pattern::parse("/").unwrap();
    let path = TargetPath::parse(b"/").unwrap();
    let now = UnixTime::from_secs(1_800_000_000);
    condition.verdict(&Facts {
        subject: "u",
        roles: &["held".into()],
        permissions: &[],
        authenticated_at: age.map(|age| now.saturating_sub(age)),
        now,
        pattern: &pattern,
        path: &path,
    })
}

proptest! {
    #![proptest_config(inputs(4_000))]

    #[test]
    fn a_path_in_its_one_spelling_stays_as_it_is(target in target()) {
        if let Ok(path) = TargetPath::parse(&target) {
            let again = TargetPath::parse(path.as_str().as_bytes());
            prop_assert_eq!(again.as_ref(), Ok(&path));
        }
    }

    #[test]
    fn a_literal_pattern_matches_its_own_path_only(target in target(), other in target()) {
        let (Ok(path), Ok(other)) = (TargetPath::parse(&target), TargetPath::parse(&other)) else {
            return Ok(());
        };
        let json = format!(
            r#"{{"version":1,"issuer":"i","audience":["a"],"rule":[{{"id":"r","path":"{}","allow":"anyone"}}]}}"#,
            path.as_str()
        );
        let policy = Policy::from_json(json.as_bytes()).unwrap();
        let get = Method::parse(b"GET").unwrap();
        // A pattern means what its text says when it is read further.
        let own = path.read_further().unwrap_or_else(|| path.clone());
        prop_assert!(policy.rule(&own, get).is_some());
        prop_assert!(own.read_further().is_none());
        prop_assert_eq!(policy.rule(&other, get).is_some(), other == own);
    }

    #[test]
    fn an_edited_policy_is_read_without_panic_and_survives_writing(
        at in any::<prop::sample::Index>(),
        text in "[a-z0-9{}\\[\\]='\"/.*\n -]{0,4}",
        gone in 0..4_usize,
    ) {
        let start = at.index(POLICY.len());
        let end = POLICY.len().min(start + gone);
        let edited = [&POLICY[..start], &text, &POLICY[end..]].concat();
        match Policy::from_toml(&edited) {
            Err(faults) => prop_assert!(!faults.is_empty()),
            Ok(policy) => {
                let json = policy.to_json();
                let again = Policy::from_json(json.as_bytes()).unwrap();
                prop_assert_eq!(again.rules(), policy.rules());
                prop_assert_eq!(again.to_json(), json);
            }
        }
    }

    #[test]
    fn the_age_asked_for_is_the_greatest_up_to_which_the_condition_holds(
        condition in condition(),
        age in prop::option::of(0..12_u64),
    ) {
        let holds = |age| verdict(&condition, age) == Verdict::Allow;
        match verdict(&condition, age) {
            Verdict::Allow => {}
            Verdict::Deny => prop_assert!(!holds(Some(0))),
            Verdict::Reauthenticate { max_age } => {
                prop_assert!((0..=max_age).all(|age| holds(Some(age))));
                prop_assert!(!holds(Some(max_age + 1)));
            }
        }
    }
}
