//! The first admin, the last admin, and what admins may do to others.

use super::rounds;
use super::world::{
    NOW, POLICY, World, after, all_at_once, anonymous, at, new_account, roles, token,
};
use crate::account::{Account, AccountId, AccountStatus};
use crate::audit::Actor;
use crate::mailed_token::Purpose;
use crate::ports::{AdminRefusal, FirstAdminError, Rotation, Ruled};
use crate::role::grant::GrantError;

type Changed = Ruled<Account, AdminRefusal>;

async fn set_roles(world: &World, actor: Actor, id: AccountId, names: &[&str]) -> Changed {
    let context = at(NOW, actor);
    world.store.set_roles(&context, id, roles(names)).await
}

async fn set_status(world: &World, actor: Actor, id: AccountId, status: AccountStatus) -> Changed {
    let context = at(NOW, actor);
    world.store.set_status(&context, id, status).await
}

/// Takes everything from a role.
async fn empty_role(world: &World, actor: Actor, name: &str) -> Result<(), AdminRefusal> {
    let empty = super::roles::role(name, &[], &[]);
    let replaced = world.store.replace_role(&at(NOW, actor), empty).await;
    replaced.unwrap()
}

pub async fn the_first_admin_is_created_once_among_fifty(world: &World) {
    let store = &world.store;
    assert!(!store.admin_exists().await.unwrap());
    let (setup, kept) = token(Purpose::Setup, NOW);
    store.issue_setup(&anonymous(NOW), kept).await.unwrap();
    let answers = all_at_once(50, |number| {
        let store = store.clone();
        async move {
            let account = new_account(&format!("root{number}"), &["admin"]);
            store
                .create_first_admin(&anonymous(NOW), &setup, account)
                .await
                .unwrap()
        }
    })
    .await;
    let created = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(created, 1);
    assert!(
        answers
            .iter()
            .flat_map(|answer| answer.as_ref().err())
            .all(|error| *error == FirstAdminError::AdminExists)
    );
    assert!(store.admin_exists().await.unwrap());
    assert_eq!(world.count("account.created").await, 1);
}

pub async fn a_setup_token_is_void_after_a_newer_one_and_after_its_hour(world: &World) {
    let store = &world.store;
    let (old, kept) = token(Purpose::Setup, NOW);
    store.issue_setup(&anonymous(NOW), kept).await.unwrap();
    let (new, kept) = token(Purpose::Setup, NOW);
    store.issue_setup(&anonymous(NOW), kept).await.unwrap();
    for (setup, now) in [(old, NOW), (new, after(Purpose::Setup.lifetime()))] {
        let context = anonymous(now);
        let account = new_account("root", &["admin"]);
        let answer = store.create_first_admin(&context, &setup, account).await;
        assert_eq!(answer.unwrap(), Err(FirstAdminError::TokenUnusable));
    }
    let account = new_account("root", &["admin"]);
    let answer = store
        .create_first_admin(&anonymous(NOW), &new, account)
        .await;
    assert!(answer.unwrap().is_ok());
}

pub async fn a_first_admin_with_a_taken_address_leaves_the_link_good(world: &World) {
    let store = &world.store;
    world.account("ada", &[]).await;
    let (setup, kept) = token(Purpose::Setup, NOW);
    store.issue_setup(&anonymous(NOW), kept).await.unwrap();
    let answers = [
        ("ada", Some(FirstAdminError::AddressTaken)),
        ("root", None),
        ("second", Some(FirstAdminError::AdminExists)),
    ];
    for (name, refusal) in answers {
        let account = new_account(name, &["admin"]);
        let answer = store
            .create_first_admin(&anonymous(NOW), &setup, account)
            .await;
        assert_eq!(answer.unwrap().err(), refusal);
    }
    assert_eq!(world.count("setup.link_issued").await, 1);
}

pub async fn an_admin_who_can_not_log_in_is_none(world: &World) {
    let store = &world.store;
    let root = world.unverified("root", &["admin"]).await;
    assert!(!store.admin_exists().await.unwrap());
    let ada = world.account("ada", &[]).await;
    let by_root = set_roles(world, Actor::Account(root.id), ada.id, &["admin"]).await;
    assert_eq!(by_root.unwrap(), Err(AdminRefusal::Forbidden));
    let demoted = set_roles(world, Actor::Operator, root.id, &[]).await;
    assert!(demoted.unwrap().is_ok(), "it wasn't the last one");
}

