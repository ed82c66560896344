//! The sweeper.

use super::world::{NOW, POLICY, World, after, anonymous, guess_key, presented};
use crate::limit::{Guess, GuessPolicy};
use crate::ports::{Rotation, Swept};

const DAY: u64 = 86_400;

async fn sweep(world: &World, days: u64) -> u64 {
    let mut rows = 0;
    loop {
        let swept = world.store.sweep(after(days * DAY), &POLICY).await.unwrap();
        rows += swept.rows;
        if !swept.more {
            return rows;
        }
    }
}

pub async fn sweeping_leaves_what_is_not_over(world: &World) {
    let store = &world.store;
    let ada = world.account("ada", &[]).await;
    let head = world.session("ada", ada.id, NOW).await;
    let mailed = world.register("bob", NOW).await;
    let key = guess_key("ada");
    let policy = GuessPolicy::default();
    store.begin_guess(&key, NOW, &policy).await.unwrap();

    let swept = store.sweep(after(60), &POLICY).await.unwrap();
    assert_eq!(
        swept,
        Swept {
            rows: 0,
            more: false
        }
    );
    let pending = store.pending_registration(&mailed, after(60)).await;
    assert!(pending.unwrap().is_some());
    let next = world.rotate(&head, 0, after(60)).await;
    assert!(matches!(next, Rotation::Advanced(_)));
    assert_eq!(world.waiting_mail().await, ["verify"]);
}

pub async fn sweeping_removes_each_thing_at_its_time(world: &World) {
    let store = &world.store;
    let ada = world.account("ada", &[]).await;
    let ended = world.session("ada", ada.id, NOW).await;
    let shown = presented(&ended, 0);
    assert!(
        world
            .sessions
            .end_family(&anonymous(NOW), &shown)
            .await
            .unwrap()
    );
    world.session("ada", ada.id, NOW).await;
    world.register("bob", NOW).await;
    let letter = &store.claim_mail(NOW, 60, 10).await.unwrap()[0];
    store
        .mail_abandoned(letter.id, NOW, "no such mailbox")
        .await
        .unwrap();
    let (key, policy) = (guess_key("ada"), GuessPolicy::default());
    store.begin_guess(&key, NOW, &policy).await.unwrap();

    assert_eq!(sweep(world, 1).await, 3, "token, ended session, guess");
    assert_eq!(sweep(world, 7).await, 1, "registration");
    assert_eq!(sweep(world, 15).await, 1, "idle session");
    assert_eq!(sweep(world, 30).await, 1, "dead letter");
    assert_eq!(sweep(world, 400).await, 0);
    assert_eq!(
        store.account(ada.id).await.unwrap().map(|a| a.id),
        Some(ada.id)
    );
    assert_eq!(world.trail().await.len(), 5, "the trail stays");
}

pub async fn failures_stay_while_the_last_of_them_counts(world: &World) {
    let (key, policy) = (guess_key("ada"), GuessPolicy::default());
    let guess = async |now| world.store.begin_guess(&key, now, &policy).await.unwrap();
    for seconds in [0, 0, DAY - 1] {
        assert!(matches!(guess(after(seconds)).await, Guess::Counted(_)));
    }
    assert_eq!(sweep(world, 1).await, 0);
    let third = Guess::Wait { retry_after: 1 };
    assert_eq!(guess(after(DAY - 1)).await, third);
    assert_eq!(sweep(world, 2).await, 3);
}

pub async fn much_is_swept_in_batches(world: &World) {
    let (store, policy) = (&world.store, GuessPolicy::default());
    for number in 0..600 {
        let key = guess_key(&format!("person{number}"));
        store.begin_guess(&key, NOW, &policy).await.unwrap();
    }
    let first = store.sweep(after(2 * DAY), &POLICY).await.unwrap();
    assert!(first.more && first.rows < 600, "{first:?}");
    assert_eq!(first.rows + sweep(world, 2).await, 600);
}
