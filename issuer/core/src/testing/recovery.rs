//! Going back in time.

use super::keys::{master, start};
use super::world::{NOW, POLICY, RANDOM, World, after};
use crate::ports::Rotation;
use crate::ports::recovery::NewLife;
use crate::recovery;
use crate::signing::keyring::Keyring;
use crate::time::UnixTime;

async fn begin_new_life(world: &World, now: UnixTime) -> NewLife {
    recovery::begin_new_life(&*world.store, now, &master(), RANDOM)
        .await
        .unwrap()
}

pub async fn a_new_life_knows_no_secret_of_the_one_before(world: &World) {
    let before = start(world).await;
    let root = world.account("root", &["admin"]).await;
    let ada = world.account("ada", &[]).await;
    let head = world.session("ada", ada.id, NOW).await;
    let mailed = world.issue_reset(ada.id, NOW).await.unwrap();

    let life = begin_new_life(world, after(60)).await;
    assert_eq!((life.sessions, life.mailed_tokens, life.mail), (1, 1, 1));
    assert_eq!(life.review, [root]);

    let now = start(world).await;
    assert_ne!(now.incarnation, before.incarnation);
    assert_eq!((now.signing.len(), now.mac.len()), (1, 1));
    assert_ne!(now.signing[0].kid, before.signing[0].kid);
    assert_ne!(now.mac[0].sealed, before.mac[0].sealed);
    Keyring::open(&now, &master()).unwrap();

    let rotation = world.rotate(&head, 0, after(60)).await;
    assert!(matches!(rotation, Rotation::Dead));
    let sessions = world.sessions.sessions(ada.id, after(60), &POLICY).await;
    assert!(sessions.unwrap().is_empty());
    let subject = world.store.reset_subject(&mailed, after(60)).await;
    assert!(subject.unwrap().is_none());
    assert!(world.waiting_mail().await.is_empty());
    assert_eq!(world.count("store.restored").await, 1);
    world.session("ada", ada.id, after(60)).await;
}

pub async fn no_two_lives_share_an_epoch_of_the_feed(world: &World) {
    start(world).await;
    let first = begin_new_life(world, NOW).await.feed_epoch;
    assert_eq!(first, NOW.as_secs());
    let second = begin_new_life(world, NOW).await.feed_epoch;
    assert_eq!(second, first + 1);
    let later = begin_new_life(world, after(60)).await.feed_epoch;
    assert_eq!(later, after(60).as_secs());
}
