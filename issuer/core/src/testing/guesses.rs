//! Failed guesses at passwords.

use super::rounds;
use super::world::{NOW, World, after, all_at_once, guess_key};
use crate::limit::{Guess, GuessPolicy};

const WINDOW: u64 = 86_400;

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
        let refused = answers.iter().filter(|guess| **guess != Guess::Allowed);
        assert!(
            refused
                .copied()
                .all(|guess| guess == Guess::Wait { retry_after: 1 })
        );
    }
}

pub async fn delays_grow_until_somebody_knows_the_password(world: &World) {
    let (store, policy) = (&world.store, GuessPolicy::default());
    let (key, other) = (guess_key("ada"), guess_key("bob"));
    let guess = async |key, now| store.begin_guess(key, now, &policy).await.unwrap();
    for _ in 0..3 {
        assert_eq!(guess(&key, NOW).await, Guess::Allowed);
    }
    assert_eq!(guess(&key, NOW).await, Guess::Wait { retry_after: 1 });
    assert_eq!(guess(&key, after(1)).await, Guess::Allowed);
    assert_eq!(guess(&key, after(1)).await, Guess::Wait { retry_after: 2 });
    assert_eq!(guess(&other, after(1)).await, Guess::Allowed);

    store.clear_guesses(&key).await.unwrap();
    for _ in 0..3 {
        assert_eq!(guess(&key, after(1)).await, Guess::Allowed);
    }
    let next_day = after(1 + WINDOW);
    for _ in 0..3 {
        assert_eq!(guess(&key, next_day).await, Guess::Allowed);
    }
    assert_ne!(guess(&key, next_day).await, Guess::Allowed);
    assert_eq!(world.actions().await, [""; 0], "guesses fill no trail");
}

pub async fn nobody_guesses_beyond_the_ceiling(world: &World) {
    let (store, policy) = (&world.store, GuessPolicy::default());
    let key = guess_key("ada");
    let mut now = NOW;
    for _ in 0..policy.ceiling {
        loop {
            match store.begin_guess(&key, now, &policy).await.unwrap() {
                Guess::Allowed => break,
                Guess::Wait { retry_after } => now = now.saturating_add(retry_after.into()),
            }
        }
    }
    let later = now.saturating_add(policy.longest);
    let over = store.begin_guess(&key, later, &policy).await.unwrap();
    let retry_after = u32::try_from(WINDOW - policy.longest).unwrap();
    assert_eq!(over, Guess::Wait { retry_after });
}
