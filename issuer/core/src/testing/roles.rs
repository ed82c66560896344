//! Roles.

use super::world::{NOW, World, at, roles as names};
use crate::audit::Actor;
use crate::ports::AdminRefusal;
use crate::role::grant::GrantError;
use crate::role::{Permission, Role, RoleName};

pub fn role(name: &str, permissions: &[&str], inherits: &[&str]) -> Role {
    Role {
        name: RoleName::parse(name).unwrap(),
        description: format!("the role {name}"),
        permissions: permissions
            .iter()
            .map(|p| Permission::parse(p).unwrap())
            .collect(),
        inherits: names(inherits),
    }
}

pub async fn create(world: &World, name: &str, permissions: &[&str], inherits: &[&str]) {
    let operator = at(NOW, Actor::Operator);
    let new = role(name, permissions, inherits);
    world
        .store
        .create_role(&operator, new)
        .await
        .unwrap()
        .unwrap();
}

pub async fn replace(world: &World, name: &str, permissions: &[&str], inherits: &[&str]) {
    let operator = at(NOW, Actor::Operator);
    let new = role(name, permissions, inherits);
    let replaced = world.store.replace_role(&operator, new).await;
    replaced.unwrap().unwrap();
}

pub async fn roles_are_created_replaced_and_deleted(world: &World) {
    let store = &world.store;
    let root = at(
        NOW,
        Actor::Account(world.account("root", &["admin"]).await.id),
    );
    let reader = role("reader", &["agents:read"], &[]);
    let writer = role("writer", &["agents:write"], &["reader"]);
    for new in [&reader, &writer] {
        let created = store.create_role(&root, new.clone()).await.unwrap();
        assert_eq!(created, Ok(()));
    }
    let catalogue = store.role_catalogue().await.unwrap();
    assert_eq!(catalogue.get(&writer.name), Some(&writer));
    assert_eq!(catalogue.iter().count(), 4);
    assert_eq!(catalogue.effective(&writer.name).len(), 2);

    let taken = store.create_role(&root, reader.clone()).await.unwrap();
    let grant = |error| Err(AdminRefusal::Grant(error));
    assert_eq!(taken, grant(GrantError::NameTaken));
    let circle = role("reader", &[], &["writer"]);
    let answer = store.replace_role(&root, circle).await.unwrap();
    assert_eq!(answer, grant(GrantError::Cycle));
    let changed = role("reader", &["agents:read", "agents:list"], &[]);
    let answer = store.replace_role(&root, changed.clone()).await.unwrap();
    assert_eq!(answer, Ok(()));
    let catalogue = store.role_catalogue().await.unwrap();
    assert_eq!(catalogue.get(&reader.name), Some(&changed));
    let answer = store.delete_role(&root, &reader.name).await.unwrap();
    assert_eq!(answer, grant(GrantError::InUse));
    for name in [&writer.name, &reader.name] {
        assert_eq!(store.delete_role(&root, name).await.unwrap(), Ok(()));
    }
    let gone = store.delete_role(&root, &reader.name).await.unwrap();
    assert_eq!(gone, grant(GrantError::UnknownRole(reader.name.clone())));
    assert_eq!(store.role_catalogue().await.unwrap().iter().count(), 2);
    for (action, times) in [("created", 2), ("replaced", 1), ("deleted", 2)] {
        assert_eq!(world.count(&format!("role.{action}")).await, times);
    }
}

