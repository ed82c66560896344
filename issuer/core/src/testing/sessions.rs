//! Sessions: what opens one, who lives by it, what ends it.

use super::rounds;
use super::world::{
    NOW, POLICY, World, advanced, after, all_at_once, anonymous, at, effects, guess_key, hash,
    letter, new_session, presented, roles,
};
use crate::account::{Account, AccountId, AccountStatus};
use crate::audit::Actor;
use crate::limit::{Guess, GuessPolicy};
use crate::mail::MailKind;
use crate::password::PasswordHash;
use crate::ports::{LoginEffects, Rotation};
use crate::session::{Head, SessionId};

pub async fn a_session_opens_advances_and_is_listed(world: &World) {
    let ada = world.account("ada", &[]).await;
    let head = world.session("ada", ada.id, NOW).await;
    assert_eq!(head.generation, 0);
    assert_eq!(head.expires_at, after(POLICY.idle));
    assert_eq!(head.session.authenticated_at, NOW);
    assert_eq!(head.session.account.last_login_at, Some(NOW));
    assert_eq!(head.session.authority.roles, roles(&["user"]));
    assert_eq!(head.session.audience, "audience");

    let next = advanced(world.rotate(&head, 0, after(100)).await);
    assert_eq!(next.generation, 1);
    assert_eq!(next.family, head.family);
    assert_eq!(next.session.authenticated_at, NOW);
    assert_eq!(next.expires_at, after(100 + POLICY.idle));
    let second = advanced(world.rotate(&next, 1, after(200)).await);
    assert_eq!(second.generation, 2);

    let listed = world.sessions.sessions(ada.id, after(200), &POLICY).await;
    let listed = listed.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].created_at, NOW);
    let seen = listed[0].last_seen_at;
    assert!(seen <= after(200) && after(200) <= seen.saturating_add(world.behind));
    assert_eq!(listed[0].user_agent.as_deref(), Some("story"));
    assert_eq!(listed[0].ip, Some([192, 0, 2, 1].into()));
    assert_eq!((listed[0].repeats, listed[0].repeated_at), (0, None));
    let expired = world
        .sessions
        .sessions(ada.id, after(200 + POLICY.idle), &POLICY);
    assert!(expired.await.unwrap().is_empty());
    let late = world.rotate(&second, 2, after(200 + POLICY.idle)).await;
    assert!(matches!(late, Rotation::Dead));
    assert_eq!(
        world.actions().await,
        ["account.created", "session.opened", "session.ended"],
        "a plain refresh is no change worth a row"
    );
}

pub async fn an_account_has_no_more_sessions_than_it_may(world: &World) {
    let ada = world.account("ada", &[]).await;
    let mut opened = Vec::new();
    for number in 0..4 {
        let context = at(after(number), Actor::Account(ada.id));
        let effects = LoginEffects {
            max_sessions: 2,
            ..effects("ada")
        };
        let session = new_session(ada.id);
        let head = world
            .sessions
            .open_session(&context, session, effects, &POLICY)
            .await;
        opened.push(head.unwrap().unwrap().session.id);
    }
    let left = world.sessions.sessions(ada.id, after(9), &POLICY).await;
    let left: Vec<SessionId> = left.unwrap().into_iter().map(|s| s.id).collect();
    assert_eq!(left, [opened[3], opened[2]]);
    assert_eq!(world.count("session.ended").await, 2);
}

pub async fn sessions_end_one_by_one_all_others_and_by_token(world: &World) {
    let sessions = &world.sessions;
    let ada = world.account("ada", &[]).await;
    let eve = world.account("eve", &[]).await;
    let mut heads = Vec::new();
    for _ in 0..4 {
        heads.push(world.session("ada", ada.id, NOW).await);
    }
    let first = heads[0].session.id;
    let by_eve = sessions.end_session(&anonymous(NOW), eve.id, first).await;
    assert!(!by_eve.unwrap(), "nobody ends a stranger's session");
    assert!(
        sessions
            .end_session(&anonymous(NOW), ada.id, first)
            .await
            .unwrap()
    );
    let again = sessions.end_session(&anonymous(NOW), ada.id, first).await;
    assert!(!again.unwrap());
    let shown = presented(&heads[1], 0);
    assert!(sessions.end_family(&anonymous(NOW), &shown).await.unwrap());
    assert!(!sessions.end_family(&anonymous(NOW), &shown).await.unwrap());
    let keep = heads[2].session.id;
    let others = sessions
        .end_other_sessions(&anonymous(NOW), ada.id, keep)
        .await;
    assert_eq!(others.unwrap(), 1);
    let alive = world.rotate(&heads[2], 0, NOW).await;
    assert!(matches!(alive, Rotation::Advanced(_)));
    for index in [0, 1, 3] {
        let dead = world.rotate(&heads[index], 0, NOW).await;
        assert!(matches!(dead, Rotation::Dead));
    }
    assert_eq!(world.count("session.ended").await, 3);
}

