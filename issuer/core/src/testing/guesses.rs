//! Failed guesses at passwords.

use super::rounds;
use super::world::{NOW, World, after, all_at_once, guess_key};
use crate::limit::{Guess, GuessId, GuessKey, GuessPolicy};
use crate::time::UnixTime;

const WINDOW: u64 = 86_400;

async fn guess(world: &World, key: &GuessKey, now: UnixTime) -> Guess {
    let policy = GuessPolicy::default();
    world.store.begin_guess(key, now, &policy).await.unwrap()
}

/// A guess that nothing holds up.
async fn counted(world: &World, key: &GuessKey, now: UnixTime) -> GuessId {
    match guess(world, key, now).await {
        Guess::Counted(id) => id,
        wait @ Guess::Wait { .. } => panic!("{wait:?}"),
    }
}

async fn withdraw(world: &World, guess: GuessId) {
    world.store.withdraw_guess(guess).await.unwrap();
}

pub async fn guesses_are_counted_before_they_are_checked(world: &World) {
    for round in 0..rounds(5, 100) {
        let key = guess_key(&format!("ada{round}"));
        let answers = all_at_once(64, |_| {
            let world = world.clone();
            async move { guess(&world, &key, NOW).await }
        })
        .await;
        let refused = Guess::Wait { retry_after: 1 };
        let refused = answers.iter().filter(|guess| **guess == refused).count();
        assert_eq!((answers.len(), refused), (64, 61));
    }
}

pub async fn delays_grow_until_somebody_knows_the_password(world: &World) {
    let (key, other) = (guess_key("ada"), guess_key("bob"));
    for _ in 0..3 {
        counted(world, &key, NOW).await;
    }
    let wait = |retry_after| Guess::Wait { retry_after };
    assert_eq!(guess(world, &key, NOW).await, wait(1));
    counted(world, &key, after(1)).await;
    assert_eq!(guess(world, &key, after(1)).await, wait(2));
    counted(world, &other, after(1)).await;

    world.store.clear_guesses(&key).await.unwrap();
    let next_day = after(1 + WINDOW);
    for now in [after(1), next_day] {
        for _ in 0..3 {
            counted(world, &key, now).await;
        }
    }
    assert_eq!(guess(world, &key, next_day).await, wait(1));
    assert_eq!(world.actions().await, [""; 0], "guesses fill no trail");
}

pub async fn nobody_guesses_beyond_the_ceiling(world: &World) {
    let policy = GuessPolicy::default();
    let key = guess_key("ada");
    let mut now = NOW;
    for _ in 0..policy.ceiling {
        while let Guess::Wait { retry_after } = guess(world, &key, now).await {
            now = now.saturating_add(retry_after.into());
        }
    }
    let later = now.saturating_add(policy.longest);
    let retry_after = u32::try_from(WINDOW - policy.longest).unwrap();
    let over = guess(world, &key, later).await;
    assert_eq!(over, Guess::Wait { retry_after });
}

pub async fn a_guess_that_is_withdrawn_was_never_made(world: &World) {
    let (key, other) = (guess_key("ada"), guess_key("bob"));
    for _ in 0..3 {
        counted(world, &key, NOW).await;
        counted(world, &other, NOW).await;
    }
    for _ in 0..5 {
        let unchecked = counted(world, &key, after(1)).await;
        assert_eq!(
            guess(world, &key, after(2)).await,
            Guess::Wait { retry_after: 1 }
        );
        withdraw(world, unchecked).await;
        withdraw(world, unchecked).await;
    }
    counted(world, &key, after(1)).await;
    let wait = Guess::Wait { retry_after: 2 };
    assert_eq!(guess(world, &key, after(1)).await, wait);
    assert_eq!(
        guess(world, &other, NOW).await,
        Guess::Wait { retry_after: 1 },
        "nobody else's is taken back"
    );
}

pub async fn what_is_withdrawn_after_a_success_takes_nothing_from_later_guesses(world: &World) {
    let key = guess_key("ada");
    let unchecked = counted(world, &key, NOW).await;
    world.store.clear_guesses(&key).await.unwrap();
    for _ in 0..3 {
        counted(world, &key, NOW).await;
    }
    withdraw(world, unchecked).await;
    let wait = Guess::Wait { retry_after: 1 };
    assert_eq!(guess(world, &key, NOW).await, wait);
}

pub async fn of_many_guesses_at_once_those_that_were_checked_count(world: &World) {
    for round in 0..rounds(5, 100) {
        let key = guess_key(&format!("ada{round}"));
        let mine = counted(world, &key, NOW).await;
        all_at_once(32, |number| {
            let world = world.clone();
            async move {
                if number == 0 {
                    withdraw(&world, mine).await;
                } else if let Guess::Counted(id) = guess(&world, &key, NOW).await {
                    withdraw(&world, id).await;
                }
            }
        })
        .await;
        for _ in 0..3 {
            counted(world, &key, NOW).await;
        }
        let wait = Guess::Wait { retry_after: 1 };
        assert_eq!(guess(world, &key, NOW).await, wait);
    }
}
