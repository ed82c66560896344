//! What admins do to the accounts of others beside suspending them and setting roles.

use super::rounds;
use super::world::{
    NOW, POLICY, RANDOM, World, after, all_at_once, anonymous, at, guess_key, hash, letter, roles,
    token,
};
use crate::account::{Account, AccountId, AccountStatus, DisplayName};
use crate::audit::Actor;
use crate::mail::MailKind;
use crate::mailed_token::{MailedTokenHash, Purpose};
use crate::ports::{AdminRefusal, Rotation};
use crate::role::grant::GrantError;
use crate::session::SessionId;

type Answer<T> = Result<T, AdminRefusal>;

async fn rename(world: &World, actor: Actor, id: AccountId, name: Option<&str>) -> Answer<Account> {
    let name = name.map(|name| DisplayName::parse(name).unwrap());
    let context = at(NOW, actor);
    let renamed = world.store.rename_account(&context, id, name).await;
    renamed.unwrap()
}

async fn send_reset(world: &World, actor: Actor, id: AccountId) -> Answer<MailedTokenHash> {
    let (mailed, kept) = token(Purpose::Reset, NOW);
    let write = |_: &Account| letter(MailKind::Reset);
    let context = at(NOW, actor);
    let sent = world.store.send_reset(&context, id, kept, &write).await;
    sent.unwrap().map(|()| mailed)
}

async fn end_one(world: &World, actor: Actor, id: AccountId, session: SessionId) -> Answer<bool> {
    let context = at(NOW, actor);
    let ended = world.store.end_session_of(&context, id, session).await;
    ended.unwrap()
}

async fn end_all(world: &World, actor: Actor, id: AccountId) -> Answer<u64> {
    let context = at(NOW, actor);
    world.store.end_sessions_of(&context, id).await.unwrap()
}

/// Somebody with one role of these permissions.
async fn holder(world: &World, name: &str, permissions: &[&str]) -> Actor {
    super::roles::create(world, name, permissions, &[]).await;
    Actor::Account(world.account(name, &[name]).await.id)
}

pub async fn an_admin_renames_and_sends_resets(world: &World) {
    let store = &world.store;
    let clerk = holder(world, "clerk", &["users:write"]).await;
    let ada = world.account("ada", &[]).await;
    let renamed = rename(world, clerk, ada.id, Some("Ada")).await.unwrap();
    assert_eq!(renamed.name, DisplayName::parse("Ada").ok());
    assert_eq!(store.account(ada.id).await.unwrap(), Some(renamed));
    let unnamed = rename(world, Actor::Operator, ada.id, None).await.unwrap();
    assert_eq!(unnamed.name, None);

    let asked = world.issue_reset(ada.id, NOW).await.unwrap();
    let sent = send_reset(world, clerk, ada.id).await.unwrap();
    assert_eq!(world.waiting_mail().await, ["reset", "reset"]);
    let subject = store.reset_subject(&asked, NOW).await.unwrap();
    assert_eq!(subject, None, "the newer one counts");
    let (key, notice) = (guess_key("ada"), letter(MailKind::ResetNotice));
    let context = anonymous(NOW);
    let reset = store.reset_password(&context, &sent, hash("new"), key, notice);
    assert!(reset.await.unwrap());

    let operator = at(NOW, Actor::Operator);
    let suspended = store.set_status(&operator, ada.id, AccountStatus::Suspended);
    suspended.await.unwrap().unwrap();
    let refused = send_reset(world, clerk, ada.id).await;
    assert_eq!(refused.err(), Some(AdminRefusal::NotActive));
    assert_eq!(world.count("account.renamed").await, 2);
    assert_eq!(world.count("password.reset_requested").await, 2);
}

pub async fn an_admin_ends_sessions_one_by_one_and_all(world: &World) {
    let warden = holder(world, "warden", &["sessions:write"]).await;
    let ada = world.account("ada", &[]).await;
    let eve = world.account("eve", &[]).await;
    let mut heads = Vec::new();
    for _ in 0..3 {
        heads.push(world.session("ada", ada.id, NOW).await);
    }
    let others = world.session("eve", eve.id, NOW).await;
    let first = heads[0].session.id;
    assert_eq!(end_one(world, warden, eve.id, first).await, Ok(false));
    assert_eq!(end_one(world, warden, ada.id, first).await, Ok(true));
    assert_eq!(end_one(world, warden, ada.id, first).await, Ok(false));
    assert_eq!(end_all(world, warden, ada.id).await, Ok(2));
    assert_eq!(end_all(world, warden, ada.id).await, Ok(0));
    for head in &heads {
        let dead = world.rotate(head, 0, after(1)).await;
        assert!(matches!(dead, Rotation::Dead));
    }
    let left = world.sessions.sessions(ada.id, after(1), &POLICY).await;
    assert!(left.unwrap().is_empty());
    let alive = world.rotate(&others, 0, after(1)).await;
    assert!(matches!(alive, Rotation::Advanced(_)));
    assert_eq!(world.count("session.ended").await, 3);
    let trail = world.trail().await;
    let by = trail
        .iter()
        .filter(|row| row.event.action == "session.ended");
    for row in by {
        assert_eq!(row.event.actor, warden.describe());
        assert_eq!(row.event.subject, Some(ada.id.to_string()));
    }
}

