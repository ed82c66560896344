//! The lives of keys: by time, by command, and under a new master key.

use super::feed::FEED;
use super::keys::{master, start};
use super::rounds;
use super::world::{NOW, RANDOM, World, after, all_at_once, at};
use crate::audit::Actor;
use crate::ports::Ruled;
use crate::ports::feed::{FeedSettled, Revoked};
use crate::secret::SecretBytes;
use crate::session::RefreshPolicy;
use crate::signing::keyring::Keyring;
use crate::signing::life::{
    KeyChange, KeyChangeError, KeyTimes, Plan, REFUSED, Revocation, SKEW, Wish,
};
use crate::signing::reseal::{Resealed, SealedValue};
use crate::signing::seal::{MasterKey, MasterKeys};
use crate::signing::{KeyState, StoredKeys};
use crate::time::UnixTime;

const DAY: u64 = 86_400;

fn times() -> KeyTimes {
    KeyTimes::new(300, &RefreshPolicy::default())
}

async fn try_to_change(
    world: &World,
    actor: Actor,
    wish: Wish<'_>,
    now: UnixTime,
) -> Ruled<Plan, KeyChangeError> {
    let change = KeyChange {
        wish,
        times: times(),
        master_keys: &master(),
        randomness: RANDOM,
    };
    world.store.change_keys(&at(now, actor), &change).await
}

async fn change(world: &World, wish: Wish<'_>, now: UnixTime) -> Result<Plan, KeyChangeError> {
    let changed = try_to_change(world, Actor::Operator, wish, now).await;
    changed.unwrap()
}

async fn upkeep(world: &World, now: UnixTime) -> Plan {
    change(world, Wish::Upkeep, now).await.unwrap()
}

async fn stored(world: &World) -> StoredKeys {
    world.store.key_stock().await.unwrap().keys
}

fn in_state(keys: &StoredKeys, state: KeyState) -> Vec<String> {
    let found = keys.signing.iter().filter(|key| key.state == state);
    found.map(|key| key.kid.clone()).collect()
}

/// The keys of a store in which one signs, and another has been published for long enough.
async fn with_a_next_key(world: &World) -> (String, String) {
    start(world).await;
    upkeep(world, NOW).await;
    let keys = stored(world).await;
    let (active, next) = (keys.active().unwrap(), keys.next().unwrap());
    (active.kid.clone(), next.kid.clone())
}

pub async fn a_key_is_published_signs_rests_and_goes(world: &World) {
    let (first, second) = with_a_next_key(world).await;
    assert!(upkeep(world, after(29 * DAY)).await.is_empty());
    let plan = upkeep(world, after(30 * DAY)).await;
    assert_eq!(plan.promoted(), Some(second.as_str()));
    let keys = stored(world).await;
    assert_eq!(in_state(&keys, KeyState::Active), [second]);
    assert_eq!(
        in_state(&keys, KeyState::Retired),
        std::slice::from_ref(&first)
    );
    assert_eq!(in_state(&keys, KeyState::Next).len(), 1);
    let ring = Keyring::open(&keys, &master()).unwrap();
    assert!(
        ring.jwks().contains(&first),
        "what it signed can be checked"
    );
    let outlived = 30 * DAY + times().outlives;
    upkeep(world, after(outlived - 1)).await;
    assert_eq!(
        in_state(&stored(world).await, KeyState::Retired),
        std::slice::from_ref(&first)
    );
    upkeep(world, after(outlived)).await;
    let stock = world.store.key_stock().await.unwrap();
    assert!(in_state(&stock.keys, KeyState::Retired).is_empty());
    assert_eq!(stock.removed[0].kid, first);
}

