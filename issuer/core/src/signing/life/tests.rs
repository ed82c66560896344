use super::*;
use crate::audit::Action;
use crate::secret::OperatingSystem;
use crate::signing::keyring::{initial_keys, new_signing_key};
use crate::signing::seal::MasterKey;
use crate::signing::{KeyStock, RefusalPeriod, RemovedKey};

const START: u64 = 1_000_000;

fn at(seconds: u64) -> UnixTime {
    UnixTime::from_secs(START.saturating_add(seconds))
}

fn master() -> MasterKeys {
    MasterKeys::new(MasterKey::new(SecretBytes::new([9; 32])), None)
}

fn times() -> KeyTimes {
    KeyTimes::new(300, &RefreshPolicy::default())
}

/// What a store holds after its first start.
fn fresh() -> KeyStock {
    let initial = initial_keys(at(0), &master(), &OperatingSystem).unwrap();
    KeyStock {
        keys: StoredKeys {
            incarnation: initial.incarnation,
            version: 1,
            signing: vec![initial.signing],
            mac: vec![initial.mac],
            secrets: initial.secrets,
        },
        removed: Vec::new(),
        refused: Vec::new(),
    }
}

fn plan(stock: &KeyStock, wish: Wish<'_>, now: UnixTime) -> Result<Plan, KeyChangeError> {
    let master_keys = master();
    let change = KeyChange {
        wish,
        times: times(),
        master_keys: &master_keys,
        randomness: &OperatingSystem,
    };
    change.plan(stock, now)
}

/// Does what a store does with a plan.
fn carry_out(stock: &mut KeyStock, plan: Plan, now: UnixTime) {
    for step in plan.steps {
        let signing = &mut stock.keys.signing;
        match step {
            Step::Retire(kid) => {
                let key = signing.iter_mut().find(|key| key.kid == kid).unwrap();
                (key.state, key.retired_at) = (KeyState::Retired, Some(now));
            }
            Step::Promote(kid) => {
                assert!(signing.iter().all(|key| key.state != KeyState::Active));
                let key = signing.iter_mut().find(|key| key.kid == kid).unwrap();
                (key.state, key.activated_at) = (KeyState::Active, Some(now));
            }
            Step::Publish(key) => {
                assert!(signing.iter().all(|other| other.state != key.state));
                signing.push(key);
            }
            Step::Remove(kid) => {
                let place = signing.iter().position(|key| key.kid == kid).unwrap();
                let key = signing.remove(place);
                stock.removed.push(RemovedKey {
                    kid: key.kid,
                    created_at: key.created_at,
                    activated_at: key.activated_at,
                    retired_at: key.retired_at,
                    removed_at: now,
                });
            }
            Step::Refuse(kid, refused_until) => stock.refused.push(RefusalPeriod {
                kid,
                refused_at: now,
                refused_until,
            }),
            Step::AddMac(key) => stock.keys.mac.insert(0, key),
            Step::RemoveMac(id) => stock.keys.mac.retain(|key| key.id != id),
        }
    }
}

fn done(stock: &mut KeyStock, wish: Wish<'_>, now: UnixTime) -> Vec<Action> {
    let plan = plan(stock, wish, now).unwrap();
    let actions = plan.records.iter().map(|(action, _)| *action).collect();
    carry_out(stock, plan, now);
    actions
}

fn kids(stock: &KeyStock) -> (String, String) {
    let (active, next) = (stock.keys.active().unwrap(), stock.keys.next().unwrap());
    (active.kid.clone(), next.kid.clone())
}