pub async fn nobody_administers_somebody_above_themselves(world: &World) {
    let store = &world.store;
    let root = world.account("root", &["admin"]).await;
    let head = world.session("root", root.id, NOW).await;
    let both = holder(world, "both", &["users:write", "sessions:write"]).await;
    let beyond = AdminRefusal::Grant(GrantError::BeyondOwnAuthority);
    let stranger = world.account("stranger", &[]).await;
    let nobody = AccountId(RANDOM.uuid());
    for (actor, target, refusal) in [
        (both, root.id, beyond),
        (both, nobody, AdminRefusal::NotFound),
        (
            Actor::Account(stranger.id),
            stranger.id,
            AdminRefusal::Forbidden,
        ),
        (Actor::Anonymous, stranger.id, AdminRefusal::Forbidden),
        (Actor::Account(nobody), stranger.id, AdminRefusal::Forbidden),
    ] {
        let refused = [
            rename(world, actor, target, Some("Eve")).await.err(),
            send_reset(world, actor, target).await.err(),
            end_one(world, actor, target, head.session.id).await.err(),
            end_all(world, actor, target).await.err(),
        ];
        assert!(
            refused.iter().all(|error| error.as_ref() == Some(&refusal)),
            "{actor:?} {refused:?}"
        );
    }
    // One permission isn't the other.
    let clerk = holder(world, "clerk", &["users:write"]).await;
    let warden = holder(world, "warden", &["sessions:write"]).await;
    let forbidden = Some(AdminRefusal::Forbidden);
    let id = stranger.id;
    assert_eq!(end_all(world, clerk, id).await.err(), forbidden);
    assert_eq!(send_reset(world, warden, id).await.err(), forbidden);
    assert_eq!(rename(world, warden, id, None).await.err(), forbidden);
    let left = store.account(root.id).await.unwrap().unwrap();
    assert_eq!((left.name, left.version), (root.name, root.version));
    let alive = world.rotate(&head, 0, after(1)).await;
    assert!(matches!(alive, Rotation::Advanced(_)));
    assert_eq!(world.waiting_mail().await, [""; 0]);
    for action in [
        "account.renamed",
        "password.reset_requested",
        "session.ended",
    ] {
        assert_eq!(world.count(action).await, 0, "{action}");
    }
}

pub async fn a_right_that_is_taken_is_gone_at_once(world: &World) {
    let clerk = holder(world, "clerk", &["users:write"]).await;
    let Actor::Account(clerk_id) = clerk else {
        panic!("{clerk:?}");
    };
    let ada = world.account("ada", &[]).await;
    for _ in 0..rounds(8, 200) {
        let operator = at(NOW, Actor::Operator);
        let given = world
            .store
            .set_roles(&operator, clerk_id, roles(&["clerk"]));
        given.await.unwrap().unwrap();
        let before = world.actions().await.len();
        let done = all_at_once(9, |number| {
            let (world, ada) = (world.clone(), ada.id);
            async move {
                match number {
                    4 => {
                        let operator = at(NOW, Actor::Operator);
                        let taken = world.store.set_roles(&operator, clerk_id, roles(&[]));
                        taken.await.unwrap().is_ok()
                    }
                    _ => rename(&world, clerk, ada, Some("Ada")).await.is_ok(),
                }
            }
        })
        .await;
        assert!(done[4]);
        // What the clerk did stands in the trail before the right was taken, all of it.
        let actions = world.actions().await;
        let (last, renames) = actions[before..].split_last().unwrap();
        let renamed = done.iter().filter(|done| **done).count() - 1;
        assert_eq!(last, "account.roles_set");
        assert_eq!(renames.len(), renamed);
        assert!(renames.iter().all(|action| action == "account.renamed"));
    }
}
