//! What the revocation feed says: everything that ends, once each, under numbers that hide nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::rounds;
use super::world::{
    NOW, POLICY, World, advanced, after, all_at_once, anonymous, at, effects, guess_key, hash,
    letter, new_session, presented, roles,
};
use crate::account::{AccountId, AccountStatus};
use crate::audit::Actor;
use crate::mail::MailKind;
use crate::ports::Rotation;
use crate::ports::feed::{FeedPolicy, FeedPosition, FeedSettled, Leaving, Revoked};
use crate::session::detached::MOST_BEHIND;
use crate::session::{Head, SessionId};

pub(super) const FEED: FeedPolicy = FeedPolicy {
    lifetime: 480,
    most: 4_000,
    leaving: Leaving::Due,
};

/// A feed as large as it gets.
const ALL: u32 = 20_001;

async fn revoked(world: &World) -> Revoked {
    let revoked = world.store.revoked(ALL).await.unwrap();
    let position = world.store.feed_position().await.unwrap();
    assert_eq!(revoked.position, position, "nobody else is at it");
    revoked
}

async fn settle(world: &World, seconds: u64, policy: FeedPolicy) -> FeedSettled {
    world
        .store
        .settle_feed(after(seconds), &policy)
        .await
        .unwrap()
}

fn sessions(revoked: &Revoked) -> Vec<SessionId> {
    let mut sessions: Vec<_> = revoked.sessions.iter().map(|one| one.session).collect();
    sessions.sort_unstable_by_key(|session| session.0);
    sessions
}

fn versions(revoked: &Revoked) -> BTreeMap<uuid::Uuid, u64> {
    let accounts = revoked.accounts.iter();
    accounts.map(|one| (one.account.0, one.version)).collect()
}

/// Whether a token of that session, minted before, is taken back.
fn is_over(revoked: &Revoked, head: &Head) -> bool {
    let account = &head.session.account;
    let least = versions(revoked).get(&account.id.0).copied();
    sessions(revoked).contains(&head.session.id) || least.is_some_and(|it| account.version < it)
}

async fn end(world: &World, account: AccountId, session: SessionId) -> bool {
    let context = at(NOW, Actor::Account(account));
    world
        .sessions
        .end_session(&context, account, session)
        .await
        .unwrap()
}

pub async fn whatever_ends_a_session_is_in_the_feed(world: &World) {
    let ada = world.account("ada", &[]).await.id;
    let bob = world.account("bob", &[]).await.id;
    let others = world.session("bob", bob, NOW).await;
    let mut position = revoked(world).await.position;
    for way in 0..9 {
        let head = world.session("ada", ada, NOW).await;
        let session = head.session.id;
        assert!(!is_over(&revoked(world).await, &head));
        match way {
            0 => assert!(end(world, ada, session).await),
            1 => {
                let keep = world.session("ada", ada, NOW).await;
                let context = at(NOW, Actor::Account(ada));
                let ended = world
                    .sessions
                    .end_other_sessions(&context, ada, keep.session.id);
                assert_eq!(ended.await.unwrap(), 1);
                assert!(!is_over(&revoked(world).await, &keep));
                assert!(end(world, ada, keep.session.id).await);
            }
            2 => {
                let (nobody, shown) = (anonymous(NOW), presented(&head, 0));
                let ended = world.sessions.end_family(&nobody, &shown);
                assert!(ended.await.unwrap());
            }
            3 => {
                advanced(world.rotate(&head, 0, after(1)).await);
                advanced(world.rotate(&head, 1, after(2)).await);
                let replayed = world.rotate(&head, 0, after(3)).await;
                assert!(matches!(replayed, Rotation::Replayed(_)));
            }
            4 => {
                let ahead = world.rotate(&head, 7, after(1)).await;
                assert!(matches!(ahead, Rotation::FromFuture(_)));
            }
            5 => {
                let effects = crate::ports::LoginEffects {
                    max_sessions: 1,
                    ..effects("ada")
                };
                let context = at(NOW, Actor::Account(ada));
                let new = new_session(ada);
                let newer = world.sessions.open_session(&context, new, effects, &POLICY);
                let newer = newer.await.unwrap().unwrap();
                assert!(!is_over(&revoked(world).await, &newer));
            }
            6 => {
                let keep = world.session("ada", ada, NOW).await;
                let context = at(NOW, Actor::Account(ada));
                let notice = letter(MailKind::PasswordChangedNotice);
                let (old, new) = (hash("ada"), hash("ada"));
                let changed =
                    world
                        .store
                        .change_password(&context, keep.session.id, ada, &old, new, notice);
                assert!(changed.await.unwrap());
                assert!(!is_over(&revoked(world).await, &keep));
            }
            7 => {
                let mailed = world.issue_reset(ada, NOW).await.unwrap();
                let nobody = anonymous(after(5));
                let reset = world.store.reset_password(
                    &nobody,
                    &mailed,
                    hash("ada"),
                    guess_key("ada"),
                    letter(MailKind::ResetNotice),
                );
                assert!(reset.await.unwrap());
            }
            _ => {
                let context = at(NOW, Actor::Operator);
                let suspended = AccountStatus::Suspended;
                let suspended = world.store.set_status(&context, ada, suspended);
                assert!(suspended.await.unwrap().is_ok());
            }
        }
        let now = revoked(world).await;
        assert!(is_over(&now, &head), "way {way}");
        assert!(!is_over(&now, &others), "way {way}");
        assert!(now.position.seq > position.seq && now.position.epoch == position.epoch);
        position = now.position;
    }
}

