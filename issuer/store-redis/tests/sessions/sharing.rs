//! Two issuers, one database and one Redis.

use std::sync::Arc;

use signet_core::ports::Rotation;
use signet_core::testing::World;
use signet_core::testing::rounds;
use signet_core::testing::world::{NOW, after, all_at_once, anonymous};
use signet_store_postgres::PostgresStore;
use signet_testbed::postgres;

use super::heads;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_issuers_share_one_head() {
    let database = postgres().database();
    let url = database.url().parse().unwrap();
    let mut issuers = Vec::new();
    for _ in 0..2 {
        let store = PostgresStore::open(&url).await.unwrap();
        issuers.push(World::detached(Arc::new(store), heads().await));
    }
    let ada = issuers[0].account("ada", &[]).await;
    let mut head = issuers[0].session("ada", ada.id, NOW).await;
    for _ in 0..rounds(10, 500) {
        let generation = head.generation;
        let answers = all_at_once(64, |number| {
            let (world, head) = (issuers[number % 2].clone(), head.clone());
            async move { world.rotate(&head, generation, after(1)).await }
        })
        .await;
        let mut advanced = Vec::new();
        for answer in answers {
            match answer {
                Rotation::Advanced(head) => advanced.push(*head),
                Rotation::Repeated(same) => assert_eq!(same.generation, generation + 1),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(advanced.len(), 1);
        head = advanced.remove(0);
    }
    let (nobody, id) = (anonymous(NOW), head.session.id);
    let ended = issuers[1].sessions.end_session(&nobody, ada.id, id);
    assert!(ended.await.unwrap());
    let dead = issuers[0].rotate(&head, head.generation, after(2)).await;
    assert!(matches!(dead, Rotation::Dead), "ended there is ended here");
    issuers[0].check_trail().await;
}