pub async fn a_change_of_roles_says_what_they_were(world: &World) {
    let root = Actor::Account(world.account("root", &["admin"]).await.id);
    let ada = world.account("ada", &[]).await;
    super::roles::create(world, "clerk", &["users:read"], &[]).await;
    let given = set_roles(world, root, ada.id, &["clerk", "user"]).await;
    let given = given.unwrap().unwrap();
    assert_eq!(given.roles, roles(&["clerk"]), "everyone has `user`");
    assert_eq!(given.version, 1);
    let ghost = roles(&["ghost"]).into_iter().next().unwrap();
    let unknown = set_roles(world, root, ada.id, &["ghost"]).await;
    let unknown_role = AdminRefusal::Grant(GrantError::UnknownRole(ghost));
    assert_eq!(unknown.unwrap(), Err(unknown_role));
    let taken = set_roles(world, root, ada.id, &[]).await;
    assert_eq!(taken.unwrap().unwrap().version, 2);
    let trail = world.trail().await;
    let changes: Vec<_> = trail
        .iter()
        .filter(|row| row.event.action == "account.roles_set")
        .map(|row| (row.event.actor.as_str(), row.event.detail.as_str()))
        .collect();
    let actor = root.describe();
    let told = [
        r#"{"before":[],"after":["clerk"]}"#,
        r#"{"before":["clerk"],"after":[]}"#,
    ];
    assert_eq!(changes, told.map(|detail| (actor.as_str(), detail)));
}

pub async fn suspending_ends_everything_at_once(world: &World) {
    let root = Actor::Account(world.account("root", &["admin"]).await.id);
    let ada = world.account("ada", &[]).await;
    let head = world.session("ada", ada.id, NOW).await;
    let suspended = set_status(world, root, ada.id, AccountStatus::Suspended).await;
    let suspended = suspended.unwrap().unwrap();
    assert_eq!(suspended.status, AccountStatus::Suspended);
    assert_eq!((suspended.version, suspended.device_epoch), (1, 1));
    assert!(matches!(world.rotate(&head, 0, NOW).await, Rotation::Dead));
    let sessions = world.sessions.sessions(ada.id, NOW, &POLICY).await.unwrap();
    assert!(sessions.is_empty());

    let again = set_status(world, root, ada.id, AccountStatus::Suspended).await;
    assert!(again.unwrap().is_ok());
    let active = set_status(world, root, ada.id, AccountStatus::Active).await;
    assert_eq!(active.unwrap().unwrap().status, AccountStatus::Active);
    assert!(
        matches!(world.rotate(&head, 0, NOW).await, Rotation::Dead),
        "activating revives no session"
    );
    assert_eq!(world.count("account.suspended").await, 1);
    assert_eq!(world.count("account.activated").await, 1);
}

pub async fn nobody_acts_above_themselves(world: &World) {
    let root = world.account("root", &["admin"]).await;
    let ada = world.account("ada", &[]).await;
    let bob = world.account("bob", &[]).await;
    let by_ada = set_roles(world, Actor::Account(ada.id), bob.id, &[]).await;
    assert_eq!(by_ada.unwrap(), Err(AdminRefusal::Forbidden));
    let by_nobody = set_roles(world, Actor::Anonymous, bob.id, &[]).await;
    assert_eq!(by_nobody.unwrap(), Err(AdminRefusal::Forbidden));

    super::roles::create(world, "clerk", &["users:write"], &[]).await;
    let promoted = set_roles(world, Actor::Account(root.id), ada.id, &["clerk"]).await;
    assert_eq!(promoted.unwrap().unwrap().version, 1);
    let clerk = Actor::Account(ada.id);
    let beyond = Err(AdminRefusal::Grant(GrantError::BeyondOwnAuthority));
    let up = set_roles(world, clerk, bob.id, &["admin"]).await.unwrap();
    assert_eq!(up, beyond);
    let against = set_status(world, clerk, root.id, AccountStatus::Suspended).await;
    assert_eq!(against.unwrap(), beyond);
    let sideways = set_roles(world, clerk, bob.id, &["clerk"]).await.unwrap();
    assert_eq!(sideways.unwrap().roles, roles(&["clerk"]));
    let stranger = AccountId(super::world::RANDOM.uuid());
    let missing = set_roles(world, Actor::Account(root.id), stranger, &[]).await;
    assert_eq!(missing.unwrap(), Err(AdminRefusal::NotFound));

    let stopped = set_status(world, Actor::Operator, ada.id, AccountStatus::Suspended).await;
    assert!(stopped.unwrap().is_ok());
    let after_all = set_roles(world, clerk, bob.id, &[]).await.unwrap();
    assert_eq!(after_all, Err(AdminRefusal::Forbidden));
}