pub async fn who_is_erased_is_in_the_feed(world: &World) {
    let ada = world.account("ada", &[]).await.id;
    let bob = world.account("bob", &[]).await.id;
    let operator = at(NOW, Actor::Operator);
    let given = world.store.set_roles(&operator, ada, roles(&[])).await;
    let version = given.unwrap().unwrap().version;
    let ended = world.session("ada", ada, NOW).await;
    let open = world.session("ada", ada, NOW).await;
    let others = world.session("bob", bob, NOW).await;
    assert!(end(world, ada, ended.session.id).await);
    let before = revoked(world).await;
    assert!(is_over(&before, &ended) && !is_over(&before, &open));

    super::personal::erase(world, ada).await;
    let now = revoked(world).await;
    assert!(is_over(&now, &ended) && is_over(&now, &open));
    assert!(!is_over(&now, &others));
    let gone = BTreeMap::from([(ada.0, version + 1)]);
    assert_eq!(versions(&now), gone, "no version of it is good");
    assert!(now.sessions.is_empty(), "that says it of each session");
    assert!(now.position > before.position && now.position.epoch == before.position.epoch);
}

pub async fn a_change_of_rights_is_in_the_feed(world: &World) {
    let [ada, bob] = ["ada", "bob"];
    let (ada, bob) = (
        world.account(ada, &[]).await.id,
        world.account(bob, &[]).await.id,
    );
    let operator = at(NOW, Actor::Operator);
    let head = world.session("ada", ada, NOW).await;
    super::roles::create(world, "clerk", &["users:read", "users:list"], &[]).await;
    let given = world.store.set_roles(&operator, ada, roles(&["clerk"]));
    assert_eq!(given.await.unwrap().unwrap().version, 1);
    let now = revoked(world).await;
    assert!(is_over(&now, &head));
    assert_eq!(versions(&now), BTreeMap::from([(ada.0, 1)]));

    super::roles::replace(world, "clerk", &["users:list"], &[]).await;
    let now = revoked(world).await;
    assert_eq!(versions(&now), BTreeMap::from([(ada.0, 2)]));
    super::roles::replace(world, "clerk", &["users:list", "users:read"], &[]).await;
    assert_eq!(
        revoked(world).await,
        now,
        "more rights bite with the next token"
    );

    let next = advanced(world.rotate(&head, 0, after(1)).await);
    assert!(!is_over(&now, &next), "nobody is logged out by it");
    assert!(!versions(&now).contains_key(&bob.0));
}

pub async fn what_is_refused_draws_no_number(world: &World) {
    let root = world.account("root", &["admin"]).await.id;
    let before = revoked(world).await;
    let context = at(NOW, Actor::Account(root));
    let suspended = world
        .store
        .set_status(&context, root, AccountStatus::Suspended);
    assert!(suspended.await.unwrap().is_err());
    let demoted = world.store.set_roles(&context, root, roles(&[]));
    assert!(demoted.await.unwrap().is_err());
    let head = world.session("root", root, NOW).await;
    advanced(world.rotate(&head, 0, after(1)).await);
    assert!(!end(world, root, new_session(root).id).await);
    assert_eq!(revoked(world).await, before);
}