#[test]
fn a_key_is_published_signs_rests_and_goes() {
    let times = times();
    let mut stock = fresh();
    assert_eq!(
        done(&mut stock, Wish::Upkeep, at(0)),
        [Action::KeyPublished]
    );
    let (first, second) = kids(&stock);
    assert!(!times.asks(&stock.keys, at(times.signs - 1)));

    let now = times.signs;
    assert!(times.asks(&stock.keys, at(now)));
    let records = done(&mut stock, Wish::Upkeep, at(now));
    assert_eq!(
        records,
        [
            Action::KeyRotated,
            Action::KeyPublished,
            Action::MacKeyAdded
        ]
    );
    let (active, third) = kids(&stock);
    assert_eq!(active, second);
    assert!(stock.keys.signing.iter().any(|key| key.kid == first));

    // It stays for as long as a token that it signed, and then some.
    let now = now + times.outlives;
    assert!(!times.asks(&stock.keys, at(now - 1)));
    assert_eq!(
        done(&mut stock, Wish::Upkeep, at(now)),
        [Action::KeyRemoved]
    );
    assert_eq!(stock.removed[0].kid, first);
    assert_eq!(kids(&stock), (second, third));
}

#[test]
fn a_store_that_nobody_ran_for_long_does_not_sign_with_a_key_that_nobody_knows() {
    let times = times();
    let mut stock = fresh();
    let late = 3 * times.signs;
    let records = done(&mut stock, Wish::Upkeep, at(late));
    assert_eq!(records, [Action::KeyPublished, Action::MacKeyAdded]);
    assert!(
        plan(&stock, Wish::Upkeep, at(late + times.published - 1))
            .unwrap()
            .is_empty()
    );
    let records = done(&mut stock, Wish::Upkeep, at(late + times.published));
    assert_eq!(records[0], Action::KeyRotated);
}

#[test]
fn a_clock_that_is_behind_does_nothing() {
    let mut stock = fresh();
    done(&mut stock, Wish::Upkeep, at(0));
    done(&mut stock, Wish::Upkeep, at(times().signs));
    assert!(!times().asks(&stock.keys, at(0)));
    assert!(!times().asks(&stock.keys, UnixTime::from_secs(0)));
    assert!(matches!(
        plan(&stock, Wish::Rotate, at(0)),
        Err(KeyChangeError::TooYoung { .. })
    ));
}

#[test]
fn a_command_rotates_what_verifiers_had_time_to_fetch() {
    let times = times();
    let mut stock = fresh();
    assert!(matches!(
        plan(&stock, Wish::Rotate, at(0)),
        Err(KeyChangeError::NoNext)
    ));
    done(&mut stock, Wish::Upkeep, at(0));
    let Err(KeyChangeError::TooYoung { signs_from, .. }) = plan(&stock, Wish::Rotate, at(899))
    else {
        panic!("a key that was published 899 seconds ago signs");
    };
    assert_eq!(signs_from, at(times.published));
    let (_, next) = kids(&stock);
    done(&mut stock, Wish::Rotate, signs_from);
    assert_eq!(kids(&stock).0, next);
    // Whoever comes second finds a key that is too young.
    assert!(plan(&stock, Wish::Rotate, signs_from).is_err());
}

#[test]
fn a_revoked_key_is_replaced_at_once_and_refused() {
    let mut stock = fresh();
    done(&mut stock, Wish::Upkeep, at(0));
    let (active, next) = kids(&stock);
    let now = Revocation::Now;
    let wish = Wish::Revoke {
        kid: &active,
        how: now,
    };
    let records = done(&mut stock, wish, at(1));
    assert_eq!(
        records,
        [Action::KeyRevoked, Action::KeyRotated, Action::KeyPublished]
    );
    let (signs, published) = kids(&stock);
    assert_eq!(signs, next);
    assert_eq!(stock.refused[0].kid, active);
    assert_eq!(stock.refused[0].refused_until, at(1 + REFUSED));
    assert!(matches!(
        plan(&stock, wish, at(2)),
        Err(KeyChangeError::Revoked(_))
    ));

    // The one that would sign next, and one that went long ago.
    let wish = Wish::Revoke {
        kid: &published,
        how: now,
    };
    done(&mut stock, wish, at(2));
    assert_eq!(kids(&stock).0, signs);
    assert_ne!(kids(&stock).1, published);
    done(&mut stock, Wish::Rotate, at(2 + times().published));
    let gone = at(2 + times().published + times().outlives);
    done(&mut stock, Wish::Upkeep, gone);
    let wish = Wish::Revoke {
        kid: &signs,
        how: now,
    };
    assert_eq!(done(&mut stock, wish, gone), [Action::KeyRevoked]);
    assert_eq!(stock.refused.len(), 3);
}