pub async fn a_bearer_is_live_while_session_account_and_version_are(world: &World) {
    let root = world.account("root", &["admin"]).await;
    let ada = world.account("ada", &[]).await;
    let head = world.session("ada", ada.id, NOW).await;
    let live = async |session: SessionId, account: AccountId, version, now| {
        let found = world
            .sessions
            .live_session(session, account, version, now, &POLICY);
        found.await.unwrap()
    };
    let id = head.session.id;
    let found = live(id, ada.id, 0, after(1)).await.unwrap();
    assert_eq!(found.account.id, ada.id);
    assert!(live(id, root.id, 0, after(1)).await.is_none());
    assert!(live(id, ada.id, 0, after(POLICY.idle)).await.is_none());
    let by_root = at(NOW, Actor::Account(root.id));
    let changed = world.store.set_roles(&by_root, ada.id, roles(&["admin"]));
    changed.await.unwrap().unwrap();
    assert!(live(id, ada.id, 0, after(1)).await.is_none());
    let promoted = live(id, ada.id, 1, after(1)).await.unwrap();
    assert!(promoted.authority.is_admin());
    let ended = world
        .sessions
        .end_session(&anonymous(NOW), ada.id, id)
        .await;
    assert!(ended.unwrap());
    assert!(live(id, ada.id, 1, after(1)).await.is_none());
}

pub async fn a_proven_password_advances_the_session(world: &World) {
    let ada = world.account("ada", &[]).await;
    let head = world.session("ada", ada.id, NOW).await;
    let prove = async |password: &str, account| {
        let context = at(after(400), Actor::Account(ada.id));
        let effects = effects(password);
        world
            .sessions
            .reauthenticate(&context, head.session.id, account, effects, &POLICY)
            .await
            .unwrap()
    };
    assert!(prove("wrong", ada.id).await.is_none());
    let stranger = world.account("eve", &[]).await;
    assert!(prove("eve", stranger.id).await.is_none());
    let proven = prove("ada", ada.id).await.unwrap();
    assert_eq!(proven.generation, 1);
    assert_eq!(proven.session.authenticated_at, after(400));
    let next = advanced(world.rotate(&proven, 1, after(500)).await);
    assert_eq!(next.session.authenticated_at, after(400));
    assert_eq!(world.count("session.reauthenticated").await, 1);
}

pub async fn what_changed_since_the_check_opens_nothing(world: &World) {
    let store = &world.store;
    let ada = world.account("ada", &[]).await;
    let key = guess_key("ada");
    let open = async |effects: LoginEffects| {
        let context = at(NOW, Actor::Account(ada.id));
        let session = new_session(ada.id);
        let opened = world
            .sessions
            .open_session(&context, session, effects, &POLICY);
        opened.await.unwrap()
    };
    assert!(open(effects("old")).await.is_none());
    let policy = GuessPolicy::default();
    for _ in 0..3 {
        store.begin_guess(&key, NOW, &policy).await.unwrap();
    }
    let better = LoginEffects {
        rehashed: Some(hash("better")),
        clears: Some(key),
        ..effects("ada")
    };
    assert!(open(better).await.is_some());
    let guess = store.begin_guess(&key, NOW, &policy).await.unwrap();
    assert!(matches!(guess, Guess::Counted(_)));
    let (_, password) = store.account_with_password(ada.id).await.unwrap().unwrap();
    assert_eq!(password, hash("better"));
    assert!(open(effects("ada")).await.is_none());
    let operator = at(NOW, Actor::Operator);
    let stopped = crate::account::AccountStatus::Suspended;
    store
        .set_status(&operator, ada.id, stopped)
        .await
        .unwrap()
        .unwrap();
    assert!(open(effects("better")).await.is_none());
}

/// Somebody enters whose password was checked against `checked`, and is kept as `anew` from then on.
async fn enter(
    world: &World,
    account: AccountId,
    checked: PasswordHash,
    anew: Option<PasswordHash>,
) -> Option<Head> {
    let effects = LoginEffects {
        checked,
        rehashed: anew,
        ..effects("")
    };
    let context = at(NOW, Actor::Account(account));
    let session = new_session(account);
    let sessions = &world.sessions;
    let opened = sessions.open_session(&context, session, effects, &POLICY);
    opened.await.unwrap()
}

async fn kept(world: &World, account: AccountId) -> (Account, PasswordHash) {
    let kept = world.store.account_with_password(account).await;
    kept.unwrap().unwrap()
}

pub async fn of_many_who_make_a_hash_anew_one_does_and_all_enter_with_it(world: &World) {
    let ada = world.account("ada", &[]).await.id;
    for round in 0..rounds(4, 100) {
        let (_, outdated) = kept(world, ada).await;
        let anew = |number: usize| hash(&format!("ada, anew {round} {number}"));
        let opened = all_at_once(8, |number| {
            let (world, outdated, anew) = (world.clone(), outdated.clone(), anew(number));
            async move { enter(&world, ada, outdated, Some(anew)).await.is_some() }
        })
        .await;
        let first: Vec<usize> = (0..8).filter(|number| opened[*number]).collect();
        assert_eq!(first.len(), 1);
        let (account, better) = kept(world, ada).await;
        assert_eq!(better, anew(first[0]));
        assert_eq!(account.device_epoch, 0, "it is the same password");
        let opened = all_at_once(7, |_| {
            let (world, better) = (world.clone(), better.clone());
            async move { enter(&world, ada, better, None).await.is_some() }
        })
        .await;
        assert_eq!(opened, [true; 7]);
    }
}

