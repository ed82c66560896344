//! Everything about one person: giving it out, and letting it go.

use super::rounds;
use super::world::{
    NOW, POLICY, World, after, all_at_once, anonymous, at, effects, email, guess_key, hash, letter,
    new_account, new_session, registration, registration_mail, roles, token,
};
use crate::account::AccountId;
use crate::account::export::Held;
use crate::audit::Actor;
use crate::email::EmailAddress;
use crate::limit::{Guess, GuessPolicy};
use crate::mail::{MailKind, NewMail};
use crate::mailed_token::Purpose;
use crate::ports::personal::{ErasureRight, Farewell};
use crate::ports::{AdminRefusal, Rotation, Ruled};
use crate::role::grant::GrantError;
use crate::session::Head;
use crate::time::UnixTime;

fn farewell(email: &EmailAddress) -> Farewell {
    assert!(email.canonical().ends_with("@example.com"));
    Farewell {
        clears: guess_key("ada"),
        mail: letter(MailKind::ErasedNotice),
    }
}

async fn try_to_erase(
    world: &World,
    actor: Actor,
    id: AccountId,
    right: &ErasureRight,
) -> Ruled<(), AdminRefusal> {
    let context = at(after(6), actor);
    world.store.erase(&context, id, right, &farewell).await
}

pub(super) async fn erase(world: &World, id: AccountId) {
    let right = ErasureRight::Authority;
    let erased = try_to_erase(world, Actor::Operator, id, &right).await;
    erased.unwrap().unwrap();
}

async fn export(world: &World, id: AccountId, now: UnixTime) -> Option<Held> {
    let guesses = |_: &EmailAddress| guess_key("ada");
    let context = at(now, Actor::Account(id));
    let held = world.store.export(&context, id, &guesses).await;
    held.unwrap()
}

fn own(head: &Head, password: &str) -> ErasureRight {
    ErasureRight::Owner {
        session: head.session.id,
        checked: hash(password),
    }
}

pub async fn all_that_is_held_is_given_out(world: &World) {
    let store = &world.store;
    super::roles::create(world, "clerk", &["users:read"], &[]).await;
    let ada = world.account("ada", &["clerk"]).await;
    let head = world.session("ada", ada.id, NOW).await;
    world.session("ada", ada.id, after(1)).await;
    let ended = store
        .end_session(
            &at(after(2), Actor::Account(ada.id)),
            ada.id,
            head.session.id,
        )
        .await;
    assert!(ended.unwrap());
    let (key, policy) = (guess_key("ada"), GuessPolicy::default());
    store.begin_guess(&key, NOW, &policy).await.unwrap();
    world.issue_reset(ada.id, NOW).await.unwrap();
    // Somebody else, of whom nothing may be in it.
    let bob = world.account("bob", &[]).await;
    world.session("bob", bob.id, NOW).await;

    let held = export(world, ada.id, after(5)).await.unwrap();
    assert_eq!(held.account.id, ada.id);
    assert_eq!(held.account.roles, roles(&["clerk"]));
    assert_eq!(held.sessions.len(), 2);
    let over = held.sessions.iter().find(|one| one.ended_at.is_some());
    let over = over.expect("the session that ended");
    assert_eq!(over.session.id, head.session.id);
    assert_eq!(over.session.ip, Some([192, 0, 2, 1].into()));
    assert_eq!(over.session.user_agent.as_deref(), Some("story"));
    assert_eq!(held.failed_guesses, 1);
    let purposes: Vec<_> = held.mailed_tokens.iter().map(|one| &one.purpose).collect();
    assert_eq!(purposes, ["reset"]);
    assert_eq!(held.trail.last().unwrap().event.action, "account.exported");
    for row in &held.trail {
        let of_bob = bob.id.to_string();
        assert_ne!(row.event.subject.as_deref(), Some(of_bob.as_str()));
        assert_ne!(row.event.actor, of_bob);
    }
    let stranger = AccountId(super::world::RANDOM.uuid());
    assert!(export(world, stranger, NOW).await.is_none());
}

pub async fn an_erased_account_leaves_nothing_but_rows_about_nobody(world: &World) {
    let store = &world.store;
    super::roles::create(world, "clerk", &["users:read"], &[]).await;
    let ada = world.account("ada", &["clerk"]).await;
    let head = world.session("ada", ada.id, NOW).await;
    let request = world.request(MailKind::ResetRequest, NOW).await;
    let (reset, kept) = token(Purpose::Reset, NOW);
    let unsent = NewMail {
        account: Some(ada.id),
        ..letter(MailKind::Reset)
    };
    let context = anonymous(NOW);
    let issued = store
        .issue_reset(&context, request, ada.id, kept, unsent)
        .await;
    assert!(issued.unwrap());
    let (key, policy) = (guess_key("ada"), GuessPolicy::default());
    for _ in 0..3 {
        store.begin_guess(&key, NOW, &policy).await.unwrap();
    }
    let (_, waiting) = registration("ada", NOW);
    store
        .register(&context, waiting, registration_mail())
        .await
        .unwrap();

    erase(world, ada.id).await;
    assert_eq!(store.account(ada.id).await.unwrap(), None);
    assert_eq!(world.waiting_mail().await, ["erased_notice"]);
    assert!(matches!(
        world.rotate(&head, 0, after(61)).await,
        Rotation::Dead
    ));
    let nobody = store.reset_subject(&reset, after(61)).await.unwrap();
    assert_eq!(nobody, None);
    let guess = store.begin_guess(&key, after(61), &policy).await.unwrap();
    assert!(matches!(guess, Guess::Counted(_)), "the guesses are gone");
    let (mut ours, name) = (0, ada.id.to_string());
    for row in world.trail().await {
        let is_about = row.event.subject.as_deref() == Some(name.as_str());
        if row.event.actor == name || (is_about && row.event.actor == "anonymous") {
            ours += 1;
            assert_eq!(row.event.ip, None, "{:?}", row.event);
        }
    }
    assert!(ours >= 2, "the rows stay");
    assert_eq!(world.count("account.erased").await, 1);

    // The address is free, and whoever has it next has nothing of who had it before.
    let next = world.account("ada", &[]).await;
    assert_ne!(next.id, ada.id);
    assert!(next.roles.is_empty());
    let held = export(world, next.id, after(70)).await.unwrap();
    assert!(held.sessions.is_empty() && held.mailed_tokens.is_empty());
    let told = held.trail.iter().map(|row| &row.event.action);
    let told: Vec<_> = told.collect();
    assert_eq!(told, ["account.created", "account.exported"]);
}

