//! The audit trail.

use super::world::{NOW, World, after, all_at_once};

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

pub async fn the_trail_is_read_in_pages(world: &World) {
    for number in 0..5 {
        world.account(&format!("person{number}"), &[]).await;
    }
    let places = async |after, limit| {
        let page = world.store.recorded(after, limit).await.unwrap();
        page.iter().map(|row| row.sequence).collect::<Vec<_>>()
    };
    assert_eq!(places(0, 2).await, [1, 2]);
    assert_eq!(places(2, 2).await, [3, 4]);
    assert_eq!(places(4, 2).await, [5]);
    assert_eq!(places(5, 2).await, [0; 0]);
}

pub async fn the_trail_says_the_latest_time_and_operators_set_it_back(world: &World) {
    let last = || async { world.store.latest_recorded().await.unwrap() };
    assert_eq!(last().await, None);
    let ada = world.account("ada", &[]).await.id;
    for (now, latest) in [(NOW, NOW), (after(60), after(60)), (NOW, after(60))] {
        world.session("ada", ada, now).await;
        assert_eq!(last().await, Some(latest), "whoever wrote it");
    }
    world.account("bob", &[]).await;
    assert_eq!(last().await, Some(NOW), "an operator has written since");
    world.session("ada", ada, after(30)).await;
    assert_eq!(last().await, Some(after(30)));
}

pub async fn a_store_that_can_write_says_so(world: &World) {
    world.store.ping().await.unwrap();
    assert_eq!(world.trail().await, []);
}