pub async fn no_hash_made_anew_takes_the_place_of_another_password(world: &World) {
    for round in 0..rounds(8, 200) {
        let name = format!("ada{round}");
        let ada = world.account(&name, &[]).await.id;
        let mailed = world.issue_reset(ada, NOW).await.unwrap();
        let opened = all_at_once(6, |number| {
            let (world, name) = (world.clone(), name.clone());
            async move {
                if number == 3 {
                    let (key, notice) = (guess_key(&name), letter(MailKind::ResetNotice));
                    let context = anonymous(NOW);
                    let store = &world.store;
                    let reset = store.reset_password(&context, &mailed, hash("new"), key, notice);
                    assert!(reset.await.unwrap());
                    return None;
                }
                let anew = hash(&format!("{name}, anew {number}"));
                enter(&world, ada, hash(&name), Some(anew)).await
            }
        })
        .await;
        let (account, password) = kept(world, ada).await;
        assert_eq!((account.device_epoch, password), (1, hash("new")));
        for head in opened.into_iter().flatten() {
            assert!(matches!(world.rotate(&head, 0, NOW).await, Rotation::Dead));
        }
        assert_eq!(enter(world, ada, hash(&name), None).await, None);
    }
}

pub async fn an_account_that_may_not_log_in_gets_no_session(world: &World) {
    let ada = world.unverified("ada", &[]).await;
    let context = at(NOW, Actor::Account(ada.id));
    let opened =
        world
            .sessions
            .open_session(&context, new_session(ada.id), effects("ada"), &POLICY);
    assert_eq!(opened.await.unwrap(), None);
    let nobody = AccountId(super::world::RANDOM.uuid());
    let opened =
        world
            .sessions
            .open_session(&context, new_session(nobody), effects("ada"), &POLICY);
    assert_eq!(opened.await.unwrap(), None);
    assert_eq!(world.actions().await, ["account.created"]);
}

pub async fn a_clock_that_goes_back_ends_no_new_session(world: &World) {
    let ada = world.account("ada", &[]).await;
    let context = |now| at(now, Actor::Account(ada.id));
    let open = async |now| {
        let effects = LoginEffects {
            max_sessions: 1,
            ..effects("ada")
        };
        let session = new_session(ada.id);
        let opened = world
            .sessions
            .open_session(&context(now), session, effects, &POLICY)
            .await;
        opened.unwrap().unwrap()
    };
    let early = open(after(100)).await;
    let late = open(NOW).await;
    assert!(matches!(world.rotate(&early, 0, NOW).await, Rotation::Dead));
    advanced(world.rotate(&late, 0, NOW).await);
}

pub async fn a_suspended_bearer_is_not_live(world: &World) {
    let ada = world.account("ada", &[]).await;
    let head = world.session("ada", ada.id, NOW).await;
    let operator = at(NOW, Actor::Operator);
    for status in [AccountStatus::Suspended, AccountStatus::Active] {
        let set = world.store.set_status(&operator, ada.id, status).await;
        set.unwrap().unwrap();
        let id = head.session.id;
        let live = world
            .sessions
            .live_session(id, ada.id, u64::MAX, NOW, &POLICY);
        assert_eq!(live.await.unwrap(), None, "{status:?}");
    }
}

pub async fn only_a_live_session_proves_its_password_again(world: &World) {
    let store = &world.store;
    let ada = world.account("ada", &[]).await;
    let head = world.session("ada", ada.id, NOW).await;
    let key = guess_key("ada");
    let policy = GuessPolicy::default();
    for _ in 0..3 {
        store.begin_guess(&key, NOW, &policy).await.unwrap();
    }
    let prove = async |now| {
        let context = at(now, Actor::Account(ada.id));
        let effects = LoginEffects {
            clears: Some(key),
            ..effects("ada")
        };
        let id = head.session.id;
        let proven = world
            .sessions
            .reauthenticate(&context, id, ada.id, effects, &POLICY);
        proven.await.unwrap()
    };
    assert_eq!(prove(after(POLICY.idle)).await, None);
    let guess = store.begin_guess(&key, NOW, &policy).await.unwrap();
    let waits = matches!(guess, Guess::Wait { .. });
    assert!(waits, "what was refused clears nothing");
    let ended = world
        .sessions
        .end_session(&anonymous(NOW), ada.id, head.session.id)
        .await;
    assert!(ended.unwrap());
    assert_eq!(prove(NOW).await, None);
    assert_eq!(world.count("session.reauthenticated").await, 0);
}