pub async fn a_raised_version_stands_for_the_sessions_before_it(world: &World) {
    let ada = world.account("ada", &[]).await.id;
    let first = world.session("ada", ada, NOW).await;
    assert!(end(world, ada, first.session.id).await);
    assert_eq!(sessions(&revoked(world).await), [first.session.id]);
    let operator = at(NOW, Actor::Operator);
    let given = world.store.set_roles(&operator, ada, roles(&[])).await;
    assert!(given.unwrap().is_ok());
    let now = revoked(world).await;
    assert!(now.sessions.is_empty() && is_over(&now, &first));
    let second = world.session("ada", ada, NOW).await;
    assert!(!is_over(&now, &second));
    assert!(end(world, ada, second.session.id).await);
    assert_eq!(sessions(&revoked(world).await), [second.session.id]);
}

pub async fn an_entry_leaves_when_no_token_of_it_is_good(world: &World) {
    let ada = world.account("ada", &[]).await.id;
    let head = world.session("ada", ada, NOW).await;
    let nothing = FeedSettled::default();
    assert_eq!(settle(world, 0, FEED).await, nothing);
    assert!(end(world, ada, head.session.id).await);
    let undated = revoked(world).await;
    assert!(undated.is_undated && undated.leaves_at.is_none());
    assert_eq!(settle(world, 100, FEED).await, nothing);
    let dated = revoked(world).await;
    assert!(!dated.is_undated);
    assert_eq!(dated.leaves_at, Some(after(580)), "from when it was seen");
    assert_eq!(dated.position, undated.position, "it says the same");
    assert_eq!(settle(world, 579, FEED).await, nothing);
    assert_eq!(revoked(world).await, dated);

    let left = FeedSettled { left: 1, folded: 0 };
    assert_eq!(settle(world, 580, FEED).await, left);
    let empty = revoked(world).await;
    assert!(empty.sessions.is_empty() && empty.leaves_at.is_none());
    assert!(empty.position > dated.position);
    assert_eq!(settle(world, 1_000, FEED).await, nothing);
    assert_eq!(revoked(world).await, empty);
}

pub async fn an_entry_stays_where_a_key_has_signed_tokens_that_live_longer(world: &World) {
    let keys = super::keys::start(world).await;
    let kid = keys.active().unwrap().kid.clone();
    world.store.note_token_life(&kid, 3_600).await.unwrap();
    let ada = world.account("ada", &[]).await.id;
    let head = world.session("ada", ada, NOW).await;
    assert!(end(world, ada, head.session.id).await);
    let nothing = FeedSettled::default();
    assert_eq!(settle(world, 0, FEED).await, nothing);
    let over = crate::feed::entry_life(3_600);
    assert_eq!(revoked(world).await.leaves_at, Some(after(over)));
    // Nor is it left out where there is no room.
    let few = FeedPolicy { most: 0, ..FEED };
    assert_eq!(settle(world, over - 1, few).await, nothing);
    assert_eq!(settle(world, over, FEED).await.left, 1);
}

/// Who refreshed was an hour ahead, and is right, or wrong; so is who sees the entry.
pub async fn an_entry_is_dated_no_earlier_than_the_last_token_it_is_for(world: &World) {
    let ada = world.account("ada", &[]).await.id;
    let ahead = world.session("ada", ada, after(3_600)).await;
    assert!(end(world, ada, ahead.session.id).await);
    settle(world, 0, FEED).await;
    assert_eq!(revoked(world).await.leaves_at, Some(after(3_600 + 480)));

    let operator = at(NOW, Actor::Operator);
    let given = world.store.set_roles(&operator, ada, roles(&[])).await;
    assert!(given.unwrap().is_ok());
    settle(world, 0, FEED).await;
    let now = revoked(world).await;
    assert_eq!(versions(&now), BTreeMap::from([(ada.0, 1)]));
    assert_eq!(now.leaves_at, Some(after(3_600 + 480)));
    assert_eq!(settle(world, 3_600 + 480, FEED).await.left, 1);

    // A clock that says anything keeps an entry for a day, and not until then.
    let bob = world.account("bob", &[]).await.id;
    let astray = world.session("bob", bob, after(1_000_000)).await;
    assert!(end(world, bob, astray.session.id).await);
    settle(world, 0, FEED).await;
    assert_eq!(revoked(world).await.leaves_at, Some(after(86_400 + 480)));
}