#[test]
fn the_only_key_can_be_revoked() {
    let mut stock = fresh();
    let kid = stock.keys.active().unwrap().kid.clone();
    let how = Revocation::Now;
    done(&mut stock, Wish::Revoke { kid: &kid, how }, at(1));
    assert_ne!(kids(&stock).0, kid);
    assert_eq!(stock.keys.signing.len(), 2);
}

#[test]
fn without_haste_nothing_that_was_signed_is_refused() {
    let mut stock = fresh();
    done(&mut stock, Wish::Upkeep, at(0));
    let (active, next) = kids(&stock);
    let how = Revocation::Orderly;
    let revoke = |kid| Wish::Revoke { kid, how };
    assert!(matches!(
        plan(&stock, revoke("nobody"), at(1)),
        Err(KeyChangeError::Unknown(_))
    ));
    assert!(matches!(
        plan(&stock, revoke(&active), at(1)),
        Err(KeyChangeError::TooYoung { .. })
    ));
    done(&mut stock, revoke(&next), at(1));
    assert!(matches!(
        plan(&stock, revoke(&next), at(1)),
        Err(KeyChangeError::Removed(_))
    ));
    done(&mut stock, revoke(&active), at(1_000));
    assert!(matches!(
        plan(&stock, revoke(&active), at(1_000)),
        Err(KeyChangeError::Retired { .. })
    ));
    assert!(stock.refused.is_empty());
}

#[test]
fn an_imported_key_signs_next_and_comes_once() {
    let mut stock = fresh();
    done(&mut stock, Wish::Upkeep, at(0));
    let (_, replaced) = kids(&stock);
    let randomness: &dyn Randomness = &OperatingSystem;
    let seed = randomness.secret();
    let records = done(&mut stock, Wish::Import(&seed), at(1));
    assert_eq!(records, [Action::KeyImported]);
    assert_eq!(stock.removed[0].kid, replaced);
    assert!(matches!(
        plan(&stock, Wish::Import(&seed), at(2)),
        Err(KeyChangeError::Exists(_))
    ));
    let (_, imported) = kids(&stock);
    let how = Revocation::Now;
    done(
        &mut stock,
        Wish::Revoke {
            kid: &imported,
            how,
        },
        at(3),
    );
    assert!(matches!(
        plan(&stock, Wish::Import(&seed), at(4)),
        Err(KeyChangeError::WasHere(_))
    ));
}

#[test]
fn a_key_of_refresh_tokens_checks_as_long_as_a_session_lasts() {
    let times = times();
    let mut stock = fresh();
    done(&mut stock, Wish::Upkeep, at(0));
    done(&mut stock, Wish::Upkeep, at(times.mac_signs));
    let ids: Vec<_> = stock.keys.mac.iter().map(|key| key.id).collect();
    assert_eq!(ids, [2, 1]);
    let second = at(times.mac_signs + times.mac_spreads);
    assert_eq!(stock.keys.mac[0].signs_from, second);
    let over = second.saturating_add(times.mac_outlives);
    let just_before = over.saturating_sub(1);
    let removes = |stock: &KeyStock, now| {
        let plan = plan(stock, Wish::Upkeep, now).unwrap();
        let mut steps = plan.steps.into_iter();
        steps.any(|step| matches!(step, Step::RemoveMac(1)))
    };
    assert!(!removes(&stock, just_before));
    assert!(removes(&stock, over));
    done(&mut stock, Wish::Upkeep, over);
    assert!(stock.keys.mac.iter().all(|key| key.id != 1));
}

#[test]
fn a_key_without_times_is_counted_from_when_it_was_made() {
    let mut stock = fresh();
    stock.keys.signing[0].activated_at = None;
    let mut next = new_signing_key(KeyState::Next, at(0), &master(), &OperatingSystem).unwrap();
    next.activated_at = None;
    stock.keys.signing.push(next);
    assert!(!times().asks(&stock.keys, at(times().signs - 1)));
    assert!(times().asks(&stock.keys, at(times().signs)));
}
