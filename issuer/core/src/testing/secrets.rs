//! Guesses, keys, the audit trail, and the sweeper.

use super::rounds;
use super::world::{
    NOW, POLICY, RANDOM, World, after, all_at_once, anonymous, at, guess_key, registration,
    registration_mail,
};
use crate::audit::Actor;
use crate::limit::{Guess, GuessPolicy};
use crate::ports::Rotation;
use crate::secret::SecretBytes;
use crate::signing::keyring::{Keyring, initial_keys};
use crate::signing::seal::{MasterKey, MasterKeys};

pub async fn guesses_are_counted_before_they_are_checked(world: &World) {
    let policy = GuessPolicy::default();
    for round in 0..rounds(5, 100) {
        let key = guess_key(&format!("ada{round}"));
        let answers = all_at_once(64, |_| {
            let store = world.store.clone();
            async move { store.begin_guess(&key, NOW, &policy).await.unwrap() }
        })
        .await;
        let allowed = answers.iter().filter(|guess| **guess == Guess::Allowed);
        assert_eq!(allowed.count(), 3);
        let store = &world.store;
        let next = store.begin_guess(&key, after(1), &policy).await.unwrap();
        assert_eq!(next, Guess::Allowed);
        let then = store.begin_guess(&key, after(1), &policy).await.unwrap();
        assert_eq!(then, Guess::Wait { retry_after: 2 });
        store.clear_guesses(&key).await.unwrap();
        let cleared = store.begin_guess(&key, after(1), &policy).await.unwrap();
        assert_eq!(cleared, Guess::Allowed);
    }
}

pub async fn keys_are_made_once_among_many_starts(world: &World) {
    let master = || MasterKeys::new(MasterKey::new(SecretBytes::new([9; 32])), None);
    let stored = all_at_once(16, |_| {
        let store = world.store.clone();
        async move {
            let initial = initial_keys(NOW, &master(), RANDOM).unwrap();
            let context = at(NOW, Actor::System);
            store.load_or_create_keys(&context, initial).await.unwrap()
        }
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

pub async fn the_trail_is_one_unbroken_chain(world: &World) {
    all_at_once(20, |number| {
        let world = world.clone();
        async move {
            let name = format!("person{number}");
            let account = world.account(&name, &[]).await;
            world.session(&name, account.id, NOW).await;
        }
    })
    .await;
    let trail = world.trail().await;
    assert_eq!(trail.len(), 40);
    world.check_trail().await;
    let opened = trail
        .iter()
        .find(|row| row.event.action == "session.opened")
        .unwrap();
    assert_eq!(opened.event.at, NOW);
    assert_eq!(opened.event.ip.as_deref(), Some("192.0.2.1"));
    assert_eq!(opened.event.request_id.as_deref(), Some("request-1"));
    assert_eq!(Some(&opened.event.actor), opened.event.subject.as_ref());
}

pub async fn sweeping_removes_only_what_is_over(world: &World) {
    let store = &world.store;
    let ada = world.account("ada", &[]).await;
    let head = world.session("ada", ada.id, NOW).await;
    let (mailed, waiting) = registration("bob", NOW);
    store
        .register(&anonymous(NOW), waiting, registration_mail())
        .await
        .unwrap();
    let key = guess_key("ada");
    let policy = GuessPolicy::default();
    store.begin_guess(&key, NOW, &policy).await.unwrap();

    assert_eq!(store.sweep(after(60), &POLICY).await.unwrap(), 0);
    let pending = store.pending_registration(&mailed, after(60)).await;
    assert!(pending.unwrap().is_some());
    let next = world.rotate(&head, 0, after(60)).await;
    assert!(matches!(next, Rotation::Advanced(_)));

    let swept = store.sweep(after(40 * 86_400), &POLICY).await.unwrap();
    assert!(swept >= 3, "registration, session, guesses: {swept}");
    assert!(store.account(ada.id).await.unwrap().is_some());
}