pub async fn what_is_held_stays_whatever_the_clock_says(world: &World) {
    let ada = world.account("ada", &[]).await.id;
    let head = world.session("ada", ada, NOW).await;
    assert!(end(world, ada, head.session.id).await);
    let held = FeedPolicy {
        most: 0,
        leaving: Leaving::Held,
        ..FEED
    };
    settle(world, 0, held).await;
    let dated = revoked(world).await;
    assert!(!dated.is_undated, "it is dated all the same");
    let hours = 3 * 3_600;
    assert_eq!(settle(world, hours, held).await, FeedSettled::default());
    assert_eq!(revoked(world).await, dated);
    assert_eq!(settle(world, hours, FEED).await.left, 1);
}

/// Twelve sessions of one account end, of which two go on; and one of another account's.
pub async fn many_sessions_of_an_account_become_its_version(world: &World) {
    let ada = world.account("ada", &[]).await.id;
    let bob = world.account("bob", &[]).await.id;
    let mut heads = Vec::new();
    for _ in 0..14 {
        heads.push(world.session("ada", ada, NOW).await);
    }
    let (ended, alive) = heads.split_at(12);
    for head in ended {
        assert!(end(world, ada, head.session.id).await);
    }
    let other = world.session("bob", bob, NOW).await;
    assert!(end(world, bob, other.session.id).await);
    let few = FeedPolicy { most: 13, ..FEED };
    assert_eq!(settle(world, 1, few).await.folded, 0);
    assert_eq!(revoked(world).await.sessions.len(), 13);

    let settled = settle(world, 1, FeedPolicy { most: 12, ..FEED }).await;
    assert_eq!(settled, FeedSettled { left: 0, folded: 1 });
    let now = revoked(world).await;
    assert_eq!(sessions(&now), [other.session.id]);
    assert_eq!(versions(&now), BTreeMap::from([(ada.0, 1)]));
    assert!(ended.iter().all(|head| is_over(&now, head)));
    for head in alive {
        assert!(is_over(&now, head), "with the token it has");
        let next = advanced(world.rotate(head, 0, after(2)).await);
        assert!(!is_over(&now, &next), "and not with the next");
    }
}

pub async fn where_much_is_revoked_what_has_no_token_is_left_out(world: &World) {
    let ada = world.account("ada", &[]).await.id;
    let bob = world.account("bob", &[]).await.id;
    let idle = world.session("ada", ada, NOW).await;
    let hours = MOST_BEHIND + 3_600;
    let used = world.session("bob", bob, after(hours)).await;
    for (account, head) in [(ada, &idle), (bob, &used)] {
        assert!(end(world, account, head.session.id).await);
    }
    assert_eq!(revoked(world).await.sessions.len(), 2);
    let few = FeedPolicy { most: 1, ..FEED };
    assert_eq!(settle(world, hours + 10, few).await.left, 1);
    assert_eq!(sessions(&revoked(world).await), [used.session.id]);

    let operator = at(NOW, Actor::Operator);
    for account in [ada, bob] {
        let given = world.store.set_roles(&operator, account, roles(&[])).await;
        assert!(given.unwrap().is_ok());
    }
    assert_eq!(versions(&revoked(world).await).len(), 2);
    assert_eq!(settle(world, hours + 10, few).await.left, 1);
    let now = revoked(world).await;
    assert_eq!(versions(&now), BTreeMap::from([(bob.0, 1)]));
}