pub async fn of_sixty_four_rotations_at_once_one_is_done(world: &World) {
    with_a_next_key(world).await;
    for round in 1..=rounds(3, 30) {
        let now = after(u64::from(round) * 30 * DAY);
        let plans = all_at_once(64, |_| {
            let world = world.clone();
            async move { upkeep(&world, now).await }
        })
        .await;
        let rotated = plans.iter().filter(|plan| plan.promoted().is_some());
        assert_eq!(rotated.count(), 1);
        let keys = stored(world).await;
        assert_eq!(in_state(&keys, KeyState::Active).len(), 1);
        assert_eq!(in_state(&keys, KeyState::Next).len(), 1);
        // Two clocks that are apart don't rotate twice.
        assert!(
            upkeep(world, now.saturating_add(90))
                .await
                .promoted()
                .is_none()
        );
    }
}

pub async fn a_young_key_does_not_take_over(world: &World) {
    let (first, second) = with_a_next_key(world).await;
    let early = change(world, Wish::Rotate, after(899)).await;
    assert!(matches!(early, Err(KeyChangeError::TooYoung { kid, .. }) if kid == second));
    assert_eq!(in_state(&stored(world).await, KeyState::Active), [first]);
    let plan = change(world, Wish::Rotate, after(900)).await.unwrap();
    assert_eq!(plan.promoted(), Some(second.as_str()));
}

pub async fn a_revoked_key_is_gone_at_once_and_refused(world: &World) {
    let (first, second) = with_a_next_key(world).await;
    let before = world.store.feed_position().await.unwrap();
    let version = world.store.keys_version().await.unwrap();
    let wish = Wish::Revoke {
        kid: &first,
        how: Revocation::Now,
    };
    let plan = change(world, wish, after(5)).await.unwrap();
    assert_eq!(plan.promoted(), Some(second.as_str()));
    assert_ne!(world.store.keys_version().await.unwrap(), version);
    let keys = stored(world).await;
    assert!(keys.signing.iter().all(|key| key.kid != first));
    let refused = world.store.key_stock().await.unwrap().refused;
    assert_eq!(refused[0].kid, first);
    assert_eq!(refused[0].refused_until, after(5 + REFUSED));
    assert!(world.store.feed_position().await.unwrap() > before);
    let revoked = world.store.revoked(100).await.unwrap();
    assert_eq!(revoked.kids.len(), 1);
    assert_eq!(revoked.kids[0].kid, first);
    let again = change(world, wish, after(6)).await;
    assert!(matches!(again, Err(KeyChangeError::Revoked(kid)) if kid == first));
    let unknown = Wish::Revoke {
        kid: "nothing",
        how: Revocation::Now,
    };
    let unknown = change(world, unknown, after(6)).await;
    assert!(matches!(unknown, Err(KeyChangeError::Unknown(_))));
}

pub async fn a_refused_kid_leaves_the_feed_when_no_edge_has_its_key(world: &World) {
    let (first, second) = with_a_next_key(world).await;
    for (kid, seconds) in [(&first, 5), (&second, 65)] {
        let how = Revocation::Now;
        let revoked = change(world, Wish::Revoke { kid, how }, after(seconds)).await;
        assert!(revoked.is_ok(), "{revoked:?}");
    }
    let kids = |revoked: &Revoked| {
        let kids = revoked.kids.iter().map(|one| one.kid.clone());
        kids.collect::<Vec<_>>()
    };
    let revoked = || async { world.store.revoked(100).await.unwrap() };
    let settle = |seconds| world.store.settle_feed(after(seconds), &FEED);
    let both = revoked().await;
    let mut in_order = vec![first.clone(), second.clone()];
    in_order.sort();
    assert_eq!(kids(&both), in_order);
    assert!(!both.is_undated);
    assert_eq!(both.leaves_at, Some(after(5 + REFUSED)));
    assert_eq!(settle(4 + REFUSED).await.unwrap(), FeedSettled::default());
    assert_eq!(revoked().await, both);

    assert_eq!(settle(5 + REFUSED).await.unwrap().left, 1);
    let one = revoked().await;
    assert_eq!(kids(&one), std::slice::from_ref(&second));
    assert_eq!(one.leaves_at, Some(after(65 + REFUSED)));
    assert!(one.position > both.position, "hosts ask for it");
    assert_eq!(settle(5 + REFUSED).await.unwrap(), FeedSettled::default());
    // That it was here is remembered, and it can be refused once more.
    let kid = &first;
    for (how, is_taken) in [(Revocation::Orderly, false), (Revocation::Now, true)] {
        let again = change(world, Wish::Revoke { kid, how }, after(6 + REFUSED)).await;
        assert_eq!(again.is_ok(), is_taken, "{again:?}");
    }
    assert_eq!(kids(&revoked().await), in_order);
}

