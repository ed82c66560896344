//! Signing and MAC keys.

use super::world::{NOW, RANDOM, World, all_at_once, at};
use crate::audit::Actor;
use crate::secret::SecretBytes;
use crate::signing::StoredKeys;
use crate::signing::keyring::{Keyring, initial_keys};
use crate::signing::seal::{MasterKey, MasterKeys};

pub(super) fn master() -> MasterKeys {
    MasterKeys::new(MasterKey::new(SecretBytes::new([9; 32])), None)
}

pub(super) async fn start(world: &World) -> StoredKeys {
    let initial = initial_keys(NOW, &master(), RANDOM).unwrap();
    let context = at(NOW, Actor::System);
    let stored = world.store.load_or_create_keys(&context, initial).await;
    stored.unwrap()
}

pub async fn keys_are_made_once_among_many_starts(world: &World) {
    let stored = all_at_once(16, |_| {
        let world = world.clone();
        async move { start(&world).await }
    })
    .await;
    let rings: Vec<_> = stored
        .iter()
        .map(|stored| Keyring::open(stored, &master()).unwrap())
        .collect();
    let first = &rings[0];
    assert!(rings.iter().all(|ring| ring.jwks() == first.jwks()));
    let incarnation = stored[0].incarnation;
    assert!(stored.iter().all(|keys| keys.incarnation == incarnation));
    assert_eq!(world.count("keys.created").await, 1);
}

pub async fn a_later_start_finds_the_keys_as_they_were(world: &World) {
    let (made, found) = (start(world).await, start(world).await);
    assert_eq!(made.incarnation, found.incarnation);
    let signing = |keys: &StoredKeys| {
        let key = &keys.signing[0];
        let made = (key.state, key.created_at);
        (
            key.kid.clone(),
            key.public,
            key.sealed.clone(),
            key.master_key.clone(),
            made,
        )
    };
    assert_eq!((found.signing.len(), found.mac.len()), (1, 1));
    assert_eq!(signing(&made), signing(&found));
    let mac = |keys: &StoredKeys| {
        let key = &keys.mac[0];
        (
            key.id,
            key.sealed.clone(),
            key.master_key.clone(),
            key.created_at,
        )
    };
    assert_eq!(mac(&made), mac(&found));
}