pub async fn a_role_that_shrinks_raises_its_holders_versions(world: &World) {
    create(world, "reader", &["agents:read", "agents:list"], &[]).await;
    create(world, "writer", &["agents:write"], &["reader"]).await;
    let ada = world.account("ada", &["writer"]).await;
    let bob = world.account("bob", &[]).await;
    let versions = async || {
        let mut versions = Vec::new();
        for id in [ada.id, bob.id] {
            versions.push(world.store.account(id).await.unwrap().unwrap().version);
        }
        versions
    };
    let more = ["agents:read", "agents:list", "agents:count"];
    replace(world, "reader", &more, &[]).await;
    assert_eq!(versions().await, [0, 0]);
    replace(world, "reader", &["agents:read"], &[]).await;
    assert_eq!(versions().await, [1, 0]);
    replace(world, "user", &["profile:read"], &[]).await;
    assert_eq!(versions().await, [1, 0]);
    replace(world, "user", &[], &[]).await;
    assert_eq!(versions().await, [2, 1]);
}

pub async fn a_permission_that_no_role_names_any_more_is_nobodys_to_lose(world: &World) {
    create(world, "reader", &["agents:read"], &[]).await;
    let root = world.account("root", &["admin"]).await;
    let version = async || {
        let account = world.store.account(root.id).await.unwrap();
        account.unwrap().version
    };
    let catalogue = world.store.role_catalogue().await.unwrap();
    assert!(catalogue.authority(&root.roles).permits("agents:read"));
    let operator = at(NOW, Actor::Operator);
    let reader = RoleName::parse("reader").unwrap();
    let deleted = world.store.delete_role(&operator, &reader).await;
    assert_eq!(deleted.unwrap(), Ok(()));
    assert_eq!(version().await, 0);
    let catalogue = world.store.role_catalogue().await.unwrap();
    assert!(!catalogue.authority(&root.roles).permits("agents:read"));
}

pub async fn roles_are_changed_by_those_who_hold_what_they_give(world: &World) {
    let store = &world.store;
    create(world, "lead", &["roles:write", "agents:read"], &[]).await;
    let lead = Actor::Account(world.account("lead", &["lead"]).await.id);
    let user = Actor::Account(world.account("user", &[]).await.id);
    let reader = || role("reader", &["agents:read"], &[]);
    let name = reader().name;
    let forbidden = Err(AdminRefusal::Forbidden);
    for actor in [user, Actor::Anonymous] {
        let context = at(NOW, actor);
        assert_eq!(
            store.create_role(&context, reader()).await.unwrap(),
            forbidden
        );
        assert_eq!(
            store.replace_role(&context, reader()).await.unwrap(),
            forbidden
        );
        assert_eq!(store.delete_role(&context, &name).await.unwrap(), forbidden);
    }
    let context = at(NOW, lead);
    let beyond = Err(AdminRefusal::Grant(GrantError::BeyondOwnAuthority));
    let writer = || role("reader", &["agents:write"], &[]);
    assert_eq!(store.create_role(&context, writer()).await.unwrap(), beyond);
    assert_eq!(store.create_role(&context, reader()).await.unwrap(), Ok(()));
    assert_eq!(
        store.replace_role(&context, writer()).await.unwrap(),
        beyond
    );
    assert_eq!(store.delete_role(&context, &name).await.unwrap(), Ok(()));
    let admin = role("admin", &[], &[]);
    let built_in = Err(AdminRefusal::Grant(GrantError::BuiltIn));
    assert_eq!(store.replace_role(&context, admin).await.unwrap(), built_in);
    assert_eq!(world.count("role.created").await, 2);
    assert_eq!(world.count("role.replaced").await, 0);
}

pub async fn a_held_role_stays(world: &World) {
    create(world, "reader", &["agents:read"], &[]).await;
    let ada = world.account("ada", &["reader"]).await;
    let operator = at(NOW, Actor::Operator);
    let reader = RoleName::parse("reader").unwrap();
    let held = world.store.delete_role(&operator, &reader).await.unwrap();
    assert_eq!(held, Err(AdminRefusal::Grant(GrantError::InUse)));
    let taken = world.store.set_roles(&operator, ada.id, names(&[]));
    taken.await.unwrap().unwrap();
    let free = world.store.delete_role(&operator, &reader).await.unwrap();
    assert_eq!(free, Ok(()));
}