async fn note(world: &World, kid: &str, seconds: u64) {
    world.store.note_token_life(kid, seconds).await.unwrap();
}

/// Somebody's tokens live for an hour, and somebody's, later, for five minutes.
pub async fn a_key_stays_until_the_longest_token_that_it_signed_is_over(world: &World) {
    let (first, second) = with_a_next_key(world).await;
    let version = || async { world.store.keys_version().await.unwrap() };
    let before = version().await;
    note(world, &first, 3_600).await;
    let known = version().await;
    assert_ne!(known, before, "others are told");
    note(world, &first, 300).await;
    note(world, "nothing", 300).await;
    assert_eq!(version().await, known);
    assert_eq!(stored(world).await.token_life(&first), 3_600);
    assert_eq!(stored(world).await.token_life(&second), 0);

    let plan = upkeep(world, after(30 * DAY)).await;
    assert_eq!(plan.promoted(), Some(second.as_str()));
    let over = 30 * DAY + 3_600 + SKEW;
    assert!(upkeep(world, after(over - 1)).await.is_empty());
    upkeep(world, after(over)).await;
    let stock = world.store.key_stock().await.unwrap();
    assert_eq!(stock.removed[0].kid, first);
}

pub async fn keys_are_changed_by_who_may(world: &World) {
    super::roles::create(world, "keeper", &["keys:write"], &[]).await;
    with_a_next_key(world).await;
    let ada = world.account("ada", &[]).await;
    let keeper = world.account("keeper", &["keeper"]).await;
    let by = |account| try_to_change(world, Actor::Account(account), Wish::Rotate, after(900));
    let refused = by(ada.id).await.unwrap();
    assert!(matches!(refused, Err(KeyChangeError::Forbidden)));
    assert!(by(keeper.id).await.unwrap().is_ok());
}

pub async fn what_one_master_key_sealed_is_sealed_anew_under_another(world: &World) {
    start(world).await;
    let (old, store) = (master(), &world.store);
    let new = MasterKey::new(SecretBytes::new(RANDOM.array()));
    let both = MasterKeys::new(new.clone(), Some(MasterKey::new(SecretBytes::new([9; 32]))));
    let under = old.current().id().to_owned();
    let values = store.sealed_under(&under, 100).await.unwrap();
    assert!(values.len() >= 5, "a signing key, a MAC key, three secrets");
    let anew = |before: SealedValue| {
        let (what, name) = (before.what, before.name.clone());
        let plain = both.open(what, &name, &under, &before.sealed).unwrap();
        let after = SealedValue {
            sealed: both.seal(what, &name, &plain, RANDOM).unwrap(),
            master_key: both.current().id().to_owned(),
            ..before.clone()
        };
        Resealed { before, after }
    };
    let values: Vec<_> = values.into_iter().map(anew).collect();
    let context = at(after(5), Actor::Operator);
    let count = u64::try_from(values.len()).unwrap();
    let done = store.reseal(&context, values.clone()).await.unwrap();
    assert_eq!(done, count);
    // Whoever comes second finds it done.
    assert_eq!(store.reseal(&context, values).await.unwrap(), 0);
    let keys = stored(world).await;
    assert!(Keyring::open(&keys, &MasterKeys::new(new, None)).is_ok());
    assert!(Keyring::open(&keys, &old).is_err());
    assert_eq!(world.count("keys.resealed").await, 1);
}