pub async fn a_new_life_begins_with_an_empty_feed(world: &World) {
    super::keys::start(world).await;
    let ada = world.account("ada", &[]).await.id;
    let head = world.session("ada", ada, NOW).await;
    world.session("ada", ada, NOW).await;
    assert!(end(world, ada, head.session.id).await);
    let before = revoked(world).await;
    let master = super::keys::master();
    let random = super::world::RANDOM;
    crate::recovery::begin_new_life(&*world.store, after(60), &master, random)
        .await
        .unwrap();
    let now = revoked(world).await;
    assert!(now.position > before.position && now.position.epoch > before.position.epoch);
    assert!(now.sessions.is_empty() && now.accounts.is_empty());
}

/// 64 sessions end at once while somebody reads: no number comes twice, and who has seen a number
/// never learns later of a change up to it.
pub async fn a_number_hides_no_change(world: &World) {
    for round in 0..rounds(2, 40) {
        let mut heads = Vec::new();
        for number in 0..64 {
            let name = format!("person{round}x{number}");
            let account = world.account(&name, &[]).await.id;
            heads.push((account, world.session(&name, account, NOW).await.session.id));
        }
        let is_done = Arc::new(AtomicBool::new(false));
        let reading = tokio::spawn(read(world.clone(), Arc::clone(&is_done)));
        let heads = Arc::new(heads);
        all_at_once(64, |number| {
            let (world, heads) = (world.clone(), Arc::clone(&heads));
            async move {
                let (account, session) = heads[number];
                assert!(end(&world, account, session).await);
                // Acknowledged is readable.
                let seen = world.store.revoked(ALL).await.unwrap();
                assert!(sessions(&seen).contains(&session));
            }
        })
        .await;
        is_done.store(true, Ordering::SeqCst);
        let reads = reading.await.unwrap();
        let last = revoked(world).await;
        let mut numbers: Vec<u64> = last.sessions.iter().map(|one| one.seq).collect();
        numbers.sort_unstable();
        assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
        assert_eq!(numbers.last(), Some(&last.position.seq));
        for (position, count) in reads {
            let known = numbers.iter().filter(|seq| **seq <= position.seq).count();
            assert_eq!(count, known, "{position:?}");
        }
    }
}

/// What was read, until it is done.
async fn read(world: World, is_done: Arc<AtomicBool>) -> Vec<(FeedPosition, usize)> {
    let mut reads = Vec::new();
    while !is_done.load(Ordering::SeqCst) {
        let seen = world.store.revoked(ALL).await.unwrap();
        let latest = seen.sessions.iter().map(|one| one.seq).max().unwrap_or(0);
        assert!(latest <= seen.position.seq);
        reads.push((seen.position, seen.sessions.len()));
        tokio::task::yield_now().await;
    }
    reads
}

/// What locks rows in one order and what locks them in the other, both of which write entries.
pub async fn revocations_of_all_kinds_at_once_wait_for_each_other(world: &World) {
    let ada = world.account("ada", &[]).await.id;
    for _ in 0..rounds(2, 40) {
        let mut heads = Vec::new();
        for _ in 0..15 {
            heads.push(world.session("ada", ada, NOW).await);
        }
        let heads = Arc::new(heads);
        all_at_once(15, |number| {
            let (world, heads) = (world.clone(), Arc::clone(&heads));
            async move {
                let operator = at(NOW, Actor::Operator);
                match number % 5 {
                    0 => {
                        let given = world.store.set_roles(&operator, ada, roles(&[])).await;
                        assert!(given.unwrap().is_ok());
                    }
                    1 => {
                        let keep = heads[number].session.id;
                        let context = at(NOW, Actor::Account(ada));
                        let ended = world.sessions.end_other_sessions(&context, ada, keep);
                        ended.await.unwrap();
                    }
                    2 => {
                        let few = FeedPolicy { most: 1, ..FEED };
                        settle(&world, 1, few).await;
                    }
                    3 => {
                        let (nobody, shown) = (anonymous(NOW), presented(&heads[number], 0));
                        let ended = world.sessions.end_family(&nobody, &shown);
                        ended.await.unwrap();
                    }
                    _ => {
                        world.rotate(&heads[number], 9, after(1)).await;
                    }
                }
            }
        })
        .await;
        let now = revoked(world).await;
        let alive = world
            .sessions
            .sessions(ada, after(1), &POLICY)
            .await
            .unwrap();
        for head in heads.iter() {
            let lives = alive.iter().any(|one| one.id == head.session.id);
            assert!(lives || is_over(&now, head));
        }
    }
}