pub async fn the_last_admin_stays(world: &World) {
    let root = world.account("root", &["admin"]).await;
    let actor = Actor::Account(root.id);
    let last = Err(AdminRefusal::LastAdmin);
    let demoted = set_roles(world, actor, root.id, &[]).await.unwrap();
    assert_eq!(demoted, last);
    let suspended = set_status(world, actor, root.id, AccountStatus::Suspended).await;
    assert_eq!(suspended.unwrap(), last);
    assert_eq!(
        world.store.account(root.id).await.unwrap(),
        Some(root.clone())
    );
    let other = world.account("other", &["admin"]).await;
    let demoted = set_roles(world, Actor::Account(other.id), root.id, &[]).await;
    assert!(demoted.unwrap().is_ok());
}

pub async fn two_admins_who_remove_each_other_leave_one(world: &World) {
    for round in 0..rounds(10, 200) {
        let names = [format!("left{round}"), format!("right{round}")];
        let left = world.account(&names[0], &["admin"]).await;
        let right = world.account(&names[1], &["admin"]).await;
        let pairs = [(left.id, right.id), (right.id, left.id)];
        all_at_once(2, |side| {
            let world = world.clone();
            let (actor, target) = pairs[side];
            async move {
                let actor = Actor::Account(actor);
                if (round + u32::try_from(side).unwrap()) % 2 == 0 {
                    set_roles(&world, actor, target, &[]).await.unwrap().is_ok()
                } else {
                    let stopped = AccountStatus::Suspended;
                    let answer = set_status(&world, actor, target, stopped).await;
                    answer.unwrap().is_ok()
                }
            }
        })
        .await;
        assert!(world.store.admin_exists().await.unwrap());
        let clear = |id| set_roles(world, Actor::Operator, id, &[]);
        let _one_may_be_the_last = (clear(left.id).await, clear(right.id).await);
    }
}

pub async fn who_inherits_admin_counts_as_one(world: &World) {
    let store = &world.store;
    super::roles::create(world, "owner", &[], &["admin"]).await;
    super::roles::create(world, "founder", &[], &["owner"]).await;
    let last = || AdminRefusal::LastAdmin;
    let heir = world.account("heir", &["founder"]).await;
    assert!(store.admin_exists().await.unwrap());
    let actor = Actor::Account(heir.id);
    let demoted = set_roles(world, actor, heir.id, &[]).await.unwrap();
    assert_eq!(demoted, Err(last()));
    let suspended = set_status(world, actor, heir.id, AccountStatus::Suspended).await;
    assert_eq!(suspended.unwrap(), Err(last()));
    for role in ["owner", "founder"] {
        let emptied = empty_role(world, actor, role).await;
        assert_eq!(emptied, Err(last()), "{role}");
    }
    assert_eq!(store.account(heir.id).await.unwrap(), Some(heir.clone()));

    let (setup, kept) = token(Purpose::Setup, NOW);
    store.issue_setup(&anonymous(NOW), kept).await.unwrap();
    let second = new_account("second", &["admin"]);
    let second = store
        .create_first_admin(&anonymous(NOW), &setup, second)
        .await;
    assert_eq!(second.unwrap(), Err(FirstAdminError::AdminExists));

    let root = world.account("root", &["admin"]).await;
    let emptied = empty_role(world, Actor::Account(root.id), "owner").await;
    assert_eq!(emptied, Ok(()));
    let former = store.account(heir.id).await.unwrap().unwrap();
    assert_eq!(former.version, 1, "what was taken bites at once");
    let demoted = set_roles(world, Actor::Account(root.id), root.id, &[]).await;
    assert_eq!(demoted.unwrap(), Err(last()));
}

pub async fn where_everyone_is_an_admin_the_last_one_who_can_log_in_stays(world: &World) {
    super::roles::replace(world, "user", &[], &["admin"]).await;
    assert!(!world.store.admin_exists().await.unwrap());
    let [ada, bob] = [
        world.account("ada", &[]).await.id,
        world.account("bob", &[]).await.id,
    ];
    assert!(world.store.admin_exists().await.unwrap());
    let suspend = |id| set_status(world, Actor::Account(ada), id, AccountStatus::Suspended);
    assert!(suspend(bob).await.unwrap().is_ok());
    assert_eq!(suspend(ada).await.unwrap(), Err(AdminRefusal::LastAdmin));
    let emptied = empty_role(world, Actor::Account(ada), "user").await;
    assert_eq!(emptied, Err(AdminRefusal::LastAdmin));
}