pub async fn an_owner_erases_with_a_live_session_and_the_password(world: &World) {
    let ada = world.account("ada", &[]).await;
    let head = world.session("ada", ada.id, NOW).await;
    let other = world.session("ada", ada.id, NOW).await;
    let actor = Actor::Account(ada.id);
    let gone = Err(AdminRefusal::NotFound);
    let wrong = try_to_erase(world, actor, ada.id, &own(&head, "eve")).await;
    assert_eq!(wrong.unwrap(), gone);
    let context = at(NOW, actor);
    let ended = world
        .store
        .end_session(&context, ada.id, other.session.id)
        .await;
    assert!(ended.unwrap());
    let over = try_to_erase(world, actor, ada.id, &own(&other, "ada")).await;
    assert_eq!(over.unwrap(), gone);
    let bob = world.account("bob", &[]).await;
    let others = try_to_erase(world, actor, bob.id, &own(&head, "bob")).await;
    assert_eq!(others.unwrap(), gone);
    let erased = try_to_erase(world, actor, ada.id, &own(&head, "ada")).await;
    assert!(erased.unwrap().is_ok());
    let again = try_to_erase(world, actor, ada.id, &own(&head, "ada")).await;
    assert_eq!(again.unwrap(), gone);
}

pub async fn nobody_erases_above_themselves_or_the_last_admin(world: &World) {
    super::roles::create(world, "clerk", &["users:write"], &[]).await;
    let admin = world.account("admin", &["admin"]).await;
    let clerk = world.account("clerk", &["clerk"]).await;
    let ada = world.account("ada", &[]).await;
    let right = ErasureRight::Authority;
    let by = |actor: AccountId, id: AccountId| {
        let (world, right) = (world.clone(), right.clone());
        async move {
            let erased = try_to_erase(&world, Actor::Account(actor), id, &right).await;
            erased.unwrap()
        }
    };
    let above = AdminRefusal::Grant(GrantError::BeyondOwnAuthority);
    assert_eq!(by(clerk.id, admin.id).await, Err(above));
    assert_eq!(by(ada.id, clerk.id).await, Err(AdminRefusal::Forbidden));
    assert_eq!(by(admin.id, admin.id).await, Err(AdminRefusal::LastAdmin));
    assert_eq!(by(clerk.id, ada.id).await, Ok(()));
    let second = world.account("second", &["admin"]).await;
    assert_eq!(by(second.id, admin.id).await, Ok(()));
    let head = world.session("second", second.id, NOW).await;
    let last = try_to_erase(
        world,
        Actor::Account(second.id),
        second.id,
        &own(&head, "second"),
    )
    .await;
    assert_eq!(last.unwrap(), Err(AdminRefusal::LastAdmin));
}

pub async fn an_erasure_and_whatever_else_happens_leave_nobody(world: &World) {
    // Who becomes an admin at the last moment isn't the last one.
    world.account("root", &["admin"]).await;
    for round in 0..rounds(6, 150) {
        let name = format!("person{round}");
        let account = world.account(&name, &[]).await;
        let head = world.session(&name, account.id, NOW).await;
        let reset = world.issue_reset(account.id, NOW).await.unwrap();
        all_at_once(5, |task| {
            let (world, name, head) = (world.clone(), name.clone(), head.clone());
            async move {
                match task {
                    0 => erase(&world, account.id).await,
                    1 => drop(world.rotate(&head, 0, after(60)).await),
                    2 => {
                        let context = at(after(60), Actor::Account(account.id));
                        let session = new_session(account.id);
                        let opened = world
                            .sessions
                            .open_session(&context, session, effects(&name), &POLICY)
                            .await;
                        drop(opened.unwrap());
                    }
                    3 => {
                        let context = anonymous(after(60));
                        let (notice, key) = (letter(MailKind::ResetNotice), guess_key(&name));
                        let done = world
                            .store
                            .reset_password(&context, &reset, hash("other"), key, notice)
                            .await;
                        done.unwrap();
                    }
                    _ => {
                        let context = at(after(60), Actor::Operator);
                        let given = roles(&["admin"]);
                        let set = world.store.set_roles(&context, account.id, given).await;
                        drop(set.unwrap());
                    }
                }
            }
        })
        .await;
        let store = &world.store;
        assert_eq!(store.account(account.id).await.unwrap(), None);
        let rotated = world.rotate(&head, 1, after(61)).await;
        assert!(matches!(rotated, Rotation::Dead), "{rotated:?}");
        let sessions = world
            .sessions
            .sessions(account.id, after(61), &POLICY)
            .await;
        assert!(sessions.unwrap().is_empty());
        let operator = at(after(62), Actor::Operator);
        let created = store.create_account(&operator, new_account(&name, &[]));
        let created = created.await.unwrap().unwrap();
        assert_eq!(created.email, email(&name));
    }
}
